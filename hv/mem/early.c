/* SPDX-License-Identifier: MIT */
/* In order: what there is to hand out; handing it out. */
#include <engine/types.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/mem/early.h>

#define LOW_END   UINT64_C(0x100000) /* what is below is the firmware's, and later the start-up code's */
#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

static struct ranges ram;  /* all that will be in the frame table as RAM */
static struct ranges left; /* of it: what nobody has taken yet */
static uint64_t tables_limit = EARLY_END;
static uint64_t taken;

/*
 * ---- What there is.
 */

struct range early_image(void)
{
    return (struct range){IMAGE_START, image_maddr(image_end)};
}

/* The highest address that RAM can have: limited by the processor, and by the direct map. */
static uint64_t address_limit(void)
{
    uint64_t limit = UINT64_C(1) << cpu_features()->phys_bits;

    return limit < DIRECT_END - DIRECT_BASE ? limit : DIRECT_END - DIRECT_BASE;
}

static void keep(struct range range, const char *what)
{
    if (!ranges_contain(&left, range))
        exit_unsupported("the loader put %s at %lx to %lx, which is not RAM, not above 1 MiB, or not free", what,
                         range.start, range.end);
    if (!ranges_remove(&left, range))
        exit_unsupported("the memory map has too many ranges");
}

void early_init(const struct ranges *whole, struct range kept)
{
    ram = *whole;
    if (!ranges_remove(&ram, (struct range){0, LOW_END}) ||
        !ranges_remove(&ram, (struct range){address_limit(), UINT64_MAX}))
        exit_unsupported("the memory map has too many ranges");
    left = ram;
    keep(early_image(), "the hypervisor");
    if (!range_is_empty(kept))
        keep((struct range){kept.start & ~PAGE_MASK, (kept.end + PAGE_MASK) & ~PAGE_MASK}, "the bundle");
}

const struct ranges *early_ram(void)
{
    return &ram;
}

const struct ranges *early_left(void)
{
    return &left;
}

/*
 * ---- Handing out.
 */

static uint64_t take(uint64_t size, uint64_t align, uint64_t limit, const char *purpose)
{
    struct range found;

    if (!ranges_take(&left, size, align, limit, &found))
        exit_unsupported("%lu KiB of RAM in a row are needed for %s, and only %lu KiB of %lu KiB are left", size / 1024,
                         purpose, ranges_size(&left) / 1024, ranges_size(&ram) / 1024);
    taken += size;
    return found.start;
}

uint64_t early_take(uint64_t size, uint64_t align, const char *purpose)
{
    return take(size, align, UINT64_MAX, purpose);
}

uint64_t early_take_table(void)
{
    return take(PAGE_SIZE, PAGE_SIZE, tables_limit, "a page table");
}

void early_reach_all(void)
{
    tables_limit = UINT64_MAX;
}

uint64_t early_taken(void)
{
    return taken;
}
