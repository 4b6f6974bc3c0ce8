/* SPDX-License-Identifier: MIT */
/* The choice of a back end, and trees of tables, built with its operations. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/mmu.h>

#define TOP_LEVEL    4u
#define KERNEL_SLOTS (HYPERVISOR_L4_SLOT_LAST + 1) /* from here on the L4 is the kernel's */

const struct mmu_ops *mmu;
static const struct mmu_pages *table_pages;

int mmu_init(const struct mmu_pages *pages)
{
    table_pages = pages;
    mmu = guest.native ? &mmu_native : &mmu_paravirtual;
    *mmu_kernel_space() = (struct mmu_space){.tree.root = table_root(), .pinned = !guest.native};
    return mmu->init();
}

static uint64_t *new_table(void)
{
    uint64_t *table = table_pages->alloc();

    for (unsigned slot = 0; table && slot < ENTRIES_PER_TABLE; slot++)
        table[slot] = 0;
    return table;
}

int mmu_space_create_at(struct mmu_space *space, const char *where)
{
    const uint64_t *kernel_root = mmu_kernel_space()->tree.root;

    *space = (struct mmu_space){.tree.root = new_table()};
    if (!space->tree.root)
        return -XEN_ENOMEM;
    if (!guest.native) {
        space->tree.user_root = new_table();
        if (!space->tree.user_root) {
            table_pages->free(space->tree.root);
            return -XEN_ENOMEM;
        }
    }
    for (unsigned slot = KERNEL_SLOTS; slot < ENTRIES_PER_TABLE; slot++)
        space->tree.root[slot] = kernel_root[slot];
    mmu->space_init(space, where);
    return 0;
}

static uint64_t *table_of(mmu_entry_t entry)
{
    return pfn_to_virt(mmu->entry_pfn(entry));
}

uint64_t *mmu_walk(struct mmu_space *space, uint64_t vaddr, unsigned level)
{
    uint64_t *table = space->tree.root;

    for (unsigned above = TOP_LEVEL; above > level; above--) {
        mmu_entry_t entry = mmu->entry_read(&table[table_index(vaddr, above)]);

        if (!mmu_entry_present(entry))
            return NULL;
        table = table_of(entry);
    }
    return &table[table_index(vaddr, level)];
}

uint64_t *mmu_walk_make_at(struct mmu_space *space, uint64_t vaddr, const char *where)
{
    uint64_t *table = space->tree.root;

    for (unsigned level = TOP_LEVEL; level > 1; level--) {
        uint64_t *place = &table[table_index(vaddr, level)];
        mmu_entry_t entry = mmu->entry_read(place);

        if (mmu_entry_present(entry)) {
            table = table_of(entry);
            continue;
        }
        table = new_table();
        if (!table)
            return NULL;
        mmu->table_alloc(space, table, level - 1, where);
        mmu->entry_write(space, place, level, mmu->entry_make(virt_to_pfn(table), PTE_TABLE, where), where);
    }
    return &table[table_index(vaddr, 1)];
}

/* ---- Over all tables of a space: children first. */

struct visit {
    struct mmu_space *space;
    mmu_l1_visitor *visitor; /* NULL: free the tables */
    void *arg;
};

static void visit_table(const struct visit *visit, uint64_t *table, unsigned level, uint64_t vaddr)
{
    unsigned slots = level == TOP_LEVEL ? HYPERVISOR_L4_SLOT : ENTRIES_PER_TABLE;

    for (unsigned slot = 0; level > 1 && slot < slots; slot++) {
        mmu_entry_t entry = mmu->entry_read(&table[slot]);

        if (mmu_entry_present(entry))
            visit_table(visit, table_of(entry), level - 1, vaddr + ((uint64_t)slot << (PAGE_SHIFT + 9 * (level - 1))));
    }
    if (!visit->visitor)
        table_pages->free(table);
    else if (level == 1)
        visit->visitor(visit->space, table, vaddr, visit->arg);
}

void mmu_visit_l1(struct mmu_space *space, mmu_l1_visitor *visitor, void *arg)
{
    struct visit visit = {.space = space, .visitor = visitor, .arg = arg};

    visit_table(&visit, space->tree.root, TOP_LEVEL, 0);
}

void mmu_space_destroy_at(struct mmu_space *space, const char *where)
{
    struct visit visit = {.space = space};

    mmu->space_exit(space, where);
    visit_table(&visit, space->tree.root, TOP_LEVEL, 0);
    if (space->tree.user_root)
        table_pages->free(space->tree.user_root);
    *space = (struct mmu_space){.pinned = false};
}
