/* SPDX-License-Identifier: MIT */
/* The host's processor, which keeps flags.  QEMU's, which does not, is in tests/boot/run.sh. */
/* links: hv/cpu/exchange.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <hv/cpu/exchange.h>

static char said[200];

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(said, sizeof(said), format, args);
    va_end(args);
}

static void processor_keeps_flags(void **state)
{
    (void)state;
    assert_false(exchange_spoils_flags());
}

/* The lowest eight of the flags are arithmetic ones but for three of no meaning, and 22 is the first above those. */
static void strange_flags_are_told_once(void **state)
{
    (void)state;
    exchange_see_flags(0x3f7fd7, 0x401000);
    assert_string_equal(said, "");
    exchange_see_flags(0x5e04fc2, 0x401000);
    assert_non_null(strstr(said, "flags 5e04fc2 at rip 401000,"));
    said[0] = '\0';
    exchange_see_flags(0x400202, 0x401000);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor_keeps_flags),
        cmocka_unit_test(strange_flags_are_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
