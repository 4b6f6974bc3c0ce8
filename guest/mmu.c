/* SPDX-License-Identifier: MIT */
/* The choice of a back end, and trees of tables, built with its operations. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/mmu.h>

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

/* What a hypervisor wants beside a root: another one for user mode, or a table for the slot with its own addresses. */
static int add_companion(struct mmu_space *space, const char *where)
{
    uint64_t *table = new_table();

    if (!table)
        return -XEN_ENOMEM;
    if (USER_ROOT)
        space->tree.user_root = table;
    else
        space->tree.root[ROOT_OWN_SLOT] = mmu->entry_make(virt_to_pfn(table), PTE_ROOT, where).v;
    return 0;
}

int mmu_space_create_at(struct mmu_space *space, const char *where)
{
    const uint64_t *kernel_root = mmu_kernel_space()->tree.root;

    *space = (struct mmu_space){.tree.root = new_table()};
    if (!space->tree.root)
        return -XEN_ENOMEM;
    if (!guest.native && add_companion(space, where)) {
        table_pages->free(space->tree.root);
        return -XEN_ENOMEM;
    }
    for (unsigned slot = KERNEL_SLOTS; slot < ROOT_SLOTS; slot++) {
        if (slot != ROOT_OWN_SLOT)
            space->tree.root[slot] = kernel_root[slot];
    }
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
        mmu->entry_write(space, place, level, mmu->entry_make(virt_to_pfn(table), pte_table_flags(level), where),
                         where);
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
    unsigned slots = level == TOP_LEVEL ? USER_SLOTS : ENTRIES_PER_TABLE;

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

/* The table that the root of a space has for itself, and nobody goes down to; NULL: none. */
static uint64_t *own_table(const struct mmu_space *space)
{
    mmu_entry_t entry = {ROOT_OWN_SLOT < ROOT_SLOTS ? space->tree.root[ROOT_OWN_SLOT] : 0};

    return mmu_entry_present(entry) ? table_of(entry) : NULL;
}

void mmu_space_destroy_at(struct mmu_space *space, const char *where)
{
    struct visit visit = {.space = space};
    uint64_t *own;

    mmu->space_exit(space, where);
    own = own_table(space);
    visit_table(&visit, space->tree.root, TOP_LEVEL, 0);
    if (space->tree.user_root)
        table_pages->free(space->tree.user_root);
    if (own)
        table_pages->free(own);
    *space = (struct mmu_space){.pinned = false};
}
