/* SPDX-License-Identifier: MIT */
/* The reset of virtio devices: where the register is believed to be, and how long it is waited for. */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/pci_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/layout.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/pci_host.h>

/* Of a device that is made up the registers are bytes. */
#undef DEVICE_PAGE
static _Alignas(4096) uint8_t memory[4096];
#define DEVICE_PAGE ((uint64_t)memory)
#include <hv/device/virtio_reset.c>

#define AREA UINT64_C(0x7000000000)

static struct pci_function function;
static struct fake_function *device;
static uint64_t now, mapped;
static unsigned reads;

void paging_set(uint64_t vaddr, uint64_t entry)
{
    assert_int_equal(vaddr, DEVICE_PAGE);
    mapped = entry & UINT64_C(0xfffffff000);
}

/* The list of the maker's capabilities, as pci_measure.c walks it. */
unsigned pci_capability(const struct pci_function *of, unsigned id, unsigned after)
{
    assert_true(of == &function && id == 9);
    reads++;
    return fake_get(device, after ? after + 1 : PCI_CAPABILITIES, 1);
}

/* It comes to rest after a while. */
static uint64_t rest_at;

static uint32_t *mmio; /* where the test has put such registers */

uint64_t time_now(void)
{
    now += 1000000;
    if (mmio) {
        mmio[0x70 / 4] = now >= rest_at ? 0 : 15;
        return now;
    }
    if (now >= rest_at)
        memory[0x1014 % 4096] = 0;
    else
        memory[0x1014 % 4096] = 15;
    return now;
}

static void add_part(unsigned at, unsigned next, unsigned type, unsigned bar, uint32_t offset)
{
    fake_set(device, at, 4, 9 | next << 8 | 16 << 16 | type << 24);
    fake_set(device, at + 4, 1, bar);
    fake_set(device, at + 8, 4, offset);
}

static void begin(void)
{
    fake_cpu_reset();
    pci_host_begin();
    device = pci_host_add(8, 0x1af4);
    function = (struct pci_function){.place = PCI_PLACE(8), .vendor = 0x1af4, .bars[4] = {AREA, 0x4000}};
    fake_set(device, PCI_CAPABILITIES, 1, 0x50);
    add_part(0x50, 0x60, 2, 4, 0x3000);
    add_part(0x60, 0, 1, 4, 0x1000);
    now = mapped = rest_at = 0;
    reads = 0;
}

static void test_rest(void **state)
{
    (void)state;
    begin();
    assert_true(virtio_reset(&function));
    assert_int_equal(mapped, AREA + 0x1000);
    begin();
    rest_at = UINT64_C(900000000);
    assert_true(virtio_reset(&function));
    assert_true(now >= rest_at);
    begin();
    rest_at = UINT64_MAX;
    assert_false(virtio_reset(&function));
    assert_true(now < UINT64_C(1100000000));
}

/* Others, and what a device cannot mean: nothing is touched. */
static void test_others(void **state)
{
    static const struct {
        unsigned bar;
        uint32_t offset;
    } places[] = {{6, 0}, {0, 0}, {4, 0x4000}, {4, 0x3fec}, {4, UINT32_MAX}, {255, 0x1000}};

    (void)state;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        begin();
        add_part(0x60, 0, 1, places[i].bar, places[i].offset);
        assert_true(virtio_reset(&function));
        assert_int_equal(mapped, 0);
    }
    begin();
    function.vendor = 0x8086;
    assert_true(virtio_reset(&function));
    assert_true(mapped == 0 && reads == 0);
    begin();
    add_part(0x60, 0x50, 2, 4, 0x1000); /* a list without an end */
    assert_true(virtio_reset(&function));
    assert_true(mapped == 0 && reads < 60);
    begin();
    fake_set(device, PCI_CAPABILITIES, 1, 0);
    assert_true(virtio_reset(&function));
    assert_int_equal(mapped, 0);
}

static bool reset_mmio(uint32_t magic, uint32_t number, uint64_t at_rest)
{
    begin();
    rest_at = at_rest;
    mmio = (uint32_t *)(memory + 0x600);
    mmio[0] = magic;
    mmio[2] = number;
    mmio[0x70 / 4] = 15;
    return virtio_reset_mmio(AREA + 0x1600);
}

static void test_mmio(void **state)
{
    (void)state;
    assert_true(reset_mmio(0x74726976, 2, UINT64_C(900000000)));
    assert_true(mapped == AREA + 0x1000 && now >= rest_at);
    assert_false(reset_mmio(0x74726976, 2, UINT64_MAX));
    assert_true(now < UINT64_C(1100000000));
    /* Nothing there, or no virtio at all: what is there is left alone. */
    assert_true(reset_mmio(0x74726976, 0, UINT64_MAX));
    assert_int_equal(mmio[0x70 / 4], 15);
    assert_true(reset_mmio(UINT32_MAX, 2, UINT64_MAX));
    assert_int_equal(mmio[0x70 / 4], 15);
    mmio = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_mmio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
