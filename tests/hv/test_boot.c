/* SPDX-License-Identifier: MIT */
/*
 * What loaders hand over, and what they might: the parsers of all three protocols on structures that are well formed,
 * cut off, contradictory or hostile.
 */
/* links: hv/boot/boot.c hv/boot/boot_info.c hv/boot/boot_mb1.c hv/boot/boot_mb2.c hv/boot/boot_pvh.c */
/* links: hv/base/ranges.c tests/hv/lib/boot_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/boot_maker.h>

static void test_usual(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        memset(ram, 0, SIZE);
        protocols[i].put(usual, USUAL);
        assert_int_equal(parse(protocols[i].magic), 0);
        assert_string_equal(info.protocol, protocols[i].name);
        assert_string_equal(info.command_line, "paravane selftest");
        assert_true(info.has_bundle);
        assert_int_equal(info.bundle.start, 0x200000);
        assert_int_equal(info.bundle.end, 0x234567);
        assert_int_equal(info.ram.count, 2);
        expect_ram(0, 0, 0x9f000);
        expect_ram(1, 0x100000, 0x7fe0000);
    }
}

/* Wherever memory ends, nothing behind it is read, and the result is a refusal or the usual one. */
static void test_cut_off(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        unsigned refused = 0;

        memset(ram, 0, SIZE);
        protocols[i].put(usual, USUAL);
        for (size_t size = 0; size < SIZE; size++) {
            if (parse_within(protocols[i].magic, START, size) != 0)
                refused++;
            else
                assert_int_equal(info.ram.count, 2);
        }
        assert_true(refused > START);
    }
}

/* No byte that is replaced makes a parser read elsewhere, or never end. */
static void test_every_byte(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x07, 0x7f, 0x80, 0xff};

    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        memset(ram, 0, SIZE);
        protocols[i].put(usual, USUAL);
        for (unsigned at = START; at < START + 0x140; at++) {
            for (unsigned v = 0; v < sizeof(values); v++) {
                uint8_t before = ram[at];

                ram[at] = values[v];
                (void)parse(protocols[i].magic);
                ram[at] = before;
            }
        }
        assert_int_equal(parse(protocols[i].magic), 0);
    }
}

static void test_noise(void **state)
{
    uint32_t random = 12345;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned at = START; at < START + 0x200; at++) {
            random = random * 1664525u + 1013904223u;
            ram[at] = (random >> 29) == 0 ? (uint8_t)(random >> 16) : (random >> 29) == 1 ? 0xff : 0;
        }
        put32(START, (round & 1) ? PVH_MAGIC : 0x100 + round % 64);
        for (unsigned i = 0; i < PROTOCOLS; i++)
            (void)parse(protocols[i].magic);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    expect_problem(0x12345678, "none of");
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        assert_int_not_equal(parse_within(protocols[i].magic, SIZE, SIZE), 0);
        assert_int_not_equal(parse_within(protocols[i].magic, SIZE - 1, SIZE), 0);
        assert_int_not_equal(parse_within(protocols[i].magic, UINT64_MAX - 3, SIZE), 0);
    }
}

static void test_map_unsorted_overlapping(void **state)
{
    static const struct entry map[] = {
        {0x900000, 0x100000, RAM},     {0x100000, 0x100000, RAM}, {0x180000, 0x100000, RAM}, /* one with the last */
        {0x500800, 0x1000, RAM},                                                             /* no whole frame */
        {0x940000, 0x10001, RESERVED}, {0x600000, 0, RAM},        {0x140000, 0x10, 7},
    };

    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        memset(ram, 0, SIZE);
        protocols[i].put(map, 7);
        assert_int_equal(parse(protocols[i].magic), 0);
        assert_int_equal(info.ram.count, 4);
        expect_ram(0, 0x100000, 0x140000);
        expect_ram(1, 0x141000, 0x280000);
        expect_ram(2, 0x900000, 0x940000);
        expect_ram(3, 0x951000, 0xa00000);
    }
}

