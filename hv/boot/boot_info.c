/* SPDX-License-Identifier: MIT */
/* What the parsers of all protocols share: reading, and filling in struct boot_info. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/boot/boot.h>

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

bool boot_memory_read(const struct boot_memory *memory, uint64_t address, void *to, size_t size)
{
    if (address > memory->size || size > memory->size - address)
        return false;
    memcpy(to, memory->bytes + address, size);
    return true;
}

int boot_fail(struct boot_info *info, const char *problem)
{
    info->problem = problem;
    return -XEN_EINVAL;
}

/* RAM is rounded inwards to whole frames, everything else outwards. */
int boot_add_memory(struct boot_info *info, uint64_t start, uint64_t size, bool ram)
{
    struct range range = {start, start + size};

    if (size == 0)
        return 0;
    if (range.end < start || range.end > UINT64_MAX - PAGE_MASK) {
        if (ram)
            return boot_fail(info, "a range of RAM in the memory map goes beyond all addresses");
        range.end = ~PAGE_MASK;
    }
    if (ram) {
        range.start = (range.start + PAGE_MASK) & ~PAGE_MASK;
        range.end &= ~PAGE_MASK;
    } else {
        range.start &= ~PAGE_MASK;
        range.end = (range.end + PAGE_MASK) & ~PAGE_MASK;
    }
    if (!ranges_add(ram ? &info->ram : &info->other, range))
        return boot_fail(info, "the memory map has too many ranges");
    return 0;
}

int boot_add_module(struct boot_info *info, uint64_t start, uint64_t end)
{
    if (info->has_bundle)
        return boot_fail(info, "there is more than one module; the bundle should be the only one");
    if (start >= end)
        return boot_fail(info, "the module is empty, or ends before it begins");
    info->has_bundle = true;
    info->bundle = (struct range){start, end};
    return 0;
}

int boot_set_command_line(const struct boot_memory *memory, struct boot_info *info, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; i < BOOT_COMMAND_LINE_SIZE && i < size; i++) {
        if (!boot_memory_read(memory, address + i, &info->command_line[i], 1))
            return boot_fail(info, "the command line lies out of reach");
        if (info->command_line[i] == '\0')
            return 0;
    }
    return boot_fail(info, "the command line is too long, or has no end");
}
