/* SPDX-License-Identifier: MIT */
/* Intel SDM volume 3, 4.5: four levels, 4 KiB and 2 MiB pages. */
#include <abi/layout.h>
#include <engine/check.h>
#include <engine/level.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/base/string.h>
#include <hv/mem/early.h>
#include <hv/mem/paging.h>

#define LARGE_SIZE  UINT64_C(0x200000)
#define LARGE_LEVEL 2u
#define ROOT_LEVEL  4u

#define ENTRY_TABLE (ENTRY_PRESENT | ENTRY_RW | ENTRY_AD)

static uint64_t root;
static uint64_t ram_base = IMAGE_BASE;

void *paging_ram(uint64_t maddr)
{
    return (void *)(ram_base + maddr);
}

static uint64_t make_table(void)
{
    uint64_t maddr = early_take_table();

    memset(paging_ram(maddr), 0, PAGE_SIZE);
    return maddr;
}

/* The entry of @vaddr in its table of @level; tables that are missing on the way are made, with @flags. */
static uint64_t *find_entry(uint64_t vaddr, unsigned level, uint64_t flags)
{
    uint64_t *table = paging_ram(root);

    for (unsigned i = ROOT_LEVEL; i > level; i--) {
        uint64_t *entry = &table[level_index(i, VADDR(vaddr))];

        if (!(*entry & ENTRY_PRESENT))
            *entry = make_table() | flags;
        CHECK(!(*entry & ENTRY_PSE));
        table = paging_ram(*entry & ENTRY_FRAME);
    }
    return &table[level_index(level, VADDR(vaddr))];
}

/* What guests may read, they may reach through tables that allow no writing. */
static uint64_t upper_flags(uint64_t flags)
{
    return flags & ENTRY_USER ? (ENTRY_TABLE & ~ENTRY_RW) | ENTRY_USER : ENTRY_TABLE;
}

void paging_map(uint64_t vaddr, uint64_t maddr, uint64_t size, uint64_t flags)
{
    CHECK((vaddr | maddr | size) % PAGE_SIZE == 0);
    while (size > 0) {
        bool large = (vaddr | maddr) % LARGE_SIZE == 0 && size >= LARGE_SIZE;
        uint64_t step = large ? LARGE_SIZE : PAGE_SIZE;

        *find_entry(vaddr, large ? LARGE_LEVEL : 1, upper_flags(flags)) = maddr | flags | (large ? ENTRY_PSE : 0);
        vaddr += step;
        maddr += step;
        size -= step;
    }
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        (void)find_entry(vaddr + at, 1, ENTRY_TABLE);
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    __atomic_store_n(find_entry(vaddr, 1, ENTRY_TABLE), entry, __ATOMIC_SEQ_CST);
}

uint64_t paging_get(uint64_t vaddr)
{
    return *find_entry(vaddr, 1, ENTRY_TABLE);
}

void paging_init(void)
{
    uint64_t *slots;

    root = make_table();
    slots = (uint64_t *)paging_ram(root) + HYPERVISOR_L4_SLOT;
    for (unsigned i = 0; i < HYPERVISOR_ROOT_SLOTS; i++)
        slots[i] = make_table() | (i == 0 ? upper_flags(ENTRY_USER) : ENTRY_TABLE);
}

void paging_activate(void)
{
    asm_write_cr3(root);
    ram_base = DIRECT_BASE;
}

uint64_t paging_root(void)
{
    return root;
}

void paging_root_slots(uint64_t slots[HYPERVISOR_ROOT_SLOTS])
{
    memcpy(slots, (uint64_t *)paging_ram(root) + HYPERVISOR_L4_SLOT, HYPERVISOR_ROOT_SLOTS * sizeof(slots[0]));
}
