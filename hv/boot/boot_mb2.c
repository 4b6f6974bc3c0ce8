/* SPDX-License-Identifier: MIT */
/* Multiboot 2: the list of tags of section 3.4 to 3.6 of the specification 2.0. */
#include <hv/boot/boot.h>

#define TAG_END          0u
#define TAG_COMMAND_LINE 1u
#define TAG_MODULE       3u
#define TAG_SIZES        4u
#define TAG_MEMORY_MAP   6u
#define TAG_RSDP         14u
#define TAG_WIDE_RSDP    15u
#define TAG_ALIGN        8u

#define MAP_RAM 1u

struct mb2_info {
    uint32_t size; /* of the whole list, this included */
    uint32_t reserved;
};

struct mb2_tag {
    uint32_t type;
    uint32_t size; /* this included, padding not */
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
};

struct mb2_sizes {
    struct mb2_tag tag;
    uint32_t lower, upper; /* KiB from 0 and from 1 MiB */
};

struct mb2_map {
    struct mb2_tag tag;
    uint32_t entry_size, entry_version;
};

struct mb2_map_entry {
    uint64_t start, length;
    uint32_t type, reserved;
};
_Static_assert(sizeof(struct mb2_map_entry) == 24, "Multiboot 2, 3.6.8");

/* A tag under examination: where it is, and what of it is certain to be in reach. */
struct place {
    const struct boot_memory *memory;
    uint64_t at;
    struct mb2_tag tag;
};

/* The first @size bytes of the tag; false if it does not have so many. */
static bool read_tag(const struct place *place, void *to, size_t size)
{
    return place->tag.size >= size && boot_memory_read(place->memory, place->at, to, size);
}

static int parse_module(const struct place *place, struct boot_info *info)
{
    struct mb2_module module;

    if (!read_tag(place, &module, sizeof(module)))
        return boot_fail(info, "Multiboot 2: the module's tag is too short");
    return boot_add_module(info, module.start, module.end);
}

static int parse_map(const struct place *place, struct boot_info *info)
{
    struct mb2_map map;
    uint64_t end = place->at + place->tag.size;

    if (!read_tag(place, &map, sizeof(map)) || map.entry_size < sizeof(struct mb2_map_entry))
        return boot_fail(info, "Multiboot 2: the memory map, or an entry of it, is too short");
    for (uint64_t at = place->at + sizeof(map); end - at >= map.entry_size; at += map.entry_size) {
        struct mb2_map_entry entry;
        int error;

        if (!boot_memory_read(place->memory, at, &entry, sizeof(entry)))
            return boot_fail(info, "Multiboot 2: the memory map lies out of reach");
        error = boot_add_memory(info, entry.start, entry.length, entry.type == MAP_RAM);
        if (error)
            return error;
    }
    return 0;
}

static int parse_command_line(const struct place *place, struct boot_info *info)
{
    return boot_set_command_line(place->memory, info, place->at + sizeof(place->tag),
                                 place->tag.size - sizeof(place->tag));
}

/* A copy of ACPI's root pointer. */
static int parse_rsdp(const struct place *place, struct boot_info *info)
{
    info->rsdp = place->at + sizeof(place->tag);
    return 0;
}

/* Of use only if there is no map: boot_parse_mb2() looks at the map first. */
static int parse_sizes(const struct place *place, struct boot_info *info)
{
    struct mb2_sizes sizes;
    int error;

    if (info->ram.count > 0)
        return 0;
    if (!read_tag(place, &sizes, sizeof(sizes)))
        return boot_fail(info, "Multiboot 2: the tag of the sizes of memory is too short");
    error = boot_add_memory(info, 0, (uint64_t)sizes.lower << 10, true);
    return error ? error : boot_add_memory(info, UINT64_C(1) << 20, (uint64_t)sizes.upper << 10, true);
}

/* Call @parse for each tag of @type. */
static int for_each_tag(const struct boot_memory *memory, struct range list, uint32_t type, struct boot_info *info,
                        int (*parse)(const struct place *place, struct boot_info *info))
{
    struct place place = {memory, list.start, {0}};

    for (;;) {
        int error;

        if (list.end - place.at < sizeof(place.tag) ||
            !boot_memory_read(memory, place.at, &place.tag, sizeof(place.tag)))
            return boot_fail(info, "Multiboot 2: the list of tags has no end");
        if (place.tag.type == TAG_END)
            return 0;
        if (place.tag.size < sizeof(place.tag) || place.tag.size > list.end - place.at)
            return boot_fail(info, "Multiboot 2: the size of a tag makes no sense");
        error = place.tag.type == type ? parse(&place, info) : 0;
        if (error)
            return error;
        place.at += ((uint64_t)place.tag.size + TAG_ALIGN - 1) & ~(uint64_t)(TAG_ALIGN - 1);
        if (place.at > list.end)
            return boot_fail(info, "Multiboot 2: the list of tags has no end");
    }
}

int boot_parse_mb2(const struct boot_memory *memory, uint64_t start, struct boot_info *info)
{
    struct mb2_info mb2;
    struct range list;
    int error;

    info->protocol = "Multiboot 2";
    if (!boot_memory_read(memory, start, &mb2, sizeof(mb2)) || mb2.size < sizeof(mb2) ||
        mb2.size > memory->size - start)
        return boot_fail(info, "Multiboot 2: the list of tags lies out of reach");
    list = (struct range){start + sizeof(mb2), start + mb2.size};
    error = for_each_tag(memory, list, TAG_MEMORY_MAP, info, parse_map);
    if (!error)
        error = for_each_tag(memory, list, TAG_SIZES, info, parse_sizes);
    if (!error)
        error = for_each_tag(memory, list, TAG_MODULE, info, parse_module);
    if (!error)
        error = for_each_tag(memory, list, TAG_COMMAND_LINE, info, parse_command_line);
    if (!error)
        error = for_each_tag(memory, list, TAG_RSDP, info, parse_rsdp);
    if (!error)
        error = for_each_tag(memory, list, TAG_WIDE_RSDP, info, parse_rsdp);
    return error;
}
