/* SPDX-License-Identifier: MIT */
/* Memory: every small size, at every distance from a word's beginning, against bytes one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* By other names, or all of this program would use them. */
#define memcpy  string_memcpy
#define memset  string_memset
#define memmove string_memmove
#define memcmp  string_memcmp
#define strlen  string_strlen
#define strcmp  string_strcmp
#define strncmp string_strncmp
#define strstr  string_strstr
#include <guest/string.c>

#define SIZE_MAX_HERE 40u
#define PLACES        9u
#define AREA          (SIZE_MAX_HERE + 3 * PLACES)

static uint8_t from[AREA], to[AREA], wanted[AREA];

static void fill(void)
{
    for (unsigned i = 0; i < AREA; i++) {
        from[i] = (uint8_t)(i + 1);
        to[i] = wanted[i] = (uint8_t)(0x80 + i);
    }
}

static void assert_as_wanted(const uint8_t *seen)
{
    for (unsigned i = 0; i < AREA; i++)
        assert_int_equal(seen[i], wanted[i]);
}

static void copy(unsigned size, unsigned target, unsigned source)
{
    fill();
    for (unsigned i = 0; i < size; i++)
        wanted[target + i] = from[source + i];
    assert_ptr_equal(memcpy(to + target, from + source, size), to + target);
    assert_as_wanted(to);
}

/* Within one area: what is read must be what was there before. */
static void move(unsigned size, unsigned target, unsigned source)
{
    fill();
    for (unsigned i = 0; i < size; i++)
        wanted[target + i] = to[source + i];
    assert_ptr_equal(memmove(to + target, to + source, size), to + target);
    assert_as_wanted(to);
}

static void set(unsigned size, unsigned target)
{
    fill();
    for (unsigned i = 0; i < size; i++)
        wanted[target + i] = 0xa5;
    assert_ptr_equal(memset(to + target, 0x7a5, size), to + target);
    assert_as_wanted(to);
}

static void test_all_sizes(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= SIZE_MAX_HERE; size++) {
        for (unsigned target = 0; target < PLACES; target++) {
            set(size, target);
            for (unsigned source = 0; source < PLACES; source++) {
                copy(size, target, source);
                move(size, target, source);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_sizes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
