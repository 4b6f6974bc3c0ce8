/* SPDX-License-Identifier: MIT */
/* Trees of page tables that a guest prepares before it pins or loads them. */
#include <string.h>
#include <tests/support/guest.h>

static uint64_t *tree_entries(const struct guest *guest, pfn_t pfn)
{
    return sim_frame_entries(guest->sim, guest_mfn(guest, pfn));
}

static pfn_t add_table(struct guest *guest, struct guest_tree *tree)
{
    pfn_t pfn = guest_page_alloc(guest);

    if (tree->nr_tables == GUEST_TREE_TABLES)
        sim_fail("guest_build_tree: more than %u tables", GUEST_TREE_TABLES);
    tree->tables[tree->nr_tables++] = pfn;
    memset(tree_entries(guest, pfn), 0, PAGE_SIZE);
    return pfn;
}

/* The table of the tree that @entry names; one that it shares with others must not be written. */
static pfn_t table_named(const struct guest *guest, const struct guest_tree *tree, uint64_t entry)
{
    for (unsigned i = 0; i < tree->nr_tables; i++) {
        if (mfn_equal(guest_mfn(guest, tree->tables[i]), pte_mfn(entry)))
            return tree->tables[i];
    }
    sim_fail("guest_build_tree: a leaf lies where the kernel's tables are shared");
}

/* The table below @slot of @parent, made if it is not there. */
static pfn_t descend(struct guest *guest, struct guest_tree *tree, pfn_t parent, unsigned slot)
{
    uint64_t *entry = &tree_entries(guest, parent)[slot];
    pfn_t child;

    if (*entry & PTE_P)
        return table_named(guest, tree, *entry);
    child = add_table(guest, tree);
    *entry = pte(guest_mfn(guest, child), PTE_TABLE);
    return child;
}

static void add_leaf(struct guest *guest, struct guest_tree *tree, const struct guest_leaf *leaf)
{
    pfn_t table = tree->tables[0];

    for (unsigned level = tree->level; level > 1; level--) {
        unsigned slot = (leaf->vaddr.v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;

        table = descend(guest, tree, table, slot);
    }
    tree_entries(guest, table)[(leaf->vaddr.v >> PAGE_SHIFT) % ENTRIES_PER_TABLE] = leaf->entry;
}

/* The L2 under slot 3 is each L3's own; what it leads to can be shared. */
static void start_root_pae(struct guest *guest, struct guest_tree *tree, enum guest_tree_kind kind)
{
    pfn_t top = descend(guest, tree, tree->tables[0], HYPERVISOR_COMPAT_L3_SLOT);
    mfn_t boot = pte_mfn(guest_entry(guest, guest_root(guest), HYPERVISOR_COMPAT_L3_SLOT));

    if (kind == GUEST_TREE_KERNEL)
        memcpy(tree_entries(guest, top), sim_frame_entries(guest->sim, boot),
               HYPERVISOR_COMPAT_L2_SLOT * sizeof(uint64_t));
}

static void start_root_64(struct guest *guest, struct guest_tree *tree, enum guest_tree_kind kind)
{
    unsigned slot = (guest->base.v >> 39) % ENTRIES_PER_TABLE;

    if (kind == GUEST_TREE_KERNEL)
        tree_entries(guest, tree->tables[0])[slot] = guest_entry(guest, guest_root(guest), slot);
}

void guest_build_tree(struct guest *guest, struct vcpu *vcpu, unsigned level, enum guest_tree_kind kind,
                      const struct guest_leaf *leaves, unsigned nr_leaves, struct guest_tree *tree)
{
    *tree = (struct guest_tree){.level = level};
    tree->root = guest_mfn(guest, add_table(guest, tree));
    if (level == root_level(guest->domain)) {
        if (level == 4)
            start_root_64(guest, tree, kind);
        else
            start_root_pae(guest, tree, kind);
    }
    for (unsigned i = 0; i < nr_leaves; i++)
        add_leaf(guest, tree, &leaves[i]);
    for (unsigned i = 0; i < tree->nr_tables; i++) {
        int64_t error = guest_protect(vcpu, tree->tables[i]);

        if (error)
            sim_fail("guest_build_tree: a table cannot be mapped read-only: error %lld", (long long)error);
    }
}

void guest_free_tree(struct guest *guest, struct vcpu *vcpu, struct guest_tree *tree)
{
    for (unsigned i = 0; i < tree->nr_tables; i++) {
        int64_t error = guest_unprotect(vcpu, tree->tables[i]);

        if (error)
            sim_fail("guest_free_tree: a table cannot be mapped writable: error %lld", (long long)error);
        guest_page_free(guest, tree->tables[i]);
    }
    *tree = (struct guest_tree){0};
}
