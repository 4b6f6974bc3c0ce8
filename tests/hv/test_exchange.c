/* SPDX-License-Identifier: MIT */
/* The host's processor, which keeps flags.  QEMU's, which does not, is in tests/boot/run.sh. */
/* links: hv/cpu/exchange.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/exchange.h>

static void processor_keeps_flags(void **state)
{
    (void)state;
    assert_false(exchange_spoils_flags());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor_keeps_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
