/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC: a device with a register that selects and one that is a window, as the data sheet of the 82093AA says,
 * section 3.
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

static uint32_t registers[256];
static unsigned selected;
static bool is_there;
static uint64_t mapped_to;
static uint32_t local_id;

void paging_set(uint64_t vaddr, uint64_t entry)
{
    assert_int_equal(vaddr, IOAPIC_BASE);
    mapped_to = entry;
}

uint32_t apic_id(void)
{
    return local_id;
}

static uint32_t device_read(uint64_t offset)
{
    assert_int_equal(offset, 0x10);
    return is_there ? registers[selected] : UINT32_MAX;
}

static void device_write(uint64_t offset, uint32_t value)
{
    if (offset == 0x10) {
        registers[selected] = value;
        return;
    }
    assert_int_equal(offset, 0);
    assert_true(value < 256);
    selected = value;
}

/* One with as many lines as this, and of that version. */
static void begin(unsigned pins, unsigned version)
{
    fake_cpu_reset();
    fake_cpu.device = IOAPIC_BASE;
    fake_cpu.on_device_read = device_read;
    fake_cpu.on_device_write = device_write;
    for (unsigned i = 0; i < 256; i++)
        registers[i] = UNTOUCHED;
    registers[1] = (pins - 1) << 16 | version;
    is_there = true;
    mapped_to = 0;
}

static bool is_masked(unsigned pin)
{
    return registers[0x10 + 2 * pin] >> 16 & 1;
}

/* Where PCs have it, for the hypervisor alone, and by no cache; each line is masked, and nothing else written. */
static void test_init(void **state)
{
    static const unsigned sizes[] = {16, 24, 64, 120};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin(sizes[i], 0x20);
        assert_true(ioapic_init());
        assert_int_equal(mapped_to & ~UINT64_C(0x60), UINT64_C(0x80000000fec0001b));
        assert_int_equal(fake_cpu.flushed_page, IOAPIC_BASE);
        for (unsigned pin = 0; pin < sizes[i]; pin++)
            assert_true(is_masked(pin));
        for (unsigned reg = 0x10 + 2 * sizes[i]; reg < 256; reg++)
            assert_int_equal(registers[reg], UNTOUCHED);
        assert_int_equal(registers[0], UNTOUCHED);
    }
}

/* Where there is none: ones, zeroes, or something that is no I/O APIC.  It is left alone. */
static void test_none(void **state)
{
    static const struct {
        unsigned pins, version;
    } others[] = {{1, 0}, {24, 0}, {24, 0x0f}, {24, 0x30}, {15, 0x20}, {1, 0x20}, {241, 0x20}, {256, 0x20}};

    (void)state;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        begin(others[i].pins, others[i].version);
        assert_false(ioapic_init());
        for (unsigned reg = 0x10; reg < 256; reg++)
            assert_int_equal(registers[reg], UNTOUCHED);
    }
    begin(24, 0x20);
    is_there = false;
    assert_false(ioapic_init());
    begin(24, 0x11);
    assert_true(ioapic_init());
}

/* An NMI, at the rising edge of that line and of no other, to this processor by its number. */
static void test_route(void **state)
{
    (void)state;
    for (unsigned pin = 0; pin < 16; pin++) {
        begin(24, 0x20);
        local_id = pin % 2 ? 0 : 9;
        assert_true(ioapic_init());
        ioapic_route_nmi(pin);
        assert_int_equal(registers[0x10 + 2 * pin], 4u << 8);
        assert_int_equal(registers[0x11 + 2 * pin], local_id << 24);
        for (unsigned other = 0; other < 24; other++)
            assert_int_equal(is_masked(other), other != pin);
        ioapic_mask(pin);
        assert_true(is_masked(pin));
    }
}

/* By level, at that vector, to this processor; masked or not it stays so. */
static void test_level(void **state)
{
    (void)state;
    begin(24, 0x20);
    assert_true(ioapic_init());
    assert_true(ioapic_is_there());
    local_id = 7;
    for (unsigned pin = 3; pin < 16; pin++) {
        ioapic_route_level(pin, 0x40 + pin);
        assert_int_equal(registers[0x10 + 2 * pin], 0x8000 | (0x40 + pin));
        assert_int_equal(registers[0x11 + 2 * pin], 7 << 24);
        ioapic_mask(pin);
        assert_int_equal(registers[0x10 + 2 * pin], 0x18000 | (0x40 + pin));
        assert_true(is_masked(pin + 1));
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

    return fake_cpu_reserve(IOAPIC_BASE, 4096) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
