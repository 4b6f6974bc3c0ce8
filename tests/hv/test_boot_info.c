/* SPDX-License-Identifier: MIT */
/*
 * What the parsers of all protocols share: what is in reach, RAM rounded inwards and everything else outwards, one
 * module, a command line that ends.  Each by itself, and by structures of the protocols.
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

#include <abi/errno.h>
#include <tests/hv/lib/boot_maker.h>

/*
 * ---- Reading.
 */

/* All of it or nothing, and no sum of an address and a size that wraps around. */
static void test_read(void **state)
{
    static const struct {
        uint64_t address;
        size_t size;
        bool in_reach;
    } reads[] = {
        {0, 0, true},
        {0, 16, true},
        {15, 1, true},
        {16, 0, true},
        {0, 17, false},
        {16, 1, false},
        {15, 2, false},
        {17, 0, false},
        {UINT64_MAX, 1, false},
        {8, SIZE_MAX, false},
        {UINT64_MAX, 2, false},
        {UINT64_MAX - 7, 8, false},
        {8, SIZE_MAX - 7, false},
    };
    uint8_t *bytes = malloc(16), to[16];
    const struct boot_memory memory = {bytes, 16};

    (void)state;
    assert_non_null(bytes);
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(0x40 + i);
    for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        memset(to, 0xaa, sizeof(to));
        assert_int_equal(boot_memory_read(&memory, reads[i].address, to, reads[i].size), reads[i].in_reach);
        for (unsigned j = 0; j < 16; j++)
            assert_int_equal(to[j], reads[i].in_reach && j < reads[i].size ? 0x40 + reads[i].address + j : 0xaa);
    }
    free(bytes);
}

static void test_fail(void **state)
{
    (void)state;
    info.problem = NULL;
    assert_int_equal(boot_fail(&info, "something is wrong"), -XEN_EINVAL);
    assert_string_equal(info.problem, "something is wrong");
}

/*
 * ---- The memory map.
 */

/* A frame is RAM if all of it is, and something else if any byte of it is. */
static void test_rounding(void **state)
{
    static const struct {
        uint64_t start, size, ram_start, ram_end, other_start, other_end;
    } entries[] = {
        {0x1000, 0x1000, 0x1000, 0x2000, 0x1000, 0x2000},
        {0x1001, 0x1fff, 0x2000, 0x3000, 0x1000, 0x3000},
        {0x1000, 0x1fff, 0x1000, 0x2000, 0x1000, 0x3000},
        {0x1fff, 0x2, 0, 0, 0x1000, 0x3000},
        {0x1800, 0x100, 0, 0, 0x1000, 0x2000},
        {0, 1, 0, 0, 0, 0x1000},
        {0x1234, 0, 0, 0, 0, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        bool some_ram = entries[i].ram_end > 0, some_other = entries[i].other_end > 0;

        memset(&info, 0, sizeof(info));
        assert_int_equal(boot_add_memory(&info, entries[i].start, entries[i].size, true), 0);
        assert_int_equal(boot_add_memory(&info, entries[i].start, entries[i].size, false), 0);
        assert_int_equal(info.ram.count, some_ram);
        assert_int_equal(info.other.count, some_other);
        assert_int_equal(info.ram.list[0].start, entries[i].ram_start);
        assert_int_equal(info.ram.list[0].end, entries[i].ram_end);
        assert_int_equal(info.other.list[0].start, entries[i].other_start);
        assert_int_equal(info.other.list[0].end, entries[i].other_end);
    }
}

/* The last frame of all has no end that can be said: what reaches into it is no RAM, and ends before it otherwise. */
static void test_last_frame(void **state)
{
    const uint64_t last = UINT64_MAX - 0xfff;

    (void)state;
    memset(&info, 0, sizeof(info));
    assert_int_equal(boot_add_memory(&info, last - 0x3000, 0x3000, true), 0);
    assert_int_equal(info.ram.list[0].end, last);
    assert_int_equal(boot_add_memory(&info, last - 0x3000, 0x3001, true), -XEN_EINVAL);
    assert_int_equal(boot_add_memory(&info, last - 0x2fff, 0x3fff, false), 0);
    assert_int_equal(info.other.list[0].start, last - 0x3000);
    assert_int_equal(info.other.list[0].end, last);
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

/*
 * ---- The rest.
 */

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
    /* The protocol says how long it is at most: no byte behind that is looked at. */
    memcpy(ram + 0x100, "short", 6);
    assert_int_equal(boot_set_command_line(&(struct boot_memory){ram, 0x106}, &info, 0x100, 6), 0);
    assert_string_equal(info.command_line, "short");
    assert_int_equal(boot_set_command_line(&(struct boot_memory){ram, SIZE}, &info, 0x100, 5), -XEN_EINVAL);
    assert_int_equal(boot_set_command_line(&(struct boot_memory){ram, 0x105}, &info, 0x100, 6), -XEN_EINVAL);
    assert_string_equal(info.problem, "the command line lies out of reach");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read),      TEST(test_fail),         TEST(test_rounding), TEST(test_last_frame),
        TEST(test_map_wraps), TEST(test_map_too_long), TEST(test_modules),  TEST(test_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
