/* SPDX-License-Identifier: MIT */
/* The layout that is counted here is that of [startofday] in the reference. */
#include <cli/kernel_memory.h>

#define PAGE_SHIFT        12
#define PAGE_SIZE         ((uint64_t)1 << PAGE_SHIFT)
#define LEVEL_SHIFT       9 /* bits of an address for each level of tables */
#define LEVELS            4u
#define PAGES_PER_MIB     256u
#define OWN_PAGES         3u /* start_info, the store's and the console's page; */
#define OWN_PAGES_INITIAL 1u /* the initial domain has no others */
#define STACK_PAGES       1u
#define SLACK             ((uint64_t)512 << 10)
#define MAPPED_TO         ((uint64_t)4 << 20) /* what is mapped ends at a multiple of this */
#define LOWER_HALF_END    ((uint64_t)1 << 47)
#define ROOT_SLOT_SHIFT   39
#define NEVER_PAGES       (NEVER >> PAGE_SHIFT)
#define NEVER             ((uint64_t)1 << 62) /* bytes: more than there are addresses for */
#define SYMBOL_HEADERS    1024u               /* more than the length, ELF header and section headers take */

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

/* Does what is mapped, or the P2M elsewhere, stay within what a 64-bit guest may map from @start on? */
static bool is_mappable(uint64_t start, uint64_t size)
{
    return start + size - 1 >= start && !(start < LOWER_HALF_END && start + size - 1 >= LOWER_HALF_END);
}

/* The size of what is mapped, from VIRT_BASE: @fixed bytes and page tables, which map themselves, too; or NEVER. */
static uint64_t mapped_size(uint64_t virt_base, uint64_t fixed)
{
    uint64_t tables = 0, needed, size;

    for (;;) {
        size = fixed + tables * PAGE_SIZE + SLACK;
        if (!is_mappable(virt_base, size))
            return NEVER;
        /* It is the address that is rounded up; 0 is the end of all addresses. */
        size = round_up(virt_base + size, MAPPED_TO) - virt_base;
        if (!is_mappable(virt_base, size))
            return NEVER;
        needed = count_tables(virt_base, virt_base + size, LEVELS);
        if (needed <= tables)
            return size;
        tables = needed;
    }
}

static uint64_t symbols_size(const struct kernel *kernel)
{
    return kernel_wants_symbols(kernel) && kernel->symbols_size ? kernel->symbols_size + SYMBOL_HEADERS : 0;
}

/* The pages that are taken before the kernel starts, if it has @nr_pages; more than NEVER_PAGES: it cannot be. */
static uint64_t pages_needed(const struct kernel *kernel, const struct placement *placement,
                             const struct start_request *request, uint64_t nr_pages)
{
    uint64_t p2m_size = pages_of(nr_pages * (kernel->width / 8)) * PAGE_SIZE;
    uint64_t ramdisk = pages_of(request->ramdisk_size) * PAGE_SIZE;
    uint64_t own_pages = request->privileged ? OWN_PAGES_INITIAL : OWN_PAGES;
    uint64_t fixed = placement->end - placement->virt_base;
    uint64_t pages = 0;

    if (request->ramdisk_size >= LOWER_HALF_END)
        return NEVER_PAGES;
    fixed = round_up(fixed + symbols_size(kernel), PAGE_SIZE);
    if (placement->ramdisk_is_mapped)
        fixed += ramdisk;
    else
        pages += ramdisk >> PAGE_SHIFT;
    if (placement->has_init_p2m) {
        uint64_t end = placement->init_p2m + p2m_size;

        if (!is_mappable(placement->init_p2m, p2m_size) ||
            (end - 1) >> ROOT_SLOT_SHIFT >= placement->virt_base >> ROOT_SLOT_SHIFT)
            return NEVER_PAGES;
        pages += (p2m_size >> PAGE_SHIFT) + count_tables(placement->init_p2m, end, LEVELS - 1);
    } else {
        fixed += p2m_size;
    }
    return pages + (mapped_size(placement->virt_base, fixed + (own_pages + STACK_PAGES) * PAGE_SIZE) >> PAGE_SHIFT);
}

bool kernel_fits_memory(const struct kernel *kernel, const struct placement *placement,
                        const struct start_request *request, uint64_t memory_kib)
{
    uint64_t nr_pages = memory_kib / (PAGE_SIZE >> 10);

    return nr_pages && pages_needed(kernel, placement, request, nr_pages) <= nr_pages;
}

uint64_t kernel_memory_mib(const struct kernel *kernel, const struct placement *placement,
                           const struct start_request *request)
{
    uint64_t mib = 1, needed;

    for (;;) {
        needed = pages_needed(kernel, placement, request, mib * PAGES_PER_MIB);
        if (needed <= mib * PAGES_PER_MIB)
            return mib;
        if (needed >= NEVER_PAGES)
            return 0;
        mib = round_up(needed, PAGES_PER_MIB) / PAGES_PER_MIB;
    }
}
