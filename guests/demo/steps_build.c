/* SPDX-License-Identifier: MIT */
/* Tables of the guest's own: built as memory, pinned, protected, switched to. */
#include <abi/context.h>
#include <abi/errno.h>
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
    say("A table that nobody uses as one is plain memory. Page mfn %" PRIx64 " becomes an L1 table by a store:",
        virt_to_mfn(demo.l1).v);
    demo.l1[0] = pte_make(virt_to_mfn(demo.page), PTE_KERNEL);
    say("   l1[0] = %016" PRIx64, demo.l1[0]);
    say("To pin a frame is to have it checked as a table, and kept one. Nothing may be able to write it then:");
    claim_result("pin it while it is mapped writable", table_pin(demo.l1, 1), -XEN_EINVAL);
    claim_result("map it read-only", table_set_readonly(demo.l1), 0);
    claim_result("pin it", table_pin(demo.l1, 1), 0);
    claim_result("pin it as an L2 as well", table_pin(demo.l1, 2), -XEN_EINVAL);
    say("   l1[0] = %016" PRIx64 ", as the check left it", demo.l1[0]);
}

/* An entry that would map the table itself writable: no hypervisor lets that pass. */
static void store_self_mapping(void *arg)
{
    *(volatile uintptr_t *)arg = (uintptr_t)pte_make(virt_to_mfn(demo.l1), PTE_KERNEL);
}

static void store_harmless(void *arg)
{
    *(volatile uintptr_t *)arg = (uintptr_t)pte_make(virt_to_mfn(demo.page), PTE_KERNEL);
}

void step_refused_write(void)
{
    struct fault fault;
    uint64_t before = demo.l1[0];

    say("An ordinary mov to the pinned table, of an entry that would map the table itself writable:");
    (void)trap_try(store_self_mapping, &demo.l1[0], &fault);
    claim(fault.vector == TRAP_PF && fault.cr2 == (uintptr_t)&demo.l1[0],
          "%s at %" PRIx64 ", error code %x: present, write, kernel", trap_name(fault.vector), fault.cr2, fault.error);
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

static uintptr_t read_cr3(void)
{
    uintptr_t value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

/* Shows mmuext_op.baseptr, mmuext_op.pin-late. */
void step_switch(void)
{
    uint64_t *old = table_root();

    claim_result("NEW_BASEPTR, the hypercall for loading cr3", table_load(demo.root), 0);
    claim(read_cr3() == xen_pfn_to_cr3(virt_to_mfn(demo.root).v), "reading cr3 (emulated) gives %" PRIxPTR, read_cr3());
    claim(strcmp((const char *)(uintptr_t)DEMO_VADDR, greeting) == 0, "%" PRIx64 " reads \"%s\"", DEMO_VADDR,
          (const char *)(uintptr_t)DEMO_VADDR);
    say("Early unpin: the old root is in use no more. Without its pin it is memory like any other:");
    claim_result("a writable mapping of it, pinned", table_set_writable(old), -XEN_EBUSY);
    claim_result("unpin it", table_unpin(old), 0);
    claim_result("a writable mapping of it, unpinned", table_set_writable(old), 0);
}
