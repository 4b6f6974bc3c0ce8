/* SPDX-License-Identifier: MIT */
/* Areas of memory and tables of interrupts, of devices that say what devices may say and of others. */
/* links: hv/device/pci_measure.c tests/hv/lib/pci_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/device/pci.h>
#include <tests/hv/lib/pci_host.h>

#define COMMAND 0x0107u

static struct pci_function functions[2];
static unsigned nr_functions;
static struct fake_function *device;

struct pci_function *pci_next(const struct pci_function *previous)
{
    size_t next = previous ? (size_t)(previous - functions) + 1 : 0;

    return next < nr_functions ? &functions[next] : NULL;
}

static void begin(void)
{
    pci_host_begin();
    device = pci_host_add(8, 0x1af4);
    fake_set(device, PCI_COMMAND, 2, COMMAND);
    functions[0] = (struct pci_function){.place = PCI_PLACE(8)};
    functions[1] = (struct pci_function){.place = PCI_PLACE(16)};
    nr_functions = 1;
}

/* A problem that has @part in it; NULL: none. */
static const struct pci_function *expect(const char *part)
{
    struct fake_function before = *device;

    functions[0] = (struct pci_function){.place = PCI_PLACE(8)};
    pci_measure(&functions[0]);
    assert_memory_equal(device->config, before.config, sizeof(before.config)); /* all is as it was */
    if (!part)
        assert_null(functions[0].problem);
    else if (!functions[0].problem || !strstr(functions[0].problem, part))
        fail_msg("%s", functions[0].problem);
    return &functions[0];
}

static void test_areas(void **state)
{
    const struct pci_function *function;
    unsigned writes;

    (void)state;
    begin();
    fake_set(device, PCI_BAR0, 4, 0xc001); /* ports */
    device->writable[PCI_BAR0] = 0xe0;
    fake_bar(device, 1, false, 0xfebd1000, 0x1000);
    fake_bar(device, 2, false, 0xfe000010, 0x10);
    fake_bar(device, 3, true, UINT64_C(0x7000000000), UINT64_C(0x1000000000));
    function = expect(NULL);
    assert_true(function->bars[0].size == 0 && function->bars[4].size == 0 && function->bars[5].size == 0);
    assert_true(function->bars[1].maddr == 0xfebd1000 && function->bars[1].size == 0x1000);
    assert_true(function->bars[2].maddr == 0xfe000010 && function->bars[2].size == 0x10);
    assert_true(function->bars[3].maddr == UINT64_C(0x7000000000) && function->bars[3].size == UINT64_C(0x1000000000));
    assert_int_equal(function->msix.capability, 0);
    writes = device->writes;
    pci_measure(&functions[0]);
    assert_int_equal(device->writes, writes); /* once is enough */
}

static void test_bad_areas(void **state)
{
    (void)state;
    begin();
    fake_bar(device, 0, false, 0, 0x1000);
    expect("no address");
    begin();
    fake_bar(device, 0, false, 0xfe000000, 0x4000);
    device->writable[PCI_BAR0 + 1] = 0xa0; /* a bit in the middle cannot be set */
    expect("size that there is not");
    begin();
    fake_bar(device, 5, false, 0xfe000000, 0x1000);
    fake_set(device, PCI_BAR0 + 20, 4, 0xfe000004);
    expect("half an address");
}

static void test_tables(void **state)
{
    const struct pci_function *function;
    struct frame_range ranges[2];

    (void)state;
    begin();
    fake_bar(device, 1, false, 0xfe008000, 0x8000);
    fake_bar(device, 4, true, 0xfe000000, 0x4000);
    fake_msix(device, 1, 0x2ff8, 2); /* over the end of a page */
    function = expect(NULL);
    assert_true(function->msix.capability == 0x40 && function->msix.nr_entries == 2 && function->msix.bar == 1);
    assert_int_equal(function->msix.table, 0xfe00aff8);
    assert_int_equal(pci_bar_ranges(function, 1, ranges), 2);
    assert_true(ranges[0].first.v == 0xfe008 && ranges[0].last.v == 0xfe009);
    assert_true(ranges[1].first.v == 0xfe00c && ranges[1].last.v == 0xfe00f);
    assert_int_equal(pci_bar_ranges(function, 4, ranges), 1);
    assert_true(ranges[0].first.v == 0xfe000 && ranges[0].last.v == 0xfe003);
    assert_int_equal(pci_bar_ranges(function, 0, ranges), 0);

    fake_msix(device, 1, 0, 2048); /* all of the area */
    assert_int_equal(pci_bar_ranges(expect(NULL), 1, ranges), 0);
    fake_msix(device, 1, 8, 2048);
    expect("lies nowhere");
    fake_msix(device, 1, 0xfffffff8, 1);
    expect("lies nowhere");
    fake_msix(device, 0, 0, 1);
    expect("lies nowhere");
    fake_msix(device, 7, 0, 1);
    expect("lies nowhere");
}

/* A list without an end, one that leads into the header, and one that is not there. */
static void test_capabilities(void **state)
{
    (void)state;
    begin();
    fake_set(device, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES);
    fake_set(device, PCI_CAPABILITIES, 1, 0x43);
    fake_set(device, 0x40, 2, 0x5005);
    fake_set(device, 0x50, 2, 0x4009);
    assert_int_equal(pci_capability(&functions[0], 0x09, 0), 0x50);
    assert_int_equal(pci_capability(&functions[0], 0x11, 0), 0);
    fake_set(device, 0x50, 2, 0x6009);
    fake_set(device, 0x60, 2, 0x0009);
    assert_int_equal(pci_capability(&functions[0], 0x09, 0x50), 0x60);
    assert_int_equal(pci_capability(&functions[0], 0x09, 0x60), 0);
    fake_set(device, 0x50, 2, 0x0c09);
    fake_set(device, 0x0c, 1, 0x11);
    assert_int_equal(pci_capability(&functions[0], 0x11, 0), 0);
    fake_set(device, PCI_STATUS, 2, 0);
    assert_int_equal(pci_capability(&functions[0], 0x09, 0), 0);
}

/* Registers of less than a page, and who else has some in it. */
static void test_neighbours(void **state)
{
    struct fake_function *other;

    (void)state;
    begin();
    fake_bar(device, 0, false, 0xfe000100, 0x100);
    other = pci_host_add(16, 0x8086);
    nr_functions = 2;
    fake_bar(other, 5, false, 0xfe001000, 0x100);
    expect(NULL);
    fake_bar(other, 5, false, 0xfe000800, 0x100);
    expect("same page");
    fake_set(other, PCI_BAR0 + 20, 4, 0xfe000801); /* of ports */
    expect(NULL);
    fake_bar(other, 2, true, UINT64_C(0x1fe000000), 0x100);
    expect(NULL);
    fake_bar(other, 2, true, 0xfe000000, 0x100);
    expect("same page");
    functions[1].header = PCI_HEADER_BRIDGE; /* which has bus numbers there */
    expect(NULL);
    assert_int_equal(other->writes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_areas),        cmocka_unit_test(test_bad_areas),  cmocka_unit_test(test_tables),
        cmocka_unit_test(test_capabilities), cmocka_unit_test(test_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
