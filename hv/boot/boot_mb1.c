/* SPDX-License-Identifier: MIT */
/* Multiboot 1: the "Multiboot information" structure, section 3.3 of the specification 0.6.96. */
#include <hv/boot/boot.h>

#define HAS_MEMORY       (1u << 0)
#define HAS_COMMAND_LINE (1u << 2)
#define HAS_MODULES      (1u << 3)
#define HAS_MEMORY_MAP   (1u << 6)

struct mb1_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB from 0 and from 1 MiB */
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t nr_modules, modules;
    uint32_t symbols[4];
    uint32_t map_length, map;
};
_Static_assert(sizeof(struct mb1_info) == 52, "Multiboot 1, 3.3");

struct mb1_module {
    uint32_t start, end;
    uint32_t command_line;
    uint32_t reserved;
};
_Static_assert(sizeof(struct mb1_module) == 16, "Multiboot 1, 3.3");

/* The size does not count itself, so that entries are @size + 4 bytes apart. */
struct __attribute__((packed)) mb1_map_entry {
    uint32_t size;
    uint64_t start, length;
    uint32_t type;
};
_Static_assert(sizeof(struct mb1_map_entry) == 24, "Multiboot 1, 3.3");

#define MAP_RAM 1u

static int parse_map(const struct boot_memory *memory, const struct mb1_info *mb1, struct boot_info *info)
{
    uint64_t at = mb1->map, end = at + mb1->map_length;
    struct mb1_map_entry entry;

    while (at < end) {
        int error;

        if (end - at < sizeof(entry) || !boot_memory_read(memory, at, &entry, sizeof(entry)))
            return boot_fail(info, "Multiboot 1: the memory map ends within an entry, or lies out of reach");
        if (entry.size < sizeof(entry) - sizeof(entry.size))
            return boot_fail(info, "Multiboot 1: an entry of the memory map is too small");
        error = boot_add_memory(info, entry.start, entry.length, entry.type == MAP_RAM);
        if (error)
            return error;
        at += (uint64_t)entry.size + sizeof(entry.size);
    }
    return 0;
}

/* Where there is no map, two sizes are better than nothing. */
static int parse_sizes(const struct mb1_info *mb1, struct boot_info *info)
{
    int error = boot_add_memory(info, 0, (uint64_t)mb1->mem_lower << 10, true);

    return error ? error : boot_add_memory(info, UINT64_C(1) << 20, (uint64_t)mb1->mem_upper << 10, true);
}

static int parse_modules(const struct boot_memory *memory, const struct mb1_info *mb1, struct boot_info *info)
{
    for (uint32_t i = 0; i < mb1->nr_modules; i++) {
        struct mb1_module module;
        int error;

        if (!boot_memory_read(memory, mb1->modules + (uint64_t)i * sizeof(module), &module, sizeof(module)))
            return boot_fail(info, "Multiboot 1: the list of modules lies out of reach");
        error = boot_add_module(info, module.start, module.end);
        if (error)
            return error;
    }
    return 0;
}

int boot_parse_mb1(const struct boot_memory *memory, uint64_t start, struct boot_info *info)
{
    struct mb1_info mb1;
    int error = 0;

    info->protocol = "Multiboot 1";
    if (!boot_memory_read(memory, start, &mb1, sizeof(mb1)))
        return boot_fail(info, "Multiboot 1: the information structure lies out of reach");
    if (mb1.flags & HAS_MEMORY_MAP)
        error = parse_map(memory, &mb1, info);
    else if (mb1.flags & HAS_MEMORY)
        error = parse_sizes(&mb1, info);
    if (!error && (mb1.flags & HAS_MODULES))
        error = parse_modules(memory, &mb1, info);
    if (!error && (mb1.flags & HAS_COMMAND_LINE))
        error = boot_set_command_line(memory, info, mb1.command_line, UINT64_MAX);
    return error;
}
