/* SPDX-License-Identifier: MIT */
/*
 * The registers of a virtio device, by the capabilities of a function that says anything: those of QEMU are found, of
 * several the first that can be mapped; what is missing, too short or nowhere is no device.
 */
/* links: backend/virtio_pci.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <guest/address.h>
#include <guest/print.h>
#include <guest/region.h>
#include <guest/table.h>
#include <backend/virtio_pci.h>

/* ---- A function with vendor-specific capabilities at 0x40, 0x60, ..., and a BAR 4. */

#define BAR_ADDRESS UINT64_C(0xfe000000)
#define WINDOW_SIZE 0x10000u

static uint8_t config[PCI_CONFIG_SIZE];
static unsigned nr_capabilities;
static uint8_t window[WINDOW_SIZE]; /* what stands for the memory of BAR 4 */

uint8_t pci_read8(const struct pci_function *function, unsigned offset)
{
    (void)function;
    assert_true(offset < sizeof(config));
    return config[offset];
}

uint16_t pci_read16(const struct pci_function *function, unsigned offset)
{
    assert_int_equal(offset % 2, 0);
    return (uint16_t)(pci_read8(function, offset) | pci_read8(function, offset + 1) << 8);
}

uint32_t pci_read32(const struct pci_function *function, unsigned offset)
{
    assert_int_equal(offset % 4, 0);
    return pci_read16(function, offset) | (uint32_t)pci_read16(function, offset + 2) << 16;
}

unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned nth)
{
    (void)function;
    assert_int_equal(id, 9);
    return nth < nr_capabilities ? 0x40 + nth * 0x20 : 0;
}

uint64_t pci_bar(const struct pci_function *function, unsigned bar)
{
    (void)function;
    return bar == 4 ? BAR_ADDRESS : 0;
}

void *region_map(uint64_t maddr, size_t size, uint64_t flags)
{
    assert_true(size > 0 && size <= 4 * PAGE_SIZE);
    assert_int_equal(flags & (PTE_PCD | PTE_PWT), PTE_PCD | PTE_PWT);
    if (maddr < BAR_ADDRESS || maddr - BAR_ADDRESS > WINDOW_SIZE || WINDOW_SIZE - (maddr - BAR_ADDRESS) < size)
        return NULL;
    return window + (maddr - BAR_ADDRESS);
}

/* What follows once the registers are found: tests/several. */
static unsigned enabled;

void pci_enable(const struct pci_function *function)
{
    (void)function;
    enabled++;
}

void pci_quiet(const struct pci_function *function)
{
    (void)function;
    fail();
}

struct interrupt *interrupt_bind_msix(const struct pci_function *function, unsigned entry)
{
    (void)function;
    (void)entry;
    return NULL;
}

struct interrupt *interrupt_bind_line(unsigned line)
{
    (void)line;
    return NULL;
}

uint64_t virt_to_maddr(const volatile void *address)
{
    return (uint64_t)address;
}

void print(const char *format, ...)
{
    (void)format;
}

static void add(uint8_t type, uint8_t bar, uint32_t offset, uint32_t length)
{
    uint8_t *at = &config[0x40 + nr_capabilities++ * 0x20];
    const uint32_t multiplier = 4;

    memset(at, 0, 0x20);
    at[0] = 9;
    at[2] = 20;
    at[3] = type;
    at[4] = bar;
    memcpy(at + 8, &offset, 4);
    memcpy(at + 12, &length, 4);
    memcpy(at + 16, &multiplier, 4);
}

static struct virtio_device device;

static bool map(void)
{
    device = (struct virtio_device){.notify = NULL};
    return virtio_pci.map(&device);
}

/* Without the structure @but; 0: all that QEMU has. */
static void as_qemu(uint8_t but)
{
    nr_capabilities = 0;
    add(5, 0, 0, 0);
    if (but != 2)
        add(2, 4, 0x3000, 0x1000);
    if (but != 4)
        add(4, 4, 0x2000, 0x1000);
    if (but != 3)
        add(3, 4, 0x1000, 0x1000);
    if (but != 1)
        add(1, 4, 0, 0x1000);
}

/* ---- Tests. */

static void test_qemu(void **state)
{
    (void)state;
    as_qemu(0);
    enabled = 0;
    assert_true(map());
    assert_int_equal(enabled, 1);
    assert_ptr_equal(device.common, window);
    assert_ptr_equal(device.isr, window + 0x1000);
    assert_ptr_equal(device.config, window + 0x2000);
    assert_ptr_equal(device.notify, window + 0x3000);
    assert_int_equal(device.notify_multiplier, 4);
    assert_int_equal(device.notify_size, 0x1000);
    assert_int_equal(device.config_size, 256);
}

static void test_missing(void **state)
{
    (void)state;
    for (uint8_t but = 1; but <= 4; but++) {
        as_qemu(but);
        assert_int_equal(map(), but >= 3);
        if (but == 3)
            assert_null(device.isr);
        if (but == 4) {
            assert_null(device.config);
            assert_int_equal(device.config_size, 0);
        }
    }
    nr_capabilities = 0;
    assert_false(map());
}

/* One after the other that is useless, then one that is not. */
static void test_several(void **state)
{
    static const struct {
        uint8_t bar;
        uint32_t offset, length;
    } useless[] = {{0, 0, 0x1000}, {0, 0xfe000000, 0x1000}, {6, 0, 0x1000}, {255, 0, 0x1000}, {4, 2, 0x1000},
                   {4, 0, 0},      {4, 0xfffffffc, 0x1000}};

    (void)state;
    for (unsigned i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
        as_qemu(1);
        add(1, useless[i].bar, useless[i].offset, useless[i].length);
        assert_false(map());
        add(1, 4, 0x4000, 56);
        assert_true(map());
        assert_ptr_equal(device.common, window + 0x4000);
    }
}

static void test_short(void **state)
{
    (void)state;
    as_qemu(1);
    add(1, 4, 0, 55);
    assert_false(map());
    as_qemu(4);
    add(4, 4, 0x2000, 9);
    assert_true(map());
    assert_int_equal(device.config_size, 9);
}

/* As long as they like: what is mapped is what is used. */
static void test_long(void **state)
{
    (void)state;
    as_qemu(2);
    add(2, 4, 0x8000, 0xffffffff);
    assert_true(map());
    assert_int_equal(device.notify_size, 4 * PAGE_SIZE);
}

static unsigned type_of(uint16_t vendor, uint16_t number, uint16_t subsystem)
{
    const struct pci_function function = {.vendor = vendor, .device = number};

    memcpy(&config[0x2e], &subsystem, 2);
    return virtio_pci_type(&function);
}

static void test_type(void **state)
{
    (void)state;
    assert_int_equal(type_of(0x1af4, 0x1041, 77), 1);
    assert_int_equal(type_of(0x1af4, 0x1042, 77), 2);
    assert_int_equal(type_of(0x1af4, 0x107f, 77), 63);
    assert_int_equal(type_of(0x1af4, 0x1080, 77), 0);
    assert_int_equal(type_of(0x1af4, 0x1000, 1), 1);
    assert_int_equal(type_of(0x1af4, 0x1001, 2), 2);
    assert_int_equal(type_of(0x1af4, 0x0fff, 2), 0);
    assert_int_equal(type_of(0x8086, 0x1042, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qemu),  cmocka_unit_test(test_missing), cmocka_unit_test(test_several),
        cmocka_unit_test(test_short), cmocka_unit_test(test_long),    cmocka_unit_test(test_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
