/* SPDX-License-Identifier: MIT */
/* A fork of an address space: the page is shared until one of the two writes to it. */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

#define SLOT table_index(PLACE, 1)

/* [fork] */
/* The parent runs: its entry changes by a call.  The child's tables are memory still, and are filled by stores. */
static long fork_tree(struct tree *child, struct tree *parent)
{
    uint64_t shared = parent->l1[SLOT] & ~PTE_RW;
    struct mmu_update protect = {.ptr = virt_to_maddr(&parent->l1[SLOT]) | MMU_PT_UPDATE_PRESERVE_AD, .val = shared};
    struct mmuext_op flush = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = PLACE};
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_mmu_update, .args = {arg_of(&protect), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_mmuext_op, .args = {arg_of(&flush), 1, 0, DOMID_SELF}},
    };
    long error = hypercall_multicall(calls, ARRAY_SIZE(calls));

    for (unsigned i = 0; i < ARRAY_SIZE(calls) && !error; i++)
        error = (long)calls[i].result; /* the batch itself does not say it */
    child->l1[SLOT] = shared;
    return error ? error : tree_pin(child);
}
/* [/fork] */

/* [copy] */
static long copy_on_write(void *copy)
{
    memcpy(copy, (const void *)PLACE, PAGE_SIZE);
    return hypercall_update_va_mapping(PLACE, pte_make(virt_to_mfn(copy), PTE_KERNEL), UVMF_INVLPG | UVMF_LOCAL);
}
/* [/copy] */

static long copy_table(const uint64_t *to, const uint64_t *from)
{
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = virt_to_mfn(to).v, .arg2.src_mfn = virt_to_mfn(from).v};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static uint64_t at_place(void)
{
    return *(volatile uint64_t *)PLACE;
}

static void wrong_fork(struct tree *child, struct tree *parent)
{
    part("wrong-fork");
    raises("protect the parent's page by a store to its L1", store, &parent->l1[SLOT], TRAP_PF);
    gives("copy the parent's L1 over the child's, which is a table", copy_table(child->l1, parent->l1), -XEN_EINVAL);
    gives("map the child's root writable", table_set_writable(child->root), -XEN_EBUSY);
}

/* What nobody refuses: two trees with one L1 between them are two names for one address space. */
static void one_table_for_both(struct tree *child, struct tree *parent)
{
    uint64_t *hook = &child->l2[table_index(PLACE, 2)], own = *hook;

    part("not-refused");
    gives("hook the parent's L1 into the child", table_write(hook, pte_make(virt_to_mfn(parent->l1), PTE_TABLE)), 0);
    gives("and the child's own again", table_write(hook, own), 0);
}

void recipe_fork(void)
{
    uint64_t *old = table_root(), *copy = page_alloc();
    struct tree parent, child;

    tree_build(&parent);
    tree_build(&child);
    test_need((int)tree_pin(&parent), "the parent");
    test_need(table_load(parent.root), "the parent runs");
    *(volatile uint64_t *)PLACE = 1;
    part("fork");
    gives("fork", fork_tree(&child, &parent), 0);
    raises("write to the page", store, (void *)PLACE, TRAP_PF);
    gives("make a copy", copy_on_write(copy), 0);
    raises("write to the page", store, (void *)PLACE, TRAP_NONE);
    *(volatile uint64_t *)PLACE = 2;
    wrong_fork(&child, &parent);
    one_table_for_both(&child, &parent);
    test_need(table_load(child.root), "the child runs");
    test_equal("the child still has what was there", at_place(), 1);
    test_need(table_load(old), "neither runs");
    test_need(table_unpin(parent.root), "unpin");
    test_need(table_unpin(child.root), "unpin");
    tree_free(&parent);
    tree_free(&child);
    page_free(copy);
}
