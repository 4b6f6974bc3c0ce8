/* SPDX-License-Identifier: MIT */
/* PVH: the hvm_start_info structure of the x86/HVM direct boot ABI. */
#include <hv/boot/boot.h>
#include <hv/boot/boot_magic.h>

struct pvh_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modules;
    uint64_t command_line; /* 0: none */
    uint64_t rsdp;
};
_Static_assert(sizeof(struct pvh_info) == 40, "direct boot ABI, version 0");

/* Follows from version 1 on. */
struct pvh_info_map {
    uint64_t map;
    uint32_t nr_entries;
    uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_info_map) == 16, "direct boot ABI, version 1");

struct pvh_module {
    uint64_t start, size;
    uint64_t command_line;
    uint64_t reserved;
};

struct pvh_map_entry {
    uint64_t start, size;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_map_entry) == 24, "direct boot ABI, version 1");

#define MAP_RAM 1u

/* Where element @index of an array lies; out of reach where the address would wrap around. */
static uint64_t element(uint64_t array, uint32_t index, uint64_t size)
{
    uint64_t offset = index * size;

    return array > UINT64_MAX - offset ? UINT64_MAX : array + offset;
}

static int parse_map(const struct boot_memory *memory, uint64_t start, struct boot_info *info)
{
    struct pvh_info_map map;

    if (!boot_memory_read(memory, start + sizeof(struct pvh_info), &map, sizeof(map)))
        return boot_fail(info, "PVH: the start structure lies out of reach");
    for (uint32_t i = 0; i < map.nr_entries; i++) {
        struct pvh_map_entry entry;
        int error;

        if (!boot_memory_read(memory, element(map.map, i, sizeof(entry)), &entry, sizeof(entry)))
            return boot_fail(info, "PVH: the memory map lies out of reach");
        error = boot_add_memory(info, entry.start, entry.size, entry.type == MAP_RAM);
        if (error)
            return error;
    }
    return 0;
}

static int parse_modules(const struct boot_memory *memory, const struct pvh_info *pvh, struct boot_info *info)
{
    for (uint32_t i = 0; i < pvh->nr_modules; i++) {
        struct pvh_module module;
        int error;

        if (!boot_memory_read(memory, element(pvh->modules, i, sizeof(module)), &module, sizeof(module)))
            return boot_fail(info, "PVH: the list of modules lies out of reach");
        if (module.size > UINT64_MAX - module.start)
            return boot_fail(info, "PVH: the module goes beyond all addresses");
        error = boot_add_module(info, module.start, module.start + module.size);
        if (error)
            return error;
    }
    return 0;
}

int boot_parse_pvh(const struct boot_memory *memory, uint64_t start, struct boot_info *info)
{
    struct pvh_info pvh;
    int error;

    info->protocol = "PVH";
    if (!boot_memory_read(memory, start, &pvh, sizeof(pvh)))
        return boot_fail(info, "PVH: the start structure lies out of reach");
    if (pvh.magic != PVH_MAGIC)
        return boot_fail(info, "PVH: the start structure has the wrong magic number");
    if (pvh.version < 1)
        return boot_fail(info, "PVH: the start structure is of version 0, which has no memory map");
    error = parse_map(memory, start, info);
    if (!error)
        error = parse_modules(memory, &pvh, info);
    info->rsdp = pvh.rsdp;
    if (!error && pvh.command_line != 0)
        error = boot_set_command_line(memory, info, pvh.command_line, UINT64_MAX);
    return error;
}
