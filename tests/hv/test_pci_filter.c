/* SPDX-License-Identifier: MIT */
/* The list of what may be changed, against the headers of the specification: nothing that a device's place hangs on. */
/* links: hv/device/pci_filter.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/device/pci_filter.h>

static void test_filter(void **state)
{
    (void)state;
    assert_int_equal(pci_filter(4), 0x54); /* master, write and invalidate, parity; not ports, memory */
    assert_int_equal(pci_filter(5), 0x05); /* SERR, no INTx */
    for (unsigned i = 0; i < 300; i++) {
        if (i != 4 && i != 5)
            assert_int_equal(pci_filter(i), i == 0x0c || i == 0x0d || i == 0x3c ? 0xff : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_filter)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
