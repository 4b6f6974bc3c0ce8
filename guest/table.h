/* SPDX-License-Identifier: MIT */
/*
 * Page tables as the guest sees them: reading its own by walking, changing them by calls.
 *
 * A table is named by the address where the kernel has it mapped; its entries hold machine frames.
 */
#pragma once

#include <guest/memory.h>
#include <guest/types.h>

/* Bits of an entry. */
#define PTE_P        UINT64_C(0x001)
#define PTE_RW       UINT64_C(0x002)
#define PTE_USER     UINT64_C(0x004)
#define PTE_PWT      UINT64_C(0x008)
#define PTE_PCD      UINT64_C(0x010)
#define PTE_A        UINT64_C(0x020)
#define PTE_D        UINT64_C(0x040)
#define PTE_PSE      UINT64_C(0x080) /* L2 and above */
#define PTE_PAT      UINT64_C(0x080) /* L1 */
#define PTE_G        UINT64_C(0x100)
#define PTE_AVAIL    UINT64_C(0xe00)
#define PTE_KERNEL52 (UINT64_C(1) << 52) /* the hypervisor marks pages of the kernel so */
#define PTE_NX       (UINT64_C(1) << 63)

#define PTE_FRAME UINT64_C(0x000ffffffffff000)

/* An ordinary page of the kernel; one that it only reads; a page of a program; an entry above L1. */
#define PTE_KERNEL   (PTE_P | PTE_RW | PTE_A | PTE_D)
#define PTE_READONLY (PTE_P | PTE_A | PTE_D)
#define PTE_PROGRAM  (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D)
#define PTE_TABLE    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D)

/* The flags of an entry of @level, above L1, that refers to a table. */
static inline uint64_t pte_table_flags(unsigned level)
{
    return level == TOP_LEVEL ? PTE_ROOT : PTE_TABLE;
}

static inline uint64_t pte_make(mfn_t mfn, uint64_t flags)
{
    return mfn.v << PAGE_SHIFT | flags;
}

static inline mfn_t pte_mfn(uint64_t entry)
{
    return MFN((entry & PTE_FRAME) >> PAGE_SHIFT);
}

/* Index of the entry for @vaddr in a table of @level, 1 to TOP_LEVEL. */
static inline unsigned table_index(uint64_t vaddr, unsigned level)
{
    return (unsigned)(vaddr >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;
}

/* The root that the kernel runs on, mapped read-only. */
uint64_t *table_root(void);

/* The kernel runs on another root from now on: table_load() says so itself. */
void table_set_root(uint64_t *root);

/*
 * The entry of @level for @vaddr under @root, NULL where a table above it is absent.  Only tables that are the guest's
 * own pages can be followed.
 */
uint64_t *table_entry_under(uint64_t *root, uint64_t vaddr, unsigned level);
uint64_t *table_entry(uint64_t vaddr, unsigned level);

/* Is @vaddr mapped?  If so *@entry, unless NULL, receives its L1 entry. */
bool table_walk(uint64_t vaddr, uint64_t *entry);

/* Write one entry of any level with mmu_update.  0, or the call's error. */
int __must_check table_write(uint64_t *entry, uint64_t value);

/* Change the L1 entry of @vaddr, which must have an L1, with update_va_mapping and flush the address. */
int __must_check table_map(uint64_t vaddr, uint64_t value);

/* Change the kernel's own mapping of a page to read-only, and back. */
int __must_check table_set_readonly(void *page);
int __must_check table_set_writable(void *page);

/* Hook @table, mapped read-only, into the running tables: the entry of @level for @vaddr refers to it. */
int __must_check table_hook(uint64_t vaddr, unsigned level, uint64_t *table);

/* Make the tables down to L1 for @vaddr under the running root, where they are absent. */
int __must_check table_make(uint64_t vaddr);

/* One operation of mmuext_op on the frame of @page; for those without a frame, @page is NULL. */
int __must_check table_mmuext(unsigned cmd, const void *page);

/* Pin @table as a table of @level; unpin it. */
int __must_check table_pin(uint64_t *table, unsigned level);
int __must_check table_unpin(uint64_t *table);

/* Run the kernel on @root; run user mode on @root, NULL for none, where that has one of its own. */
int __must_check table_load(uint64_t *root);
int __must_check table_load_user(uint64_t *root);
