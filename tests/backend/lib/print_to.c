/* SPDX-License-Identifier: MIT */
/* print_to(), by the host's: for tests of what builds keys and paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <guest/print.h>

size_t print_to(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buffer, size, format, args);
    va_end(args);
    assert_in_range(length, 0, size - 1);
    return (size_t)length;
}
