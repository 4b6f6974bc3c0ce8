/* SPDX-License-Identifier: MIT */
/* Lists, batches, numbers of domains and commands. */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/layout.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

static long extend(unsigned cmd, unsigned domain)
{
    const struct mmuext_op op = {.cmd = cmd};

    return hypercall_mmuext_op(&op, 1, NULL, domain);
}

static void lists(void *page)
{
    mistake("a list by its physical address",
            hypercall_mmuext_op((const void *)(virt_to_pfn(page).v << PAGE_SHIFT), 1, NULL, DOMID_SELF), -XEN_EFAULT);
    mistake("a list in the hypervisor's part",
            hypercall_mmuext_op((const void *)HYPERVISOR_VIRT_START, 1, NULL, DOMID_SELF), -XEN_EFAULT);
}

/* The third of four is wrong, and the others are not. */
static void batches(struct tree *tree)
{
    uint64_t good = pte_make(virt_to_mfn(tree->page), PTE_READONLY), bad = pte_make(virt_to_mfn(tree->l2), PTE_KERNEL);
    uint64_t *page = page_alloc();
    const struct mmu_update updates[] = {{virt_to_maddr(&tree->l1[20]), good},
                                         {virt_to_maddr(&tree->l1[21]), good},
                                         {virt_to_maddr(&tree->l1[22]), bad},
                                         {virt_to_maddr(&tree->l1[23]), good}};
    struct multicall_entry calls[4];
    unsigned done = 0;

    mistake("one of a batch", hypercall_mmu_update(updates, ARRAY_SIZE(updates), &done, DOMID_SELF), -XEN_EBUSY);
    test_equal("those before it are done", done, 2);
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping,
                                            .args = {(uintptr_t)page, i == 2 ? bad : good, UVMF_INVLPG}};
    test_result("a multicall", hypercall_multicall(calls, ARRAY_SIZE(calls)), 0);
    mistake("one of a multicall", (long)calls[2].result, -XEN_EBUSY);
    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_multicall, .args = {(uintptr_t)calls, 1}};
    test_result("a multicall", hypercall_multicall(calls, 1), 0);
    mistake("a multicall in a multicall", (long)calls[0].result, -XEN_EINVAL);
    test_need(table_set_writable(page), "writable");
    page_free(page);
}

void mistakes_calls(void)
{
    struct tree tree;

    tree_build(&tree);
    lists(tree.page);
    tree_pin(&tree);
    batches(&tree);
    mistake("the own number for DOMID_SELF", extend(MMUEXT_TLB_FLUSH_LOCAL, test_own_number()), -XEN_ESRCH);
    mistake("a command that there is not", extend(99, DOMID_SELF), -XEN_ENOSYS);
    mistake("superpages", extend(MMUEXT_MARK_SUPER, DOMID_SELF), -XEN_EOPNOTSUPP);
    mistake("flush caches without devices", extend(MMUEXT_FLUSH_CACHE, DOMID_SELF), -XEN_EACCES);
    tree_unpin(&tree);
    tree_free(&tree);
}
