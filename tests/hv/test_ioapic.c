/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: each a device with a register that selects and one that is a window, as the data sheet of the 82093AA
 * says, section 3.
 */
/* links: tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/layout.h>
#include <tests/hv/lib/fake_cpu.h>

/* A process cannot keep a device at the hypervisor's address. */
#undef IOAPIC_BASE
#define IOAPIC_BASE UINT64_C(0x300000000000)
#include <hv/time/ioapic.c>

#define UNTOUCHED UINT32_C(0x5a5a5a5a)

#define LINES 24u

/* The first, and one behind it. */
static struct {
    uint32_t registers[256];
    unsigned selected;
    bool is_there;
    uint64_t mapped_to;
} chips[2];
static uint32_t local_id;

void paging_set(uint64_t vaddr, uint64_t entry)
{
    assert_true(vaddr == IOAPIC_BASE || vaddr == IOAPIC_BASE + 4096);
    chips[vaddr != IOAPIC_BASE].mapped_to = entry;
}

uint32_t apic_id(void)
{
    return local_id;
}

static uint32_t device_read(uint64_t offset)
{
    unsigned chip = offset >= 4096;

    assert_int_equal(offset % 4096, 0x10);
    return chips[chip].is_there ? chips[chip].registers[chips[chip].selected] : UINT32_MAX;
}

static void device_write(uint64_t offset, uint32_t value)
{
    unsigned chip = offset >= 4096;

    if (offset % 4096 == 0x10) {
        chips[chip].registers[chips[chip].selected] = value;
        return;
    }
    assert_int_equal(offset % 4096, 0);
    assert_true(value < 256);
    chips[chip].selected = value;
}

static void add(unsigned chip, unsigned pins, unsigned version)
{
    chips[chip].registers[1] = (pins - 1) << 16 | version;
    chips[chip].is_there = true;
}

/* One with as many lines as this, and of that version. */
static void begin(unsigned pins, unsigned version)
{
    fake_cpu_reset();
    fake_cpu.device = IOAPIC_BASE;
    fake_cpu.on_device_read = device_read;
    fake_cpu.on_device_write = device_write;
    memset(chips, 0, sizeof(chips));
    for (unsigned chip = 0; chip < 2; chip++) {
        for (unsigned i = 0; i < 256; i++)
            chips[chip].registers[i] = UNTOUCHED;
    }
    add(0, pins, version);
}

static uint32_t low(unsigned chip, unsigned pin)
{
    return chips[chip].registers[0x10 + 2 * pin];
}

static uint32_t high(unsigned chip, unsigned pin)
{
    return chips[chip].registers[0x11 + 2 * pin];
}

static bool is_masked(unsigned chip, unsigned pin)
{
    return low(chip, pin) >> 16 & 1;
}

/* Where PCs have it, for the hypervisor alone, and by no cache; each line is masked, and nothing else written. */
static void test_init(void **state)
{
    static const unsigned sizes[] = {16, 24, 64, 120};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin(sizes[i], 0x20);
        assert_true(ioapic_init());
        assert_int_equal(ioapic_lines(), sizes[i]);
        assert_int_equal(chips[0].mapped_to & ~UINT64_C(0x60), UINT64_C(0x80000000fec0011b));
        for (unsigned pin = 0; pin < sizes[i]; pin++)
            assert_true(is_masked(0, pin));
        for (unsigned reg = 0x10 + 2 * sizes[i]; reg < 256; reg++)
            assert_int_equal(chips[0].registers[reg], UNTOUCHED);
        assert_int_equal(chips[0].registers[0], UNTOUCHED);
    }
}

/* Where there is none: ones, zeroes, or something that is no I/O APIC.  It is left alone, and none is behind it. */
static void test_none(void **state)
{
    static const struct {
        unsigned pins, version;
    } others[] = {{1, 0}, {24, 0}, {24, 0x0f}, {24, 0x30}, {15, 0x20}, {1, 0x20}, {241, 0x20}, {256, 0x20}};

    (void)state;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        begin(others[i].pins, others[i].version);
        add(1, LINES, 0x20);
        assert_false(ioapic_init());
        assert_int_equal(ioapic_lines(), 0);
        for (unsigned reg = 0x10; reg < 256; reg++)
            assert_true(chips[0].registers[reg] == UNTOUCHED && chips[1].registers[reg] == UNTOUCHED);
        begin(LINES, 0x20);
        add(1, others[i].pins, others[i].version);
        assert_true(ioapic_init());
        assert_int_equal(ioapic_lines(), LINES);
        for (unsigned reg = 0x10; reg < 256; reg++)
            assert_int_equal(chips[1].registers[reg], UNTOUCHED);
    }
    begin(LINES, 0x20);
    chips[0].is_there = false;
    assert_false(ioapic_init());
    begin(LINES, 0x11);
    assert_true(ioapic_init());
}

/* An NMI, at the rising edge of that line and of no other, to this processor by its number. */
static void test_route(void **state)
{
    (void)state;
    for (unsigned pin = 0; pin < 16; pin++) {
        begin(LINES, 0x20);
        local_id = pin % 2 ? 0 : 9;
        assert_true(ioapic_init());
        ioapic_route_nmi(pin);
        assert_int_equal(low(0, pin), 4u << 8);
        assert_int_equal(high(0, pin), local_id << 24);
        for (unsigned other = 0; other < LINES; other++)
            assert_int_equal(is_masked(0, other), other != pin);
        ioapic_mask(pin);
        assert_true(is_masked(0, pin));
    }
}

/* By level, at that vector, to this processor; masked or not it stays so.  The numbers go on in the second one. */
static void test_level(void **state)
{
    (void)state;
    begin(LINES, 0x20);
    add(1, LINES, 0x20);
    assert_true(ioapic_init());
    assert_int_equal(ioapic_lines(), 2 * LINES);
    assert_int_equal(chips[1].mapped_to & ~UINT64_C(0x60), UINT64_C(0x80000000fec1011b));
    assert_int_equal(fake_cpu.flushed_page, IOAPIC_BASE + 4096);
    local_id = 7;
    for (unsigned line = 3; line < 2 * LINES - 1; line++) {
        unsigned chip = line >= LINES, pin = line % LINES;

        ioapic_route_level(line, 0x40 + line);
        assert_int_equal(low(chip, pin), 0x8000 | (0x40 + line));
        assert_int_equal(high(chip, pin), 7 << 24);
        assert_true(is_masked((line + 1) >= LINES, (line + 1) % LINES));
        ioapic_mask(line);
        assert_int_equal(low(chip, pin), 0x18000 | (0x40 + line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_route),
        cmocka_unit_test(test_level),
    };

    return fake_cpu_reserve(IOAPIC_BASE, FAKE_DEVICE_SIZE) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
