/* SPDX-License-Identifier: MIT */
/* Which functions are found, on machines that are made up. */
/* links: tests/hv/lib/pci_host.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tests/hv/lib/pci_host.h>
#include <tests/hv/lib/said.h>

#include <hv/device/pci_scan.c>

static void begin(void)
{
    pci_host_begin();
    nr_functions = 0;
    scanned = false;
    said[0] = '\0';
}

static void add_bridge(unsigned place, unsigned secondary)
{
    struct fake_function *bridge = pci_host_add(place, 0x1b36);

    fake_set(bridge, PCI_HEADER, 1, PCI_HEADER_BRIDGE);
    fake_set(bridge, PCI_SECONDARY_BUS, 1, secondary);
}

static unsigned count(void)
{
    unsigned found = 0;

    for (const struct pci_function *function = pci_next(NULL); function; function = pci_next(function))
        found++;
    return found;
}

static void test_nothing(void **state)
{
    (void)state;
    begin();
    pci_host_remove_space();
    pci_scan();
    assert_null(pci_next(NULL));
    begin();
    pci_scan();
    assert_null(pci_next(NULL));
    assert_null(pci_find(PCI_PLACE(0)));
}

static void test_functions(void **state)
{
    const struct pci_function *function;

    (void)state;
    begin();
    fake_set(pci_host_add(2 << 3, 0x1234), PCI_HEADER, 1, PCI_HEADER_MULTI);
    pci_host_add(2 << 3 | 7, 0x1af4);
    pci_host_add(3 << 3, 0x1af4);
    pci_host_add(3 << 3 | 1, 0x1af4); /* no function of it may be asked for */
    pci_host_add(4 << 3 | 2, 0x1af4); /* nor of a device that has no first */
    fake_set(pci_host_add(31 << 3, 0x5555), PCI_INTERRUPT_LINE, 2, 0x000b);
    pci_scan();
    assert_int_equal(count(), 4);
    function = pci_find(PCI_PLACE(2 << 3 | 7));
    assert_true(function->vendor == 0x1af4 && function->device == 0x1002 && function->line == 11);
    assert_true(function->header == PCI_HEADER_DEVICE && !function->owner && !function->measured);
    assert_int_equal(pci_find(PCI_PLACE(2 << 3))->header, PCI_HEADER_DEVICE);
    assert_int_equal(pci_find(PCI_PLACE(31 << 3))->line, 0xff); /* without a pin */
    assert_null(pci_find(PCI_PLACE(3 << 3 | 1)));
    pci_host_add(5 << 3, 0x1af4);
    pci_scan();
    assert_int_equal(count(), 4); /* only once */
}

/* Behind bridges behind bridges; one that leads back, or nowhere, leads nowhere. */
static void test_bridges(void **state)
{
    (void)state;
    begin();
    add_bridge(1 << 3, 1);
    add_bridge(1 << 8 | 2 << 3, 7);
    add_bridge(7 << 8, 255);
    pci_host_add(255 << 8 | 31 << 3, 0x1af4);
    add_bridge(2 << 3, 0);
    add_bridge(7 << 8 | 1 << 3, 3);
    pci_host_add(3 << 8, 0x1af4);
    pci_host_add(9 << 8, 0x1af4);
    pci_scan();
    assert_int_equal(count(), 6);
    assert_non_null(pci_find(PCI_PLACE(255 << 8 | 31 << 3)));
    assert_null(pci_find(PCI_PLACE(9 << 8)));
}

static void test_too_many(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < 256; i++)
        fake_set(pci_host_add(i, 0x1af4), PCI_HEADER, 1, PCI_HEADER_MULTI);
    add_bridge(1 << 8, 2);
    pci_scan();
    assert_int_equal(count(), 256);
    assert_string_equal(said, "");
    begin();
    fake_set(pci_host_add(0, 0x1af4), PCI_HEADER, 1, PCI_HEADER_MULTI);
    add_bridge(1, 1);
    for (unsigned i = 0; i < 256; i++)
        fake_set(pci_host_add(1 << 8 | i, 0x1af4), PCI_HEADER, 1, PCI_HEADER_MULTI);
    pci_scan();
    assert_int_equal(count(), 256);
    assert_said("PCI function 01:1f.6: one too many");
    assert_said("PCI function 01:1f.7: one too many");
    assert_unsaid("01:1f.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_bridges),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
