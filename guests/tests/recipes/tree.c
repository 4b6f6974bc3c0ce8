/* SPDX-License-Identifier: MIT */
/* Build a tree, pin it, run on it, take it down. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

/* [build] */
void tree_build(struct tree *tree)
{
    *tree = (struct tree){page_alloc(), page_alloc(), page_alloc(), page_alloc(), page_alloc()};
    tree->l1[table_index(PLACE, 1)] = pte_make(virt_to_mfn(tree->page), PTE_KERNEL);
    tree->l2[table_index(PLACE, 2)] = pte_make(virt_to_mfn(tree->l1), PTE_TABLE);
    tree->l3[table_index(PLACE, 3)] = pte_make(virt_to_mfn(tree->l2), PTE_TABLE);
    tree->root[table_index(PLACE, 4)] = pte_make(virt_to_mfn(tree->l3), PTE_TABLE);
    for (unsigned slot = HYPERVISOR_L4_SLOT_LAST + 1; slot < ENTRIES_PER_TABLE; slot++)
        tree->root[slot] = table_root()[slot]; /* the kernel's half: the same tables in each tree */
}
/* [/build] */

/* [pin] */
static long set_readonly(void *page)
{
    return hypercall_update_va_mapping((uint64_t)page, pte_make(virt_to_mfn(page), PTE_READONLY),
                                       UVMF_INVLPG | UVMF_LOCAL);
}

static long pin(unsigned command, const uint64_t *table)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = virt_to_mfn(table).v};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long tree_pin(const struct tree *tree)
{
    uint64_t *const tables[] = {tree->l1, tree->l2, tree->l3, tree->root};
    long error = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(tables) && !error; i++)
        error = set_readonly(tables[i]);
    return error ? error : pin(MMUEXT_PIN_L4_TABLE, tree->root);
}
/* [/pin] */

static void set_writable(void *page)
{
    test_need(table_set_writable(page), "a page of the tree is memory again");
}

void tree_free(struct tree *tree)
{
    void *const pages[] = {tree->root, tree->l3, tree->l2, tree->l1, tree->page};

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        set_writable(pages[i]);
        page_free(pages[i]);
    }
}

/* Pin a tree that is good but for one entry, and put that entry right again. */
static void spoiled(const char *what, struct tree *tree, uint64_t *place, uint64_t entry, long want)
{
    uint64_t good = *place;

    set_writable((void *)((uint64_t)place & ~(uint64_t)(PAGE_SIZE - 1)));
    *place = entry;
    gives(what, tree_pin(tree), want);
    set_writable((void *)((uint64_t)place & ~(uint64_t)(PAGE_SIZE - 1)));
    *place = good;
}

static void wrong_entries(struct tree *tree)
{
    uint64_t *l1 = &tree->l1[table_index(PLACE, 1)], *l2 = &tree->l2[table_index(PLACE, 2)];
    uint64_t *l3 = &tree->l3[table_index(PLACE, 3)], *free_slot = &tree->root[300];

    part("wrong-entries");
    /* [wrong-entries] */
    spoiled("the L1 maps the L2 writable", tree, l1, pte_make(virt_to_mfn(tree->l2), PTE_KERNEL), -XEN_EBUSY);
    spoiled("the L1 maps itself writable", tree, l1, pte_make(virt_to_mfn(tree->l1), PTE_KERNEL), -XEN_EBUSY);
    spoiled("a large page", tree, l2, pte_make(virt_to_mfn(tree->page), PTE_TABLE | PTE_PSE), -XEN_EINVAL);
    spoiled("no cache", tree, l1, *l1 | PTE_PCD, -XEN_EINVAL);
    spoiled("an L3 entry that skips a level", tree, l3, pte_make(virt_to_mfn(tree->l1), PTE_TABLE), -XEN_EINVAL);
    if (!test_under_xen()) /* where this is allowed */
        spoiled("a root with an entry for itself", tree, free_slot, pte_make(virt_to_mfn(tree->root), PTE_READONLY),
                -XEN_EINVAL);
    /* [/wrong-entries] */
}

/* One table after the other becomes read-only. */
static void wrong_mappings(struct tree *tree)
{
    part("wrong-mappings");
    gives("pin the root while it is mapped writable", pin(MMUEXT_PIN_L4_TABLE, tree->root), -XEN_EINVAL);
    test_need((int)set_readonly(tree->root), "read-only");
    gives("pin the root while its L3 is mapped writable", pin(MMUEXT_PIN_L4_TABLE, tree->root), -XEN_EINVAL);
    test_need((int)set_readonly(tree->l3), "read-only");
    test_need((int)set_readonly(tree->l2), "read-only");
    gives("pin the root while its L1 is mapped writable", pin(MMUEXT_PIN_L4_TABLE, tree->root), -XEN_EINVAL);
}

/* As tables of lower levels they pass, down to the kernel's half, and the L2 has been an L1 for a moment. */
static void wrong_level(struct tree *tree)
{
    uint64_t *entry = &tree->l2[table_index(PLACE, 2)], good = *entry;

    part("wrong-level");
    test_need((int)set_readonly(tree->l1), "read-only");
    gives("pin the root as an L3", pin(MMUEXT_PIN_L3_TABLE, tree->root), -XEN_EINVAL);
    test_equal("what the L2 has got by that: G, as for a page of user mode", *entry ^ good, PTE_G);
    gives("pin the root as what it is", pin(MMUEXT_PIN_L4_TABLE, tree->root), -XEN_EINVAL);
    set_writable(tree->l2);
    *entry = good;
}

static void wrong_while_pinned(struct tree *tree)
{
    part("pinned");
    gives("pin it again", pin(MMUEXT_PIN_L4_TABLE, tree->root), -XEN_EINVAL);
    gives("map its L1 writable", table_set_writable(tree->l1), -XEN_EBUSY);
    raises("store to its L1", store, &tree->l1[0], TRAP_PF);
    gives("unpin its L3, which has no pin of its own", table_unpin(tree->l3), -XEN_EINVAL);
}

/* [teardown] */
static void tree_leave(struct tree *tree, uint64_t *other_root)
{
    gives("run on another root", table_load(other_root), 0);
    gives("unpin the old one", table_unpin(tree->root), 0);
    tree_free(tree); /* each page mapped writable again, and given back */
}
/* [/teardown] */

void recipe_tree(void)
{
    struct tree tree;
    uint64_t *old = table_root();

    tree_build(&tree);
    wrong_mappings(&tree);
    wrong_level(&tree);
    wrong_entries(&tree);
    part("pin");
    gives("pin the tree", tree_pin(&tree), 0);
    test_check(tree.l1[table_index(PLACE, 1)] == pte_make(virt_to_mfn(tree.page), PTE_KERNEL | PTE_USER | PTE_KERNEL52),
               "the L1 entry has got USER and bit 52", "%lx", tree.l1[table_index(PLACE, 1)]);
    wrong_while_pinned(&tree);
    part("load");
    gives("run on it", table_load(tree.root), 0);
    *tree.page = 42;
    test_equal("the page is at its place", *(volatile uint64_t *)PLACE, 42);
    part("wrong-teardown");
    gives("unpin the root that is loaded", table_unpin(tree.root), 0);
    gives("and map it writable", table_set_writable(tree.root), -XEN_EBUSY);
    gives("unpin it twice", table_unpin(tree.root), -XEN_EINVAL);
    gives("pin it again: it is still a table", pin(MMUEXT_PIN_L4_TABLE, tree.root), 0);
    part("teardown");
    tree_leave(&tree, old);
}
