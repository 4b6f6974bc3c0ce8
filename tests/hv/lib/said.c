/* SPDX-License-Identifier: MIT */
/* The words themselves: said.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <tests/hv/lib/said.h>

char said[8192];

void print_list(const char *format, va_list args)
{
    size_t length = strlen(said);
    int added = vsnprintf(said + length, sizeof(said) - length, format, args);

    assert_in_range(added, 0, sizeof(said) - length - 1);
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

void assert_said(const char *text)
{
    if (!strstr(said, text))
        fail_msg("\"%s\" is not in: %s", text, said);
}

void assert_unsaid(const char *text)
{
    if (strstr(said, text))
        fail_msg("\"%s\" is in: %s", text, said);
}
