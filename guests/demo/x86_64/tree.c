/* SPDX-License-Identifier: MIT */
/* A tree of tables of the guest's own, with an L4 at its top. */
#include <abi/errno.h>
#include <guest/table.h>
#include <guests/demo/demo.h>

/* All that the running L4 has, but for the hypervisor's slots, which it fills in itself. */
static void copy_root(uint64_t *to)
{
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++) {
        if (slot < USER_SLOTS || slot >= KERNEL_SLOTS)
            to[slot] = table_root()[slot];
    }
}

/* Shows mmuext_op.pin-not-writable, mmuext_op.unpin-in-use, mmuext_op.pin-late. */
void step_tree(void)
{
    demo.l2 = page_alloc();
    demo.l3 = page_alloc();
    demo.root = page_alloc();
    copy_root(demo.root);
    demo.l2[table_index(DEMO_VADDR, 2)] = pte_make(virt_to_mfn(demo.l1), PTE_TABLE);
    demo.l3[table_index(DEMO_VADDR, 3)] = pte_make(virt_to_mfn(demo.l2), PTE_TABLE);
    demo.root[table_index(DEMO_VADDR, 4)] = pte_make(virt_to_mfn(demo.l3), PTE_TABLE);
    say("L4 mfn %" PRIx64 " -> L3 mfn %" PRIx64 " -> L2 mfn %" PRIx64 " -> L1 mfn %" PRIx64 ", for %" PRIx64 ".",
        virt_to_mfn(demo.root).v, virt_to_mfn(demo.l3).v, virt_to_mfn(demo.l2).v, virt_to_mfn(demo.l1).v, DEMO_VADDR);
    say("Late pinning: all three filled by plain stores, then read-only, then pinned from below.");
    claim_result("pin the L4 while its L3 is still writable",
                 table_set_readonly(demo.root) ? 1 : table_pin(demo.root, 4), -XEN_EINVAL);
    claim_result("L3 read-only", table_set_readonly(demo.l3), 0);
    claim_result("L2 read-only", table_set_readonly(demo.l2), 0);
    claim_result("pin the L2, which refers to the L1", table_pin(demo.l2, 2), 0);
    claim_result("pin the L3", table_pin(demo.l3, 3), 0);
    claim_result("pin the L4", table_pin(demo.root, 4), 0);
    claim_result("unpin the L3: it stays a table, the L4 refers to it", table_unpin(demo.l3), 0);
    claim_result("a writable mapping of the unpinned L3", table_set_writable(demo.l3), -XEN_EBUSY);
}
