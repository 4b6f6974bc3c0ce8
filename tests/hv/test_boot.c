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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usual),           TEST(test_cut_off), TEST(test_every_byte),
        TEST(test_noise),           TEST(test_unknown), TEST(test_map_unsorted_overlapping),
        TEST(test_map_without_ram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
