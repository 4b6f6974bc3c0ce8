/* SPDX-License-Identifier: MIT */
/*
 * Bare hardware: entries are stored, registers are written.  Nothing is pinned and nothing queues; lazy mode is kept
 * only so that its wrong use shows here as well.
 */
#include <guest/lazy.h>
#include <guest/mmu.h>
#include <guest/processor.h>

#define CR4_PGE ((uintptr_t)0x80)

static int native_init(void)
{
    return 0;
}

static void native_table_alloc(struct mmu_space *space, uint64_t *table, unsigned level, const char *where)
{
    (void)space, (void)table, (void)level, (void)where;
}

static void native_table_release(uint64_t *table, unsigned level, const char *where)
{
    (void)table, (void)level, (void)where;
}

static mmu_entry_t native_entry_make(pfn_t pfn, uint64_t flags, const char *where)
{
    (void)where;
    return (mmu_entry_t){pfn.v << PAGE_SHIFT | flags};
}

static pfn_t native_entry_pfn(mmu_entry_t entry)
{
    return PFN((entry.v & PTE_FRAME) >> PAGE_SHIFT);
}

static mmu_entry_t native_entry_read(const uint64_t *place)
{
    return (mmu_entry_t){READ_ONCE(*place)};
}

static uintptr_t read_cr3(void)
{
    uintptr_t cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    return cr3;
}

static void write_cr3(uintptr_t cr3)
{
    __asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
}

static void native_entry_write(struct mmu_space *space, uint64_t *place, unsigned level, mmu_entry_t entry,
                               const char *where)
{
    (void)where;
    WRITE_ONCE(*place, entry.v);
    /* SDM volume 3, 4.4.1: with PAE the processor has the entries of the root in registers. */
    if (TOP_LEVEL == 3 && level == TOP_LEVEL && table_root() == space->tree.root)
        write_cr3(read_cr3());
}

/* While the entry is absent, no processor can set a bit in it. */
static mmu_entry_t native_modify_begin(uint64_t *place)
{
    uint64_t seen = READ_ONCE(*place), now;

    /* Not by an exchange, which there is none of for 8 bytes on 32 bits. */
    while ((now = __sync_val_compare_and_swap(place, seen, UINT64_C(0))) != seen)
        seen = now;
    return (mmu_entry_t){seen};
}

static void native_modify_commit(struct mmu_space *space, uint64_t *place, mmu_entry_t entry, const char *where)
{
    native_entry_write(space, place, 1, entry, where);
}

static uint64_t native_cr2_read(void)
{
    uintptr_t vaddr;

    __asm__ volatile("mov %%cr2, %0" : "=r"(vaddr));
    return vaddr;
}

static void native_cr2_write(uint64_t vaddr)
{
    __asm__ volatile("mov %0, %%cr2" ::"r"((uintptr_t)vaddr));
}

static pfn_t native_cr3_read(void)
{
    return PFN(read_cr3() >> PAGE_SHIFT);
}

static void native_cr3_write(pfn_t root, const char *where)
{
    (void)where;
    table_set_root(pfn_to_virt(root));
    write_cr3((uintptr_t)(root.v << PAGE_SHIFT));
}

/* One root serves both modes. */
static void native_user_root_write(pfn_t root, const char *where)
{
    (void)root, (void)where;
}

static void native_flush_user(const char *where)
{
    (void)where;
    write_cr3(read_cr3());
}

/* SDM volume 3, 4.10.4.1: a change of PGE forgets global translations too. */
static void native_flush_all(const char *where)
{
    uintptr_t cr4;

    (void)where;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 ^ CR4_PGE) : "memory");
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
}

static void native_flush_page(uint64_t vaddr, const char *where)
{
    (void)where;
    __asm__ volatile("invlpg (%0)" ::"r"((uintptr_t)vaddr) : "memory");
}

/* This processor is the only one. */
static void native_flush_cpus(const uint64_t *cpus, uint64_t vaddr, const char *where)
{
    if (!(cpus[0] & 1))
        return;
    if (vaddr == MMU_ALL_ADDRESSES)
        native_flush_all(where);
    else
        native_flush_page(vaddr, where);
}

static void native_space_init(struct mmu_space *space, const char *where)
{
    (void)space, (void)where;
}

static void native_space_activate(struct mmu_space *space, const char *where)
{
    native_cr3_write(virt_to_pfn(space->tree.root), where);
}

static void native_space_exit(struct mmu_space *space, const char *where)
{
    if (table_root() == space->tree.root)
        native_space_activate(mmu_kernel_space(), where);
}

const struct mmu_ops mmu_native = {
    .name = "native",
    .init = native_init,
    .table_alloc = native_table_alloc,
    .table_release = native_table_release,
    .entry_make = native_entry_make,
    .entry_pfn = native_entry_pfn,
    .entry_read = native_entry_read,
    .entry_write = native_entry_write,
    .modify_begin = native_modify_begin,
    .modify_commit = native_modify_commit,
    .cr2_read = native_cr2_read,
    .cr2_write = native_cr2_write,
    .cr3_read = native_cr3_read,
    .cr3_write = native_cr3_write,
    .user_root_read = native_cr3_read,
    .user_root_write = native_user_root_write,
    .flush_user = native_flush_user,
    .flush_all = native_flush_all,
    .flush_page = native_flush_page,
    .flush_all_everywhere = native_flush_all,
    .flush_page_everywhere = native_flush_page,
    .flush_cpus = native_flush_cpus,
    .space_init = native_space_init,
    .space_activate = native_space_activate,
    .space_dup = native_space_init,
    .space_exit = native_space_exit,
    .lazy_enter = lazy_enter,
    .lazy_leave = lazy_leave,
    .lazy_flush = lazy_flush,
};
