/* SPDX-License-Identifier: MIT */
/* The table of interrupts: whose page is written, and what. */
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

/* A process cannot keep a device at the hypervisor's address. */
#undef DEVICE_PAGE
#define DEVICE_PAGE UINT64_C(0x300000000000)
#include <hv/device/msix.c>

#define TABLE   UINT64_C(0x7000001ff0) /* the second entry lies in the next page */
#define ENTRIES 3u

static uint32_t table[ENTRIES][4];
static uint64_t mapped;
static struct pci_function function;
static struct fake_function *device;
static bool was_masked; /* whenever anything but the mask was written */

void paging_set(uint64_t vaddr, uint64_t entry)
{
    assert_int_equal(vaddr, DEVICE_PAGE);
    assert_int_equal(entry & ~UINT64_C(0x7ffffff000), UINT64_C(0x800000000000017b)); /* uncached, global */
    mapped = entry & UINT64_C(0x7ffffff000);
}

uint32_t apic_id(void)
{
    return 5;
}

static uint32_t *word(uint64_t offset)
{
    uint64_t at = mapped + offset - TABLE;

    assert_true(fake_cpu.flushed_page == DEVICE_PAGE && at < sizeof(table) && at % 4 == 0);
    return &table[at / 16][at / 4 % 4];
}

static uint32_t device_read(uint64_t offset)
{
    return *word(offset);
}

static void device_write(uint64_t offset, uint32_t value)
{
    uint64_t at = mapped + offset - TABLE;

    if (at / 4 % 4 != 3)
        was_masked &= table[at / 16][3] == 1;
    *word(offset) = value;
}

static void begin(void)
{
    fake_cpu_reset();
    fake_cpu.device = DEVICE_PAGE;
    fake_cpu.on_device_read = device_read;
    fake_cpu.on_device_write = device_write;
    memset(table, 0, sizeof(table));
    was_masked = true;
    pci_host_begin();
    device = pci_host_add(8, 0x1af4);
    fake_msix(device, 1, 0xff0, ENTRIES);
    function = (struct pci_function){.place = PCI_PLACE(8),
                                     .msix = {.capability = 0x40, .nr_entries = ENTRIES, .bar = 1, .table = TABLE}};
}

static void test_entries(void **state)
{
    static const uint32_t expected[] = {0xfee05000, 0, 0x77, 1};

    (void)state;
    begin();
    memset(table, 0xff, sizeof(table));
    msix_set(&function, 1, 0x77);
    assert_memory_equal(table[1], expected, 16);
    assert_true(was_masked && table[0][0] == UINT32_MAX && table[2][0] == UINT32_MAX);
    msix_mask(&function, 1, false);
    assert_int_equal(table[1][3], 0);
    msix_mask(&function, 0, false);
    msix_mask(&function, 1, true);
    assert_true(table[0][3] == 0 && table[1][3] == 1 && table[1][2] == 0x77);
    msix_reset(&function);
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_true(table[i][0] == 0 && table[i][1] == 0 && table[i][2] == 0 && table[i][3] == 1);
    assert_true(was_masked);
}

static void test_enable(void **state)
{
    (void)state;
    begin();
    fake_set(device, 0x42, 2, 0x4002); /* the function's own mask */
    msix_enable(&function, true);
    assert_int_equal(fake_get(device, 0x42, 2), 0x8002);
    msix_enable(&function, false);
    assert_int_equal(fake_get(device, 0x42, 2), 0x0002);
    device->writes = 0;
    function.msix = (struct pci_msix){0};
    msix_enable(&function, true);
    msix_reset(&function);
    assert_int_equal(device->writes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_enable),
    };

    return fake_cpu_reserve(DEVICE_PAGE, 4096) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
