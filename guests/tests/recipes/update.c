/* SPDX-License-Identifier: MIT */
/* The three ways to change an entry of a table in use, and batches. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

static struct tree tree;
static uint64_t *page;

static uint64_t *place_of(unsigned index)
{
    return (uint64_t *)(PLACE + index * PAGE_SIZE);
}

static uint64_t *slot_of(unsigned index)
{
    return &tree.l1[table_index(PLACE, 1) + index];
}

/* [mmu_update] */
/* Two entries in one call; the second is refused if @second may not be mapped writable. */
static long map_two(const void *first, const void *second, unsigned *done)
{
    struct mmu_update requests[] = {
        {.ptr = virt_to_maddr(slot_of(1)) | MMU_NORMAL_PT_UPDATE, .val = pte_make(virt_to_mfn(first), PTE_KERNEL)},
        {.ptr = virt_to_maddr(slot_of(2)) | MMU_NORMAL_PT_UPDATE, .val = pte_make(virt_to_mfn(second), PTE_KERNEL)},
    };

    return hypercall_mmu_update(requests, ARRAY_SIZE(requests), done, DOMID_SELF);
}
/* [/mmu_update] */

static void by_mmu_update(void)
{
    unsigned done = 0;

    part("mmu_update");
    gives("map a page twice", map_two(page, page, &done), 0);
    test_equal("two are done", done, 2);
    gives("map a page, and a table", map_two(page, tree.l2, &done), -XEN_EBUSY);
    test_equal("one is done", done, 1);
    gives("write a slot of the hypervisor's", table_write(&tree.root[HYPERVISOR_L4_SLOT], 0), -XEN_EINVAL);
    gives("clear an entry", table_write(slot_of(2), 0), 0);
}

static void by_va_mapping(void)
{
    uint64_t entry = pte_make(virt_to_mfn(page), PTE_KERNEL);

    part("update_va_mapping");
    /* [va_mapping] */
    gives("map a page", hypercall_update_va_mapping(PLACE + 3 * PAGE_SIZE, entry, UVMF_INVLPG | UVMF_LOCAL), 0);
    /* [/va_mapping] */
    gives("map it where there is no L1", table_map(PLACE + (UINT64_C(1) << 30), entry), -XEN_EINVAL);
    gives("map it at the hypervisor's addresses", table_map(HYPERVISOR_VIRT_START, entry), -XEN_EINVAL);
    gives("map a page table", table_map(PLACE + 3 * PAGE_SIZE, pte_make(virt_to_mfn(tree.l2), PTE_KERNEL)), -XEN_EBUSY);
}

/* [store] */
struct entry_store {
    uint64_t *place, value;
};

static void store_entry(void *arg)
{
    const struct entry_store *order = arg;

    WRITE_ONCE(*order->place, order->value);
}
/* [/store] */

static void by_store(void)
{
    struct entry_store good = {slot_of(4), pte_make(virt_to_mfn(page), PTE_KERNEL)};
    struct entry_store bad = {slot_of(4), pte_make(virt_to_mfn(tree.l2), PTE_KERNEL)};

    part("store");
    raises("a store to an L1", store_entry, &good, TRAP_PF);
    gives("ask for writable_pagetables", hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    raises("the same store", store_entry, &good, TRAP_NONE);
    test_equal("its page is there", *(volatile uint64_t *)place_of(4), 7);
    raises("a store that maps a table, refused", store_entry, &bad, TRAP_PF);
    raises("a store to an L2", store, &tree.l2[0], TRAP_PF);
    test_need((int)hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), "the assist off");
}

static void by_multicall(void)
{
    /* [multicall] */
    struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_ALL};
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_update_va_mapping,
         .args = {PLACE + 5 * PAGE_SIZE, pte_make(virt_to_mfn(tree.l2), PTE_KERNEL), UVMF_NONE}},
        {.op = __HYPERVISOR_update_va_mapping,
         .args = {PLACE + 6 * PAGE_SIZE, pte_make(virt_to_mfn(page), PTE_KERNEL), UVMF_NONE}},
        {.op = __HYPERVISOR_mmuext_op, .args = {arg_of(&flush), 1, 0, DOMID_SELF}},
    };
    long result = hypercall_multicall(calls, ARRAY_SIZE(calls));
    /* [/multicall] */

    part("multicall");
    test_result("the batch", result, 0);
    gives("its first call, which maps a table writable", (long)calls[0].result, -XEN_EBUSY);
    gives("its second call, which maps a page", (long)calls[1].result, 0);
    gives("its third call, the flush", (long)calls[2].result, 0);
}

void recipe_update(void)
{
    uint64_t *old = table_root();

    page = page_alloc();
    page[0] = 7;
    tree_build(&tree);
    test_need((int)tree_pin(&tree), "the tree");
    test_need(table_load(tree.root), "run on it");
    by_mmu_update();
    by_va_mapping();
    by_store();
    by_multicall();
    test_need(table_load(old), "run on the old one");
    test_need(table_unpin(tree.root), "unpin");
    tree_free(&tree);
    page_free(page);
}
