/* SPDX-License-Identifier: MIT */
/* Tables of the guest's own: built as memory, pinned, protected, switched to. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/mmuext.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/demo/demo.h>

struct demo_tables demo;

static const char greeting[] = "written through the page's other mapping";

void step_build(void)
{
    demo.page = page_alloc();
    demo.l1 = page_alloc();
    memcpy(demo.page, greeting, sizeof(greeting));
    say("A table that nobody uses as one is plain memory. Page mfn %lx becomes an L1 table by a store:",
        virt_to_mfn(demo.l1).v);
    demo.l1[0] = pte_make(virt_to_mfn(demo.page), PTE_KERNEL);
    say("   l1[0] = %016lx", demo.l1[0]);
    say("To pin a frame is to have it checked as a table, and kept one. Nothing may be able to write it then:");
    claim_result("pin it while it is mapped writable", table_pin(demo.l1, 1), -XEN_EINVAL);
    claim_result("map it read-only", table_set_readonly(demo.l1), 0);
    claim_result("pin it", table_pin(demo.l1, 1), 0);
    claim_result("pin it as an L2 as well", table_pin(demo.l1, 2), -XEN_EINVAL);
    say("   l1[0] = %016lx, as the check left it", demo.l1[0]);
}

/* An entry that would map the table itself writable: no hypervisor lets that pass. */
static void store_self_mapping(void *arg)
{
    *(volatile uint64_t *)arg = pte_make(virt_to_mfn(demo.l1), PTE_KERNEL);
}

static void store_harmless(void *arg)
{
    *(volatile uint64_t *)arg = pte_make(virt_to_mfn(demo.page), PTE_KERNEL);
}

void step_refused_write(void)
{
    struct fault fault;
    uint64_t before = demo.l1[0];

    say("An ordinary mov to the pinned table, of an entry that would map the table itself writable:");
    (void)trap_try(store_self_mapping, &demo.l1[0], &fault);
    claim(fault.vector == TRAP_PF && fault.cr2 == (uint64_t)&demo.l1[0],
          "%s at %lx, error code %x: present, write, kernel", trap_name(fault.vector), fault.cr2, fault.error);
    claim(fault.error == (FAULT_PRESENT | FAULT_WRITE) && demo.l1[0] == before, "the entry has not changed");
    (void)trap_try(store_harmless, &demo.l1[0], &fault);
    say("A mov of a harmless entry, with the assist writable_pagetables off: %s",
        fault.vector == TRAP_PF ? "#PF too." : "carried out, as for every initial domain.");
    claim(fault.vector == (guest.start->flags & SIF_INITDOMAIN ? TRAP_NONE : TRAP_PF),
          "step 12 does it with the assist on");
}

void step_refused_mapping(void)
{
    uint64_t saved = demo.l1[1];

    say("One writable mapping of a page table would undo all checks, so each way to get one is refused:");
    claim_result("update_va_mapping of the table, RW", table_set_writable(demo.l1), -XEN_EBUSY);
    claim_result("mmu_update: an entry of it that maps itself, RW",
                 table_write(&demo.l1[1], pte_make(virt_to_mfn(demo.l1), PTE_KERNEL)), -XEN_EBUSY);
    claim_result("the same, read-only", table_write(&demo.l1[1], pte_make(virt_to_mfn(demo.l1), PTE_READONLY)), 0);
    claim_result("an entry for the frame behind all machine memory",
                 table_write(&demo.l1[2], pte_make(MFN(PTE_FRAME >> PAGE_SHIFT), PTE_KERNEL)), -XEN_EINVAL);
    claim_result("put back what was there", table_write(&demo.l1[1], saved), 0);
}

/* All that the running L4 has, but for the hypervisor's slots, which it fills in itself. */
static void copy_root(uint64_t *to)
{
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++) {
        if (slot < HYPERVISOR_L4_SLOT || slot > HYPERVISOR_L4_SLOT_LAST)
            to[slot] = table_root()[slot];
    }
}

/* Shows mmuext_op.pin-not-writable, mmuext_op.unpin-in-use, mmuext_op.pin-late. */
void step_tree(void)
{
    demo.l2 = page_alloc();
    demo.l3 = page_alloc();
    demo.l4 = page_alloc();
    copy_root(demo.l4);
    demo.l2[table_index(DEMO_VADDR, 2)] = pte_make(virt_to_mfn(demo.l1), PTE_TABLE);
    demo.l3[table_index(DEMO_VADDR, 3)] = pte_make(virt_to_mfn(demo.l2), PTE_TABLE);
    demo.l4[table_index(DEMO_VADDR, 4)] = pte_make(virt_to_mfn(demo.l3), PTE_TABLE);
    say("L4 mfn %lx -> L3 mfn %lx -> L2 mfn %lx -> L1 mfn %lx, for %lx.", virt_to_mfn(demo.l4).v,
        virt_to_mfn(demo.l3).v, virt_to_mfn(demo.l2).v, virt_to_mfn(demo.l1).v, DEMO_VADDR);
    say("Late pinning: all three filled by plain stores, then read-only, then pinned from below.");
    claim_result("pin the L4 while its L3 is still writable", table_set_readonly(demo.l4) ? 1 : table_pin(demo.l4, 4),
                 -XEN_EINVAL);
    claim_result("L3 read-only", table_set_readonly(demo.l3), 0);
    claim_result("L2 read-only", table_set_readonly(demo.l2), 0);
    claim_result("pin the L2, which refers to the L1", table_pin(demo.l2, 2), 0);
    claim_result("pin the L3", table_pin(demo.l3, 3), 0);
    claim_result("pin the L4", table_pin(demo.l4, 4), 0);
    claim_result("unpin the L3: it stays a table, the L4 refers to it", table_unpin(demo.l3), 0);
    claim_result("a writable mapping of the unpinned L3", table_set_writable(demo.l3), -XEN_EBUSY);
}

static uint64_t read_cr3(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

/* Shows mmuext_op.baseptr, mmuext_op.pin-late. */
void step_switch(void)
{
    uint64_t *old = table_root();

    claim_result("NEW_BASEPTR, the hypercall for loading cr3", table_load(demo.l4), 0);
    claim(read_cr3() == virt_to_mfn(demo.l4).v << PAGE_SHIFT, "reading cr3 (emulated) gives %lx", read_cr3());
    claim(strcmp((const char *)DEMO_VADDR, greeting) == 0, "%lx reads \"%s\"", DEMO_VADDR, (const char *)DEMO_VADDR);
    say("Early unpin: the old L4 is in use no more. Without its pin it is memory like any other:");
    claim_result("a writable mapping of it, pinned", table_set_writable(old), -XEN_EBUSY);
    claim_result("unpin it", table_unpin(old), 0);
    claim_result("a writable mapping of it, unpinned", table_set_writable(old), 0);
}
