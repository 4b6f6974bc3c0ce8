/* SPDX-License-Identifier: MIT */
/* The small printf against the C library's. */
/* links: hv/base/print.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <hv/base/serial.h>

static char printed[256];
static size_t length;
static bool begun; /* the line is the call's own */

void serial_begin(void)
{
    assert_false(begun);
    begun = true;
}

void serial_end(void)
{
    assert_true(begun);
    begun = false;
}

void serial_put(char byte)
{
    assert_true(begun);
    assert_true(length < sizeof(printed) - 1);
    printed[length++] = byte;
    printed[length] = '\0';
}

/* What both make of the same. */
#define EXPECT(...)                                    \
    do {                                               \
        char wanted[sizeof(printed)];                  \
                                                       \
        snprintf(wanted, sizeof(wanted), __VA_ARGS__); \
        length = 0;                                    \
        printed[0] = '\0';                             \
        print(__VA_ARGS__);                            \
        assert_string_equal(printed, wanted);          \
        assert_false(begun);                           \
    } while (0)

static void test_numbers(void **state)
{
    (void)state;
    EXPECT("%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
    EXPECT("%ld %ld %ld", 0l, (long)INT64_MAX, (long)INT64_MIN);
    EXPECT("%u %u %lu", 0u, UINT32_MAX, (unsigned long)UINT64_MAX);
    EXPECT("%x %x %lx %llx", 0u, 0xabcdef09u, (unsigned long)UINT64_MAX, 0x10ull);
    EXPECT("%8d|%8d|%2d|%12lu", 5, -5, 12345, (unsigned long)UINT32_MAX + 1);
    EXPECT("%08x|%04x|%016lx|%06d|%06d", 0x12u, 0x12345u, 0xffff8000ul, -12, 12);
}

static void test_texts(void **state)
{
    (void)state;
    EXPECT("plain");
    EXPECT("%s, %c, %%", "text", 'c');
    EXPECT("%8s|%2s|%s", "right", "long", "");
}

/* What the C library makes of these is not defined, or looks different. */
static void test_others(void **state)
{
    static const char *const endings[] = {"end%", "end%08", "end%l"};
    const char *volatile nothing = NULL;

    (void)state;
    length = 0;
    print("%s %p", nothing, (void *)0x1234);
    assert_string_equal(printed, "(null) 1234");
    for (unsigned i = 0; i < 3; i++) {
        const char *volatile format = endings[i];

        length = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        print(format);
#pragma GCC diagnostic pop
        assert_string_equal(printed, "end");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
