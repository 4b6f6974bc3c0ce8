/* SPDX-License-Identifier: MIT */
/* What loaders hand over: boot_maker.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/boot_maker.h>

uint8_t *ram;
struct boot_info info;
unsigned mb2_map_tag, mb2_module_tag, mb2_line_tag, mb2_end_tag;

int boot_set_up(void **state)
{
    (void)state;
    ram = malloc(SIZE);
    if (!ram)
        return -1;
    memset(ram, 0, SIZE);
    return 0;
}

int boot_tear_down(void **state)
{
    (void)state;
    free(ram);
    return 0;
}

void put32(unsigned at, uint32_t value)
{
    assert_true(at + 4 <= SIZE);
    memcpy(ram + at, &value, 4);
}

void put64(unsigned at, uint64_t value)
{
    assert_true(at + 8 <= SIZE);
    memcpy(ram + at, &value, 8);
}

int parse_within(uint32_t magic, uint64_t start, size_t size)
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

int parse(uint32_t magic)
{
    return parse_within(magic, START, SIZE);
}

void expect_problem(uint32_t magic, const char *part)
{
    assert_int_not_equal(parse(magic), 0);
    if (!strstr(info.problem, part))
        fail_msg("\"%s\" does not speak of \"%s\"", info.problem, part);
}

void expect_ram(unsigned index, uint64_t start, uint64_t end)
{
    assert_true(index < info.ram.count);
    assert_int_equal(info.ram.list[index].start, start);
    assert_int_equal(info.ram.list[index].end, end);
}

const struct entry usual[] = {
    {0, 0x9fc00, RAM},          {0x9fc00, 0x400, RESERVED},     {0xf0000, 0x10000, RESERVED},
    {0x100000, 0x7ee0000, RAM}, {0x7fe0000, 0x20000, RESERVED},
};

void mb1_put(const struct entry *map, unsigned count)
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

void mb2_put(const struct entry *map, unsigned count)
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

void pvh_put(const struct entry *map, unsigned count)
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

const struct protocol protocols[] = {
    {MB1_MAGIC, "Multiboot 1", mb1_put},
    {MB2_MAGIC, "Multiboot 2", mb2_put},
    {PVH_MAGIC, "PVH", pvh_put},
};
