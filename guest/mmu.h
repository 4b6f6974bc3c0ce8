/* SPDX-License-Identifier: MIT */
/*
 * The memory-management operations of a kernel that runs both on bare hardware and as a PV guest: one table of
 * operations, two back ends, chosen when the kernel starts.  docs/porting.md says how to bring a kernel up on it.
 *
 * A table is named by the address where the kernel has it mapped, at VIRT_BASE.  Pages are named by pfn; an entry holds
 * a machine frame, and the operations translate.  An address space is the lower half of the address space, the first
 * USER_SLOTS slots of a root; the upper half is the kernel's and the same in all of them.
 *
 * Operations whose names are macros pass on the place where they were called; failures are reported with it, also those
 * that show later, see mmu_failure.h.  Nothing here locks: one caller at a time.
 */
#pragma once

#include <guest/mmu_failure.h>
#include <guest/pinned.h>
#include <guest/table.h>
#include <guest/types.h>

/* An entry of a table as it stands in memory. */
typedef struct {
    uint64_t v;
} mmu_entry_t;

#define MMU_ENTRY_NONE ((mmu_entry_t){0})

struct mmu_space {
    struct pinned_tree tree; /* native: without user_root, one root serves both modes */
    bool pinned;
};

/* Every address, for flush_cpus(). */
#define MMU_ALL_ADDRESSES (~UINT64_C(0))

struct mmu_ops {
    const char *name; /* "native", "paravirtual" */

    /* The library's own start; the memory of guest/memory.h is ready where there is a hypervisor.  0 or -XEN_ENOMEM. */
    int (*init)(void);

    /*
     * @table is about to be hooked into @space as a table of @level: in a pinned space it becomes read-only here.  And:
     * @table has been unhooked; when this returns it is an ordinary page again, even in lazy mode.
     */
    void (*table_alloc)(struct mmu_space *space, uint64_t *table, unsigned level, const char *where);
    void (*table_release)(uint64_t *table, unsigned level, const char *where);

    /*
     * An entry of any level for a page; only a present one is translated, in another @pfn may be any number.  The page
     * of a present entry, PFN_NONE if it is not the guest's.
     */
    mmu_entry_t (*entry_make)(pfn_t pfn, uint64_t flags, const char *where);
    pfn_t (*entry_pfn)(mmu_entry_t entry);

    /* What @place holds, or will hold where an update is queued.  A hypervisor may have added PTE_USER and PTE_G. */
    mmu_entry_t (*entry_read)(const uint64_t *place);

    /* Write an entry of a table of @level in @space.  In lazy mode it may be queued. */
    void (*entry_write)(struct mmu_space *space, uint64_t *place, unsigned level, mmu_entry_t entry, const char *where);

    /*
     * Change the protection of an L1 entry that processors may be using: begin, then commit with the same page and
     * other flags.  What they set of the accessed and dirty bits in between is not lost.
     */
    mmu_entry_t (*modify_begin)(uint64_t *place);
    void (*modify_commit)(struct mmu_space *space, uint64_t *place, mmu_entry_t entry, const char *where);

    /* The address of the last page fault. */
    uint64_t (*cr2_read)(void);
    void (*cr2_write)(uint64_t vaddr);

    /* The page of the root that the kernel runs on; of the one that user mode runs on, PFN_NONE for none. */
    pfn_t (*cr3_read)(void);
    void (*cr3_write)(pfn_t root, const char *where);
    pfn_t (*user_root_read)(void);
    void (*user_root_write)(pfn_t root, const char *where);

    /* Forget translations: of user addresses; of all addresses, global ones too; of one page.  On this processor. */
    void (*flush_user)(const char *where);
    void (*flush_all)(const char *where);
    void (*flush_page)(uint64_t vaddr, const char *where);

    /* On all processors of the guest: all addresses, one page.  On those of a bitmap: a page, or MMU_ALL_ADDRESSES. */
    void (*flush_all_everywhere)(const char *where);
    void (*flush_page_everywhere)(uint64_t vaddr, const char *where);
    void (*flush_cpus)(const uint64_t *cpus, uint64_t vaddr, const char *where);

    /*
     * Life of an address space.  Its roots exist: init pins them where pinning is not late.  Run on it: it is pinned
     * at the latest here.  It has been filled as the duplicate of another one: a good moment to pin.  It will be torn
     * down: it is left if it is loaded, and unpinned, so that its tables are ordinary pages.
     */
    void (*space_init)(struct mmu_space *space, const char *where);
    void (*space_activate)(struct mmu_space *space, const char *where);
    void (*space_dup)(struct mmu_space *space, const char *where);
    void (*space_exit)(struct mmu_space *space, const char *where);

    /* See lazy.h. */
    void (*lazy_enter)(const char *where);
    void (*lazy_leave)(const char *where);
    void (*lazy_flush)(void);
};

