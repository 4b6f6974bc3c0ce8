/* SPDX-License-Identifier: MIT */
/* The layout that is counted here is that of [startofday] in the reference. */
#include <cli/kernel_memory.h>
#include <abi/elfnote.h>

#define PAGE_SHIFT     12
#define PAGE_SIZE      ((uint64_t)1 << PAGE_SHIFT)
#define LEVEL_SHIFT    9 /* bits of an address for each level of tables */
#define LEVELS         4u
#define PAGES_PER_MIB  256u
#define OWN_PAGES      3u /* start_info, the store's and the console's page */
#define STACK_PAGES    1u
#define SLACK          ((uint64_t)512 << 10)
#define MAPPED_TO      ((uint64_t)4 << 20) /* what is mapped ends at a multiple of this */
#define NEVER          ((uint64_t)1 << 62) /* bytes: more than there are addresses for */
#define SYMBOL_HEADERS 1024u               /* more than the length, ELF header and section headers take */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint64_t pages_of(uint64_t bytes)
{
    return round_up(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

/* How many tables of levels 1 to @levels map the addresses from @start to @end, not included. */
static uint64_t count_tables(uint64_t start, uint64_t end, unsigned levels)
{
    uint64_t last = end - 1 < start ? UINT64_MAX : end - 1;
    uint64_t count = 0;

    for (unsigned level = 1; level <= levels; level++) {
        unsigned shift = PAGE_SHIFT + LEVEL_SHIFT * level;

        count += (last >> shift) - (start >> shift) + 1;
    }
    return count;
}

/* The size of what is mapped, from VIRT_BASE: @fixed bytes and page tables, which map themselves, too; or NEVER. */
static uint64_t mapped_size(uint64_t virt_base, uint64_t fixed)
{
    uint64_t tables = 0, needed, size;

    for (;;) {
        size = round_up(fixed + tables * PAGE_SIZE + SLACK, MAPPED_TO);
        if (virt_base + size - 1 < virt_base)
            return NEVER;
        needed = count_tables(virt_base, virt_base + size, LEVELS);
        if (needed <= tables)
            return size;
        tables = needed;
    }
}

/* The pages that are taken before the kernel starts, if it has @nr_pages. */
static uint64_t pages_needed(const struct kernel *kernel, const struct placement *placement, uint64_t ramdisk_size,
                             uint64_t nr_pages)
{
    uint64_t p2m_size = pages_of(nr_pages * (kernel->width / 8)) * PAGE_SIZE;
    uint64_t ramdisk = pages_of(ramdisk_size) * PAGE_SIZE;
    uint64_t fixed = placement->end - placement->virt_base;
    uint64_t pages = 0;
    const struct note *symbols = kernel_find_note(kernel, XEN_ELFNOTE_BSD_SYMTAB);

    if (symbols && note_starts_with(symbols, "yes"))
        fixed += kernel->symbols_size + SYMBOL_HEADERS;
    fixed = round_up(fixed, PAGE_SIZE);
    if (placement->ramdisk_is_mapped)
        fixed += ramdisk;
    else
        pages += ramdisk >> PAGE_SHIFT;
    if (placement->has_init_p2m)
        pages +=
            (p2m_size >> PAGE_SHIFT) + count_tables(placement->init_p2m, placement->init_p2m + p2m_size, LEVELS - 1);
    else
        fixed += p2m_size;
    fixed += (OWN_PAGES + STACK_PAGES) * PAGE_SIZE;
    return pages + (mapped_size(placement->virt_base, fixed) >> PAGE_SHIFT);
}

bool kernel_fits_memory(const struct kernel *kernel, const struct placement *placement, uint64_t ramdisk_size,
                        uint64_t memory_kib)
{
    uint64_t nr_pages = memory_kib / (PAGE_SIZE >> 10);

    return nr_pages && pages_needed(kernel, placement, ramdisk_size, nr_pages) <= nr_pages;
}

uint64_t kernel_memory_mib(const struct kernel *kernel, const struct placement *placement, uint64_t ramdisk_size)
{
    uint64_t mib = 1, needed;

    for (;;) {
        needed = pages_needed(kernel, placement, ramdisk_size, mib * PAGES_PER_MIB);
        if (needed <= mib * PAGES_PER_MIB)
            return mib;
        if (needed >= NEVER >> PAGE_SHIFT)
            return 0;
        mib = round_up(needed, PAGES_PER_MIB) / PAGES_PER_MIB;
    }
}
