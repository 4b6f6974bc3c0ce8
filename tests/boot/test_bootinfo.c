/* SPDX-License-Identifier: MIT */
/*
 * What loaders hand over, and what they might: the parsers of all three protocols on structures that are well formed,
 * cut off, contradictory or hostile.  Machine memory is one allocation, so that the sanitizers see every byte read
 * beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/boot/boot.h>
#include <hv/boot/boot_magic.h>

#define SIZE  0x4000u
#define START 0x1000u
#define MAP   0x2000u
#define MODS  0x3000u
#define LINE  0x3800u

#define RAM      1u
#define RESERVED 2u

static uint8_t *ram;
static struct boot_info info;

static int set_up(void **state)
{
    (void)state;
    ram = malloc(SIZE);
    if (!ram)
        return -1;
    memset(ram, 0, SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(ram);
    return 0;
}

static void put32(unsigned at, uint32_t value)
{
    assert_true(at + 4 <= SIZE);
    memcpy(ram + at, &value, 4);
}

static void put64(unsigned at, uint64_t value)
{
    assert_true(at + 8 <= SIZE);
    memcpy(ram + at, &value, 8);
}

/* Parse with only the first @size bytes of memory in reach, and nothing behind them. */
static int parse_within(uint32_t magic, uint64_t start, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct boot_memory memory = {copy, size};
    int error;

    assert_non_null(copy);
    memcpy(copy, ram, size);
    error = boot_parse(&memory, magic, start, &info);
    free(copy);
    assert_true(error == 0 || info.problem != NULL);
    return error;
}

static int parse(uint32_t magic)
{
    return parse_within(magic, START, SIZE);
}

static void expect_problem(uint32_t magic, const char *part)
{
    assert_int_not_equal(parse(magic), 0);
    if (!strstr(info.problem, part))
        fail_msg("\"%s\" does not speak of \"%s\"", info.problem, part);
}

static void expect_ram(unsigned index, uint64_t start, uint64_t end)
{
    assert_true(index < info.ram.count);
    assert_int_equal(info.ram.list[index].start, start);
    assert_int_equal(info.ram.list[index].end, end);
}

/* ---- The three forms of the same: a map of entries, a module, a command line. */

struct entry {
    uint64_t start, size;
    uint32_t type;
};

static const struct entry usual[] = {
    {0, 0x9fc00, RAM},          {0x9fc00, 0x400, RESERVED},     {0xf0000, 0x10000, RESERVED},
    {0x100000, 0x7ee0000, RAM}, {0x7fe0000, 0x20000, RESERVED},
};
#define USUAL 5u

static void mb1_put(const struct entry *map, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put32(MAP + i * 24, 20);
        put64(MAP + i * 24 + 4, map[i].start);
        put64(MAP + i * 24 + 12, map[i].size);
        put32(MAP + i * 24 + 20, map[i].type);
    }
    put32(START, 1u << 2 | 1u << 3 | 1u << 6);
    put32(START + 16, LINE);
    put32(START + 20, 1);
    put32(START + 24, MODS);
    put32(START + 44, count * 24);
    put32(START + 48, MAP);
    put32(MODS, 0x200000);
    put32(MODS + 4, 0x234567);
    memcpy(ram + LINE, "paravane selftest", 18);
}

/* Tags follow each other; where each begins is noted. */
static unsigned mb2_map_tag, mb2_module_tag, mb2_line_tag, mb2_end_tag;

static void mb2_put(const struct entry *map, unsigned count)
{
    unsigned at = START + 8;

    mb2_line_tag = at;
    put32(at, 1);
    put32(at + 4, 8 + 18);
    memcpy(ram + at + 8, "paravane selftest", 18);
    at += 32;
    mb2_module_tag = at;
    put32(at, 3);
    put32(at + 4, 17);
    put32(at + 8, 0x200000);
    put32(at + 12, 0x234567);
    at += 24;
    mb2_map_tag = at;
    put32(at, 6);
    put32(at + 4, 16 + count * 24);
    put32(at + 8, 24);
    for (unsigned i = 0; i < count; i++) {
        put64(at + 16 + i * 24, map[i].start);
        put64(at + 16 + i * 24 + 8, map[i].size);
        put32(at + 16 + i * 24 + 16, map[i].type);
    }
    at += 16 + count * 24;
    mb2_end_tag = at;
    put32(at, 0);
    put32(at + 4, 8);
    put32(START, at + 8 - START);
}

static void pvh_put(const struct entry *map, unsigned count)
{
    put32(START, PVH_MAGIC);
    put32(START + 4, 1);
    put32(START + 12, 1);
    put64(START + 16, MODS);
    put64(START + 24, LINE);
    put64(START + 40, MAP);
    put32(START + 48, count);
    for (unsigned i = 0; i < count; i++) {
        put64(MAP + i * 24, map[i].start);
        put64(MAP + i * 24 + 8, map[i].size);
        put32(MAP + i * 24 + 16, map[i].type);
    }
    put64(MODS, 0x200000);
    put64(MODS + 8, 0x34567);
    memcpy(ram + LINE, "paravane selftest", 18);
}

struct protocol {
    uint32_t magic;
    const char *name;
    void (*put)(const struct entry *map, unsigned count);
};

static const struct protocol protocols[] = {
    {MB1_MAGIC, "Multiboot 1", mb1_put},
    {MB2_MAGIC, "Multiboot 2", mb2_put},
    {PVH_MAGIC, "PVH", pvh_put},
};
#define PROTOCOLS 3u

/* ---- What all have in common. */

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

/* ---- The map. */

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

/* ---- What is particular to one. */

