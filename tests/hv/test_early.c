/* SPDX-License-Identifier: MIT */
/* What of the loader's RAM is handed out while booting, and to whom: against a list of what nobody may get. */
/* links: hv/base/ranges.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/layout.h>

/* The program is no image: one that ends at 3 MiB and a bit is made up. */
#define IMAGE_END           UINT64_C(0x301000)
#define image_maddr(object) ((void)(object), IMAGE_END)
#include <hv/mem/early.c>

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

const uint8_t image_end[1];

static struct cpu_features features;
static char problem[256];
static jmp_buf ended;

const struct cpu_features *cpu_features(void)
{
    return &features;
}

_Noreturn void exit_unsupported(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, sizeof(problem), format, arguments);
    va_end(arguments);
    longjmp(ended, 1);
}

/* It is the end of the run, for a reason that has these words. */
#define assert_ends(expression, words)                              \
    do {                                                            \
        if (setjmp(ended) == 0) {                                   \
            expression;                                             \
            fail();                                                 \
        }                                                           \
        if (!strstr(problem, words))                                \
            fail_msg("\"%s\" does not say \"%s\"", problem, words); \
    } while (0)

static const struct range nothing;

static void make(void)
{
    memset(&ram, 0, sizeof(ram));
    memset(&left, 0, sizeof(left));
    tables_limit = EARLY_END;
    taken = 0;
    features.phys_bits = 40;
}

static void begin(const struct range *whole, unsigned count, struct range kept)
{
    struct ranges set = {.count = count};

    make();
    memcpy(set.list, whole, count * sizeof(*whole));
    early_init(&set, kept);
}

#define BEGIN(kept, ...)                                      \
    do {                                                      \
        const struct range whole[] = {__VA_ARGS__};           \
                                                              \
        begin(whole, sizeof(whole) / sizeof(whole[0]), kept); \
    } while (0)

static void assert_ranges(const struct ranges *set, const struct range *expected, unsigned count)
{
    assert_int_equal(set->count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(set->list[i].start, expected[i].start);
        assert_int_equal(set->list[i].end, expected[i].end);
    }
}

#define assert_is(set, ...)                                                   \
    do {                                                                      \
        const struct range expected[] = {__VA_ARGS__};                        \
                                                                              \
        assert_ranges(set, expected, sizeof(expected) / sizeof(expected[0])); \
    } while (0)

/*
 * ---- What there is.
 */

/* Nothing below 1 MiB; the image, from there, is RAM but not free. */
static void test_image(void **state)
{
    (void)state;
    BEGIN(nothing, {0, 0x9f000}, {0x100000, 64 * MIB});
    assert_int_equal(early_image().start, 0x100000);
    assert_int_equal(early_image().end, IMAGE_END);
    assert_is(early_ram(), {MIB, 64 * MIB});
    assert_is(early_left(), {IMAGE_END, 64 * MIB});
    assert_int_equal(early_taken(), 0);
    BEGIN(nothing, {0x80000, 64 * MIB});
    assert_is(early_ram(), {MIB, 64 * MIB});
}

/* The bundle's frames, the first and the last in part, are not free. */
static void test_bundle(void **state)
{
    (void)state;
    BEGIN(((struct range){0x800123, 0x902001}), {MIB, 64 * MIB});
    assert_is(early_ram(), {MIB, 64 * MIB});
    assert_is(early_left(), {IMAGE_END, 0x800000}, {0x903000, 64 * MIB});
    BEGIN(((struct range){IMAGE_END, IMAGE_END + 0x1000}), {MIB, 64 * MIB});
    assert_is(early_left(), {IMAGE_END + 0x1000, 64 * MIB});
}

/* What the processor cannot address, and what the direct map has no room for: 5 TiB. */
static void test_limits(void **state)
{
    const struct range all[] = {{MIB, 64 * MIB}, {60 * GIB, 80 * GIB}, {5000 * GIB, 6000 * GIB}};
    struct ranges whole = {.count = 3};

    (void)state;
    memcpy(whole.list, all, sizeof(all));
    make();
    features.phys_bits = 36;
    early_init(&whole, nothing);
    assert_is(early_ram(), {MIB, 64 * MIB}, {60 * GIB, 64 * GIB});
    make();
    features.phys_bits = 46;
    early_init(&whole, nothing);
    assert_is(early_ram(), {MIB, 64 * MIB}, {60 * GIB, 80 * GIB}, {5000 * GIB, 5120 * GIB});
}

