/* SPDX-License-Identifier: MIT */
/* Pages that are to be tables and memory at once; pins. */
#include <abi/errno.h>
#include <abi/mmuext.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

static long mmuext(unsigned cmd, uint64_t mfn)
{
    const struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void still_writable(void)
{
    struct tree tree;

    tree_build(&tree);
    mistake("pin a table that is mapped writable", table_pin(tree.l1, 1), -XEN_EINVAL);
    mistake("load a root that is mapped writable", mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(tree.root).v), -XEN_EINVAL);
    test_need(table_set_readonly(tree.root), "read-only");
    mistake("pin a root whose L3 is mapped writable", table_pin(tree.root, 4), -XEN_EINVAL);
    test_need(table_set_writable(tree.root), "writable");
    tree_free(&tree);
}

static void still_tables(void)
{
    struct tree tree;

    tree_build(&tree);
    tree_pin(&tree);
    mistake("write to a root that is still pinned", table_set_writable(tree.root), -XEN_EBUSY);
    mistake("write to a table that another refers to", table_set_writable(tree.l2), -XEN_EBUSY);
    mistake("pin a root twice", table_pin(tree.root, 4), -XEN_EINVAL);
    mistake("unpin a table that is referred to, and not pinned", table_unpin(tree.l1), -XEN_EINVAL);
    test_need(table_pin(tree.l2, 2), "a pin");
    mistake("write to a table that is pinned and referred to", table_set_writable(tree.l2), -XEN_EBUSY);
    test_need(table_unpin(tree.l2), "and its end");
    tree_unpin(&tree);
    mistake("unpin a root twice", table_unpin(tree.root), -XEN_EINVAL);
    tree_free(&tree);
}

static void wrong_levels(void)
{
    struct tree tree;
    uint64_t *other = page_alloc();

    tree_build(&tree);
    tree_pin(&tree);
    mistake("pin a table as one of another level", table_pin(tree.l1, 2), -XEN_EINVAL);
    mistake("leave a level out", table_write(&tree.root[300], pte_make(virt_to_mfn(tree.l2), PTE_TABLE)), -XEN_EINVAL);
    mistake("a recursive root", table_write(&tree.root[300], pte_make(virt_to_mfn(tree.root), PTE_TABLE)), -XEN_EINVAL);
    test_need(table_set_readonly(other), "read-only");
    test_need(table_pin(other, 2), "a pin");
    mistake("an L2 that leads to another L2", table_write(&tree.l2[9], pte_make(virt_to_mfn(other), PTE_TABLE)),
            -XEN_EINVAL);
    mistake("a table that maps itself writable", table_write(&tree.l1[9], pte_make(virt_to_mfn(tree.l1), PTE_KERNEL)),
            -XEN_EBUSY);
    test_need(table_unpin(other), "its end");
    test_need(table_set_writable(other), "writable");
    tree_unpin(&tree);
    tree_free(&tree);
    page_free(other);
}

static void initial_tables(void)
{
    mistake("write to the root that the domain was started with", table_set_writable(table_root()), -XEN_EBUSY);
    mistake("pin the root that the domain was started with", table_pin(table_root(), 4), -XEN_EINVAL);
}

static void wrong_numbers(void)
{
    uint64_t *page = page_alloc();

    test_need(table_set_readonly(page), "read-only");
    mistake("pin by a pfn", mmuext(MMUEXT_PIN_L1_TABLE, only_a_pfn()), -XEN_EINVAL);
    mistake("pin by a virtual address", mmuext(MMUEXT_PIN_L1_TABLE, (uintptr_t)page), -XEN_EINVAL);
    mistake("unpin what was never a table", table_unpin(page), -XEN_EINVAL);
    test_need(table_set_writable(page), "writable");
    page_free(page);
}

void mistakes_tables(void)
{
    still_writable();
    still_tables();
    wrong_levels();
    initial_tables();
    wrong_numbers();
}
