/* SPDX-License-Identifier: MIT */
/* A tree of tables of the guest's own, with an L3 at its top. */
#include <abi/errno.h>
#include <guest/table.h>
#include <guests/demo/demo.h>

/* All that the running L3 has, but for the slot whose L2 each L3 has for itself: the hypervisor has addresses there. */
static uint64_t *copy_root(uint64_t *to)
{
    uint64_t *own = page_alloc();

    for (unsigned slot = 0; slot < ROOT_SLOTS; slot++)
        to[slot] = slot == ROOT_OWN_SLOT ? pte_make(virt_to_mfn(own), PTE_ROOT) : table_root()[slot];
    return own;
}

/* Shows mmuext_op.pin-not-writable, mmuext_op.unpin-in-use, mmuext_op.pin-late. */
void step_tree(void)
{
    uint64_t *own;

    demo.l2 = page_alloc();
    demo.root = page_alloc();
    own = copy_root(demo.root);
    demo.l2[table_index(DEMO_VADDR, 2)] = pte_make(virt_to_mfn(demo.l1), PTE_TABLE);
    demo.root[table_index(DEMO_VADDR, 3)] = pte_make(virt_to_mfn(demo.l2), PTE_ROOT);
    say("L3 mfn %" PRIx64 " -> L2 mfn %" PRIx64 " -> L1 mfn %" PRIx64 ", for %" PRIx64 ".", virt_to_mfn(demo.root).v,
        virt_to_mfn(demo.l2).v, virt_to_mfn(demo.l1).v, DEMO_VADDR);
    say("Slot 3 of an L3 has an L2 of its own, mfn %" PRIx64 ", in which the hypervisor shows the M2P.",
        virt_to_mfn(own).v);
    say("Late pinning: all filled by plain stores, then read-only, then pinned from below.");
    claim_result("pin the L3 while its L2 is still writable",
                 table_set_readonly(demo.root) ? 1 : table_pin(demo.root, 3), -XEN_EINVAL);
    claim_result("L2 read-only", table_set_readonly(demo.l2), 0);
    claim_result("the L2 of slot 3 read-only", table_set_readonly(own), 0);
    claim_result("pin the L2, which refers to the L1", table_pin(demo.l2, 2), 0);
    claim_result("pin the L3", table_pin(demo.root, 3), 0);
    claim_result("unpin the L2: it stays a table, the L3 refers to it", table_unpin(demo.l2), 0);
    claim_result("a writable mapping of the unpinned L2", table_set_writable(demo.l2), -XEN_EBUSY);
}