static void test_mb1(void **state)
{
    (void)state;
    mb1_put(usual, USUAL);
    put32(MAP + 24, 19);
    expect_problem(MB1_MAGIC, "too small");
    put32(MAP + 24, 0xffffffff); /* the next entry lies beyond the map: it ends here */
    put32(START + 44, 2 * 24);
    assert_int_equal(parse(MB1_MAGIC), 0);
    put32(MAP + 24, 20);
    put32(START + 44, USUAL * 24 - 1);
    expect_problem(MB1_MAGIC, "ends within an entry");
    put32(START + 48, 0xffffff00);
    expect_problem(MB1_MAGIC, "out of reach");
    mb1_put(usual, USUAL);
    put32(START + 24, 0xfffffff8);
    expect_problem(MB1_MAGIC, "list of modules");
    mb1_put(usual, USUAL);
    put32(START + 16, SIZE);
    expect_problem(MB1_MAGIC, "command line");
    put32(START, 1u << 6);
    assert_int_equal(parse(MB1_MAGIC), 0);
    assert_false(info.has_bundle);
    assert_string_equal(info.command_line, "");
    put32(START, 1u << 0);
    put32(START + 4, 640);
    put32(START + 8, 0x10000);
    assert_int_equal(parse(MB1_MAGIC), 0);
    expect_ram(0, 0, 0xa0000);
    expect_ram(1, 0x100000, 0x4100000);
}

static void test_mb1_entries_of_other_sizes(void **state)
{
    (void)state;
    mb1_put(usual, 1);
    put32(MAP, 28); /* eight bytes more than we know of */
    put32(MAP + 32, 20);
    put64(MAP + 36, 0x100000);
    put64(MAP + 44, 0x100000);
    put32(MAP + 52, RAM);
    put32(START + 44, 32 + 24);
    assert_int_equal(parse(MB1_MAGIC), 0);
    assert_int_equal(info.ram.count, 2);
    expect_ram(1, 0x100000, 0x200000);
}

static void test_mb2(void **state)
{
    (void)state;
    mb2_put(usual, USUAL);
    put32(mb2_line_tag + 4, 7);
    expect_problem(MB2_MAGIC, "size of a tag");
    put32(mb2_line_tag + 4, 0xfffffff9);
    expect_problem(MB2_MAGIC, "size of a tag");
    put32(mb2_line_tag + 4, 8);
    expect_problem(MB2_MAGIC, "");
    mb2_put(usual, USUAL);
    put32(mb2_line_tag + 4, 8 + 17); /* without its end */
    expect_problem(MB2_MAGIC, "no end");
    mb2_put(usual, USUAL);
    put32(mb2_module_tag + 4, 12);
    put32(mb2_module_tag + 16, 99); /* the rest becomes a tag that nobody knows */
    put32(mb2_module_tag + 20, 8);
    expect_problem(MB2_MAGIC, "module's tag");
    mb2_put(usual, USUAL);
    put32(mb2_map_tag + 8, 23);
    expect_problem(MB2_MAGIC, "too short");
    put32(mb2_map_tag + 8, 0);
    expect_problem(MB2_MAGIC, "too short");
    put32(mb2_map_tag + 8, 0xffffffff); /* no room for one entry */
    expect_problem(MB2_MAGIC, "without RAM");
    mb2_put(usual, USUAL);
    put32(mb2_end_tag, 98); /* no end tag */
    expect_problem(MB2_MAGIC, "no end");
    mb2_put(usual, USUAL);
    put32(START, 4);
    expect_problem(MB2_MAGIC, "out of reach");
    put32(START, SIZE);
    put32(START, SIZE - START + 1);
    expect_problem(MB2_MAGIC, "out of reach");
}

/* Entries of a later version are longer; sizes serve where there is no map. */
static void test_mb2_variants(void **state)
{
    (void)state;
    mb2_put(usual, 4);
    put32(mb2_map_tag + 8, 48); /* of four entries, the first and the third */
    assert_int_equal(parse(MB2_MAGIC), 0);
    assert_int_equal(info.ram.count, 1);
    expect_ram(0, 0, 0x9f000);
    mb2_put(usual, 1);
    put32(mb2_map_tag, 4);
    put32(mb2_map_tag + 8, 640);
    put32(mb2_map_tag + 12, 0x10000);
    assert_int_equal(parse(MB2_MAGIC), 0);
    expect_ram(1, 0x100000, 0x4100000);
}

static void test_pvh(void **state)
{
    (void)state;
    pvh_put(usual, USUAL);
    put32(START, 0);
    expect_problem(PVH_MAGIC, "magic");
    pvh_put(usual, USUAL);
    put32(START + 4, 0);
    expect_problem(PVH_MAGIC, "version 0");
    pvh_put(usual, USUAL);
    put64(START + 40, UINT64_MAX - 30); /* the second entry would wrap around */
    expect_problem(PVH_MAGIC, "memory map lies out of reach");
    pvh_put(usual, USUAL);
    put32(START + 48, 0xffffffff);
    assert_int_not_equal(parse(PVH_MAGIC), 0);
    pvh_put(usual, USUAL);
    put64(START + 16, UINT64_MAX);
    expect_problem(PVH_MAGIC, "list of modules");
    pvh_put(usual, USUAL);
    put64(MODS + 8, UINT64_MAX);
    expect_problem(PVH_MAGIC, "module goes beyond");
    pvh_put(usual, USUAL);
    put64(START + 24, UINT64_MAX);
    expect_problem(PVH_MAGIC, "command line");
    put64(START + 24, 0);
    assert_int_equal(parse(PVH_MAGIC), 0);
    assert_string_equal(info.command_line, "");
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
        cmocka_unit_test_setup_teardown(test_usual, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_noise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map_unsorted_overlapping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map_wraps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map_without_ram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mb1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mb1_entries_of_other_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mb2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mb2_variants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pvh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_command_line, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