static void test_misplaced(void **state)
{
    (void)state;
    assert_ends(BEGIN(nothing, {2 * MIB, 64 * MIB}), "the loader put the hypervisor at 100000 to 301000");
    assert_ends(BEGIN(nothing, {MIB, 3 * MIB}), "the loader put the hypervisor");
    assert_ends(BEGIN(((struct range){0x800000, 64 * MIB + 1}), {MIB, 64 * MIB}), "the loader put the bundle");
    assert_ends(BEGIN(((struct range){0x1000, 0x2000}), {0, 64 * MIB}), "the loader put the bundle");
    assert_ends(BEGIN(((struct range){IMAGE_END - 1, 0x800000}), {MIB, 64 * MIB}), "the loader put the bundle");
}

/* A list that is full cannot be cut once more. */
static void test_too_many(void **state)
{
    static struct ranges whole;

    (void)state;
    make();
    whole.count = RANGES_MAX;
    for (unsigned i = 0; i < RANGES_MAX; i++)
        whole.list[i] = (struct range){MIB + 8 * MIB * i, 5 * MIB + 8 * MIB * i};
    assert_ends(early_init(&whole, (struct range){9 * MIB + 0x1000, 10 * MIB}), "too many ranges");
    make();
    early_init(&whole, (struct range){9 * MIB, 10 * MIB});
}

/*
 * ---- Handing out.
 */

/* Each lies in what was free, at its alignment, and is nobody else's. */
static void test_take(void **state)
{
    static const uint64_t sizes[] = {0x1000, 0x3000, 0x200000, 0x1000, 0x400000};
    struct range given[5];
    uint64_t sum = 0;

    (void)state;
    BEGIN(((struct range){0x800000, 0x900000}), {MIB, 30 * MIB});
    for (unsigned i = 0; i < 5; i++) {
        uint64_t align = sizes[i] & -sizes[i], at = early_take(sizes[i], align, "something");

        given[i] = (struct range){at, at + sizes[i]};
        sum += sizes[i];
        assert_int_equal(at % align, 0);
        assert_true(at >= IMAGE_END && at + sizes[i] <= 30 * MIB);
        assert_false(range_overlaps(given[i], (struct range){0x800000, 0x900000}));
        for (unsigned j = 0; j < i; j++)
            assert_false(range_overlaps(given[i], given[j]));
        assert_false(ranges_contain(early_left(), given[i]));
    }
    assert_int_equal(early_taken(), sum);
    assert_int_equal(ranges_size(early_left()), 29 * MIB - (IMAGE_END - MIB) - MIB - sum);
    assert_is(early_ram(), {MIB, 30 * MIB});
}

/* Page tables are reached through the early mapping of the first 4 GiB, until all RAM is reached. */
static void test_tables(void **state)
{
    (void)state;
    BEGIN(nothing, {MIB, 4 * MIB}, {4 * GIB - 0x2000, 5 * GIB});
    assert_int_equal(early_take_table(), 4 * GIB - 0x1000);
    assert_int_equal(early_take_table(), 4 * GIB - 0x2000);
    assert_true(early_take_table() < 4 * MIB);
    assert_true(early_take(0x1000, 0x1000, "something else") >= 4 * GIB);
    early_reach_all();
    assert_true(early_take_table() >= 4 * GIB);
    assert_int_equal(early_taken(), 5 * 0x1000);
}

static void test_nothing_left(void **state)
{
    (void)state;
    BEGIN(nothing, {MIB, 8 * MIB});
    assert_ends(early_take(16 * MIB, 0x1000, "the treasure"),
                "16384 KiB of RAM in a row are needed for the treasure, and only 5116 KiB of 7168 KiB are left");
    BEGIN(nothing, {MIB, 8 * MIB}, {9 * MIB, 12 * MIB}); /* enough, but not in a row */
    assert_ends(early_take(6 * MIB, 0x1000, "the treasure"), "in a row");
    BEGIN(nothing, {MIB, IMAGE_END}, {4 * GIB, 5 * GIB});
    assert_ends(early_take_table(), "a page table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),     cmocka_unit_test(test_bundle),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_misplaced), cmocka_unit_test(test_too_many),     cmocka_unit_test(test_take),
        cmocka_unit_test(test_tables),    cmocka_unit_test(test_nothing_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
