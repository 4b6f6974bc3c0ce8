/* SPDX-License-Identifier: MIT */
/* The choice between the protocols, and what holds for all of them. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/boot/boot.h>
#include <hv/boot/boot_magic.h>

/* Where the map is of two minds about a frame, it is not RAM. */
static int settle_map(struct boot_info *info)
{
    for (unsigned i = 0; i < info->other.count; i++) {
        if (!ranges_remove(&info->ram, info->other.list[i]))
            return boot_fail(info, "the memory map has too many ranges");
    }
    if (info->ram.count == 0)
        return boot_fail(info, "the loader gave no memory map, or one without RAM");
    return 0;
}

int boot_parse(const struct boot_memory *memory, uint32_t magic, uint64_t start, struct boot_info *info)
{
    int error;

    memset(info, 0, sizeof(*info));
    info->protocol = "an unknown protocol";
    if (magic == MB1_MAGIC)
        error = boot_parse_mb1(memory, start, info);
    else if (magic == MB2_MAGIC)
        error = boot_parse_mb2(memory, start, info);
    else if (magic == PVH_MAGIC)
        error = boot_parse_pvh(memory, start, info);
    else
        error = boot_fail(info, "the loader speaks none of Multiboot 1, Multiboot 2 and PVH");
    return error ? error : settle_map(info);
}
