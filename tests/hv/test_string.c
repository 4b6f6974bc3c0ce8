/* SPDX-License-Identifier: MIT */
/* What compilers call without being asked to, under other names here, against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define memcpy  hv_memcpy
#define memset  hv_memset
#define memmove hv_memmove
#define memcmp  hv_memcmp
#include <hv/base/string.c>
#undef memcpy
#undef memset
#undef memmove
#undef memcmp

#define SIZE 100u

static uint8_t ours[SIZE], theirs[SIZE];

static void fill(void)
{
    for (unsigned i = 0; i < SIZE; i++)
        ours[i] = theirs[i] = (uint8_t)random();
}

/* Each size and distance: up and down, overlapping and not. */
static void test_moves(void **state)
{
    (void)state;
    srandom(1);
    for (size_t size = 0; size < 40; size++) {
        for (size_t to = 0; to < SIZE - 40; to++) {
            fill();
            assert_ptr_equal(hv_memmove(ours + to, ours + 30, size), ours + to);
            memmove(theirs + to, theirs + 30, size);
            assert_memory_equal(ours, theirs, SIZE);
        }
    }
}

static void test_copies(void **state)
{
    (void)state;
    srandom(2);
    for (size_t size = 0; size < 40; size++) {
        fill();
        assert_ptr_equal(hv_memcpy(ours + 1, ours + 50, size), ours + 1);
        memcpy(theirs + 1, theirs + 50, size);
        assert_memory_equal(ours, theirs, SIZE);
        fill();
        assert_ptr_equal(hv_memset(ours + 3, 0x1a5, size), ours + 3);
        memset(theirs + 3, 0x1a5, size);
        assert_memory_equal(ours, theirs, SIZE);
    }
}

static void test_comparisons(void **state)
{
    static const uint8_t a[] = {1, 2, 0x80}, b[] = {1, 2, 0x7f};

    (void)state;
    assert_int_equal(hv_memcmp(a, b, 2), 0);
    assert_int_equal(hv_memcmp(a, b, 0), 0);
    assert_true(hv_memcmp(a, b, 3) > 0);
    assert_true(hv_memcmp(b, a, 3) < 0);
    assert_int_equal(hv_memcmp(a, a, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_comparisons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
