/* SPDX-License-Identifier: MIT */
/*
 * Nothing here knows whether there is a hypervisor: this is what guest/mmu.h is for.
 */
#include <abi/errno.h>
#include <guest/trap.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/program.h>
#include <guests/paravirt/space.h>

/* The page was writable before it was shared; a bit of the entry that is the guest's. */
#define PTE_COPY UINT64_C(0x200)

static struct space *loaded;

static void *page_of(mmu_entry_t entry)
{
    return pfn_to_virt(mmu_entry_pfn(entry));
}

static int map_page(struct space *space, uint64_t vaddr, void *page, uint64_t flags)
{
    uint64_t *place = mmu_walk_make(&space->mmu, vaddr);

    if (!place)
        return -XEN_ENOMEM;
    mmu_entry_write(&space->mmu, place, 1, mmu_entry_make(virt_to_pfn(page), flags));
    return 0;
}

int space_create(struct space *space, uint64_t nr_pages)
{
    int error = mmu_space_create(&space->mmu);

    if (error)
        return error;
    space->nr_pages = nr_pages;
    pool_share(program_page());
    error = map_page(space, CODE_BASE, program_page(), PTE_PROGRAM & ~PTE_RW);
    if (error) {
        pool_put(program_page());
        mmu_space_destroy(&space->mmu);
    }
    return error;
}

/* ---- Fork. */

struct fork {
    struct space *child;
    int error;
};

static mmu_entry_t share_entry(struct mmu_space *parent, uint64_t *place, mmu_entry_t entry)
{
    if (mmu_entry_flags(entry) & PTE_RW) {
        entry = mmu_entry_change(mmu_modify_begin(place), PTE_COPY, PTE_RW);
        mmu_modify_commit(parent, place, entry);
    }
    pool_share(page_of(entry));
    return entry;
}

/* The L1 of the child that goes with one of the parent. */
static void fork_l1(struct mmu_space *parent, uint64_t *table, uint64_t vaddr, void *arg)
{
    struct fork *fork = arg;
    uint64_t *child = NULL;

    for (unsigned slot = 0; !fork->error && slot < ENTRIES_PER_TABLE; slot++) {
        mmu_entry_t entry = mmu_entry_read(&table[slot]);

        if (!mmu_entry_present(entry))
            continue;
        if (!child) {
            child = mmu_walk_make(&fork->child->mmu, vaddr);
            if (!child) {
                fork->error = -XEN_ENOMEM;
                return;
            }
        }
        mmu_entry_write(&fork->child->mmu, &child[slot], 1, share_entry(parent, &table[slot], entry));
    }
}

int space_fork(struct space *child, struct space *parent)
{
    struct fork fork = {.child = child, .error = mmu_space_create(&child->mmu)};

    if (fork.error)
        return fork.error;
    child->nr_pages = parent->nr_pages;
    mmu_lazy_enter();
    mmu_visit_l1(&parent->mmu, fork_l1, &fork);
    if (parent == loaded)
        mmu_flush_user();
    if (!fork.error)
        mmu_space_dup(&child->mmu);
    mmu_lazy_leave();
    if (fork.error)
        space_destroy(child);
    return fork.error;
}

/* ---- Faults. */

static int fault_new_page(struct space *space, uint64_t vaddr)
{
    void *page = pool_take();
    int error;

    if (!page)
        return -XEN_ENOMEM;
    page_zero(page);
    error = map_page(space, vaddr, page, PTE_PROGRAM);
    if (error)
        pool_put(page);
    return error;
}

/* A write to a shared page: it becomes a page of its own, or is one, if everybody else has gone. */
static int fault_copy(struct space *space, uint64_t vaddr, uint64_t *place, mmu_entry_t entry)
{
    void *shared = page_of(entry), *copy;

    if (pool_users(shared) == 1) {
        mmu_lazy_enter();
        mmu_modify_commit(&space->mmu, place, mmu_entry_change(mmu_modify_begin(place), PTE_RW, PTE_COPY));
        mmu_flush_page(vaddr);
        mmu_lazy_leave();
        return 0;
    }
    copy = pool_take();
    if (!copy)
        return -XEN_ENOMEM;
    page_copy(copy, shared);
    mmu_lazy_enter();
    mmu_entry_write(&space->mmu, place, 1, mmu_entry_make(virt_to_pfn(copy), PTE_PROGRAM));
    mmu_flush_page(vaddr);
    mmu_lazy_leave();
    pool_put(shared);
    return 0;
}

int space_fault(struct space *space, uint64_t vaddr, uint32_t error)
{
    uint64_t *place;
    mmu_entry_t entry = MMU_ENTRY_NONE;

    vaddr &= ~(uint64_t)(PAGE_SIZE - 1);
    if (vaddr < DATA_BASE || vaddr >= DATA_BASE + space->nr_pages * PAGE_SIZE)
        return -XEN_EFAULT;
    place = mmu_walk(&space->mmu, vaddr, 1);
    if (place)
        entry = mmu_entry_read(place);
    if (!mmu_entry_present(entry))
        return fault_new_page(space, vaddr);
    if (!(error & FAULT_WRITE) || !(mmu_entry_flags(entry) & PTE_COPY))
        return -XEN_EFAULT;
    return fault_copy(space, vaddr, place, entry);
}

/* ---- Life. */

static void put_l1_pages(struct mmu_space *space, uint64_t *table, uint64_t vaddr, void *arg)
{
    (void)space, (void)vaddr, (void)arg;
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++) {
        mmu_entry_t entry = mmu_entry_read(&table[slot]);

        if (mmu_entry_present(entry))
            pool_put(page_of(entry));
    }
}

void space_destroy(struct space *space)
{
    mmu_space_exit(&space->mmu); /* before the pages go: nobody may use them any more */
    if (loaded == space)
        loaded = NULL;
    mmu_visit_l1(&space->mmu, put_l1_pages, NULL);
    mmu_space_destroy(&space->mmu);
}

void space_load(struct space *space)
{
    if (space != loaded) {
        mmu_space_activate(&space->mmu);
        loaded = space;
    }
}

struct space *space_loaded(void)
{
    return loaded;
}

const void *space_page(struct space *space, uint64_t index)
{
    uint64_t *place = mmu_walk(&space->mmu, DATA_BASE + index * PAGE_SIZE, 1);
    mmu_entry_t entry = place ? mmu_entry_read(place) : MMU_ENTRY_NONE;

    return mmu_entry_present(entry) ? page_of(entry) : NULL;
}
