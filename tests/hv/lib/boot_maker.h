/* SPDX-License-Identifier: MIT */
/*
 * What loaders hand over by each of the three protocols: the same map of entries, module and command line.  Machine
 * memory is one allocation, so that the sanitizers see every byte read beyond it.
 */
#pragma once

#include <hv/boot/boot.h>
#include <hv/boot/boot_magic.h>

#define SIZE  0x4000u
#define START 0x1000u
#define MAP   0x2000u
#define MODS  0x3000u
#define LINE  0x3800u

#define RAM      1u
#define RESERVED 2u

extern uint8_t *ram;
extern struct boot_info info; /* what was parsed last */

/* A test of cmocka on memory that is all zero. */
int boot_set_up(void **state);
int boot_tear_down(void **state);
#define TEST(function) cmocka_unit_test_setup_teardown(function, boot_set_up, boot_tear_down)

void put32(unsigned at, uint32_t value);
void put64(unsigned at, uint64_t value);

/* Parse, or with only the first @size bytes of memory in reach and nothing behind them. */
int parse(uint32_t magic);
int parse_within(uint32_t magic, uint64_t start, size_t size);

void expect_problem(uint32_t magic, const char *part);
void expect_ram(unsigned index, uint64_t start, uint64_t end);

struct entry {
    uint64_t start, size;
    uint32_t type;
};

#define USUAL 5u
extern const struct entry usual[USUAL];

/* The three forms of the same. */
void mb1_put(const struct entry *map, unsigned count);
void mb2_put(const struct entry *map, unsigned count);
void pvh_put(const struct entry *map, unsigned count);

/* Where the tags of Multiboot 2 begin, which follow each other. */
extern unsigned mb2_map_tag, mb2_module_tag, mb2_line_tag, mb2_end_tag;

struct protocol {
    uint32_t magic;
    const char *name;
    void (*put)(const struct entry *map, unsigned count);
};

#define PROTOCOLS 3u
extern const struct protocol protocols[PROTOCOLS];