extern const struct mmu_ops mmu_native, mmu_paravirtual;

/* The back end that is in use. */
extern const struct mmu_ops *mmu;

/* Where tables come from and go to: pages mapped writable at VIRT_BASE, with any contents; NULL: there is none. */
struct mmu_pages {
    void *(*alloc)(void);
    void (*free)(void *page);
};

/* Choose the back end by how the guest was started, and start it.  0 or -XEN_ENOMEM. */
int __must_check mmu_init(const struct mmu_pages *pages);

/* How the paravirtual back end may save hypercalls; both ways is the beginning.  For measurements; no space exists. */
#define MMU_LAZY     1u /* updates queue in lazy mode */
#define MMU_LATE_PIN 2u /* spaces are pinned late; else from their init on */
void mmu_set_techniques(unsigned techniques);
bool mmu_pins_late(void);

/* The space with nothing in its lower half, on which the kernel started. */
struct mmu_space *mmu_kernel_space(void);

/* ---- Operations with the caller's place. */

#define mmu_entry_make(pfn, flags)                  mmu->entry_make(pfn, flags, MMU_HERE)
#define mmu_entry_pfn(entry)                        mmu->entry_pfn(entry)
#define mmu_entry_read(place)                       mmu->entry_read(place)
#define mmu_entry_write(space, place, level, entry) mmu->entry_write(space, place, level, entry, MMU_HERE)
#define mmu_modify_begin(place)                     mmu->modify_begin(place)
#define mmu_modify_commit(space, place, entry)      mmu->modify_commit(space, place, entry, MMU_HERE)
#define mmu_flush_user()                            mmu->flush_user(MMU_HERE)
#define mmu_flush_all()                             mmu->flush_all(MMU_HERE)
#define mmu_flush_page(vaddr)                       mmu->flush_page(vaddr, MMU_HERE)
#define mmu_flush_all_everywhere()                  mmu->flush_all_everywhere(MMU_HERE)
#define mmu_flush_page_everywhere(vaddr)            mmu->flush_page_everywhere(vaddr, MMU_HERE)
#define mmu_flush_cpus(cpus, vaddr)                 mmu->flush_cpus(cpus, vaddr, MMU_HERE)
#define mmu_space_activate(space)                   mmu->space_activate(space, MMU_HERE)
#define mmu_space_dup(space)                        mmu->space_dup(space, MMU_HERE)
#define mmu_space_exit(space)                       mmu->space_exit(space, MMU_HERE)
#define mmu_lazy_enter()                            mmu->lazy_enter(MMU_HERE)
#define mmu_lazy_leave()                            mmu->lazy_leave(MMU_HERE)
#define mmu_lazy_flush()                            mmu->lazy_flush()

/* ---- What both back ends share: trees of tables. */

/* Flags of an entry; of those that a hypervisor adds, the ones that no hardware has are left out. */
static inline uint64_t mmu_entry_flags(mmu_entry_t entry)
{
    return entry.v & ~(PTE_FRAME | PTE_KERNEL52);
}

/* The same page with other flags, as modify_commit() wants it. */
static inline mmu_entry_t mmu_entry_change(mmu_entry_t entry, uint64_t set, uint64_t clear)
{
    return (mmu_entry_t){(entry.v & ~clear) | set};
}

static inline bool mmu_entry_present(mmu_entry_t entry)
{
    return entry.v & PTE_P;
}

/* A new space with an empty lower half.  0 or -XEN_ENOMEM: nothing is held. */
#define mmu_space_create(space) mmu_space_create_at(space, MMU_HERE)
int __must_check mmu_space_create_at(struct mmu_space *space, const char *where);

/* End a space: exit, and its tables go back where they came from.  What L1 tables refer to is the caller's affair. */
#define mmu_space_destroy(space) mmu_space_destroy_at(space, MMU_HERE)
void mmu_space_destroy_at(struct mmu_space *space, const char *where);

/* The place of the entry of @level for @vaddr; NULL where a table above it is absent. */
uint64_t *mmu_walk(struct mmu_space *space, uint64_t vaddr, unsigned level);

/* The same for level 1, but absent tables are made; NULL: there are no pages for them.  What was made remains. */
#define mmu_walk_make(space, vaddr) mmu_walk_make_at(space, vaddr, MMU_HERE)
uint64_t *mmu_walk_make_at(struct mmu_space *space, uint64_t vaddr, const char *where);

/* Call @visitor for each L1 table in the lower half of @space, with the first address that it maps, ascending. */
typedef void mmu_l1_visitor(struct mmu_space *space, uint64_t *table, uint64_t vaddr, void *arg);
void mmu_visit_l1(struct mmu_space *space, mmu_l1_visitor *visitor, void *arg);