static void test_map_wraps(void **state)
{
    static const struct entry wrapping_ram[] = {{0x100000, 0x100000, RAM}, {UINT64_MAX - 0x1fff, 0x4000, RAM}};
    static const struct entry wrapping_rest[] = {{0x100000, 0x100000, RAM}, {0x180000, UINT64_MAX, RESERVED}};

    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        memset(ram, 0, SIZE);
        protocols[i].put(wrapping_ram, 2);
        expect_problem(protocols[i].magic, "beyond all addresses");
        protocols[i].put(wrapping_rest, 2);
        assert_int_equal(parse(protocols[i].magic), 0);
        assert_int_equal(info.ram.count, 1);
        expect_ram(0, 0x100000, 0x180000);
    }
}

static void test_map_without_ram(void **state)
{
    static const struct entry none[] = {{0x100000, 0x100000, RESERVED}};
    static const struct entry covered[] = {{0x100000, 0x100000, RAM}, {0, 0x1000000, RESERVED}};

    (void)state;
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        memset(ram, 0, SIZE);
        protocols[i].put(none, 1);
        expect_problem(protocols[i].magic, "without RAM");
        protocols[i].put(covered, 2);
        expect_problem(protocols[i].magic, "without RAM");
        protocols[i].put(none, 0);
        expect_problem(protocols[i].magic, "without RAM");
    }
}

/* More ranges than there is room for are refused, not dropped: a forgotten reservation would be handed out as RAM. */
static void test_map_too_long(void **state)
{
    uint8_t *large = calloc(1, 0x10000);
    struct boot_memory memory = {large, 0x10000};

    (void)state;
    assert_non_null(large);
    for (unsigned i = 0; i < RANGES_MAX + 1; i++) {
        const uint64_t start = 0x100000 + i * 0x2000, size = 0x1000;
        const uint32_t type = RESERVED;

        memcpy(large + MAP + i * 24, &start, 8);
        memcpy(large + MAP + i * 24 + 8, &size, 8);
        memcpy(large + MAP + i * 24 + 16, &type, 4);
    }
    pvh_put(usual, 0);
    memcpy(large + START, ram + START, 0x100);
    large[START + 12] = 0; /* no module */
    memset(large + START + 24, 0, 8);
    large[START + 48] = (uint8_t)((RANGES_MAX + 1) & 0xff);
    large[START + 49] = (uint8_t)((RANGES_MAX + 1) >> 8);
    assert_int_not_equal(boot_parse(&memory, PVH_MAGIC, START, &info), 0);
    assert_string_equal(info.problem, "the memory map has too many ranges");
    free(large);
}

static void test_modules(void **state)
{
    (void)state;
    mb1_put(usual, USUAL);
    put32(START + 20, 2);
    put32(MODS + 16, 0x300000);
    put32(MODS + 20, 0x300010);
    expect_problem(MB1_MAGIC, "more than one module");
    put32(START + 20, 0xffffffff);
    expect_problem(MB1_MAGIC, "more than one module");
    put32(START + 20, 0);
    assert_int_equal(parse(MB1_MAGIC), 0);
    assert_false(info.has_bundle);
    put32(START + 20, 1);
    put32(MODS + 4, 0x200000);
    expect_problem(MB1_MAGIC, "empty");
    put32(MODS + 4, 0x100000);
    expect_problem(MB1_MAGIC, "ends before it begins");
}

static void test_command_line(void **state)
{
    (void)state;
    pvh_put(usual, USUAL);
    put64(START + 24, 0x100);
    memset(ram + 0x100, 'x', BOOT_COMMAND_LINE_SIZE - 1);
    assert_int_equal(parse(PVH_MAGIC), 0);
    assert_int_equal(strlen(info.command_line), BOOT_COMMAND_LINE_SIZE - 1);
    memset(ram + 0x100, 'x', BOOT_COMMAND_LINE_SIZE);
    expect_problem(PVH_MAGIC, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usual),     TEST(test_cut_off),         TEST(test_every_byte),
        TEST(test_noise),     TEST(test_unknown),         TEST(test_map_unsorted_overlapping),
        TEST(test_map_wraps), TEST(test_map_without_ram), TEST(test_map_too_long),
        TEST(test_modules),   TEST(test_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
