/* SPDX-License-Identifier: MIT */
/* Each way to change an entry of a table in use. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/demo/demo.h>

/* A new page that holds a number of its own. */
static uint64_t *numbered_page(uint64_t number)
{
    uint64_t *page = page_alloc();

    page[0] = number;
    return page;
}

static uint64_t vaddr_of(unsigned index)
{
    return DEMO_VADDR + index * PAGE_SIZE;
}

static uint64_t number_at(unsigned index)
{
    return *(volatile uint64_t *)(uintptr_t)vaddr_of(index);
}

/* Shows mmu_update.order, mmu_update.done, mmu_update.first-failure. */
void step_mmu_update(void)
{
    struct mmu_update requests[3];
    unsigned done = 0;
    long result;

    say("Each request names an entry by machine address, and its new value. Three in one call:");
    for (unsigned i = 0; i < 3; i++) {
        requests[i] = (struct mmu_update){
            .ptr = virt_to_maddr(&demo.l1[8 + i]) | MMU_NORMAL_PT_UPDATE,
            .val = pte_make(virt_to_mfn(numbered_page(100 + i)), PTE_KERNEL),
        };
        say("   entry at %012" PRIx64 " := %016" PRIx64, requests[i].ptr, requests[i].val);
    }
    claim_result("mmu_update", hypercall_mmu_update(requests, 3, &done, DOMID_SELF), 0);
    claim(done == 3 && number_at(8) == 100 && number_at(9) == 101 && number_at(10) == 102,
          "all three pages read right");
    requests[1].val = pte_make(virt_to_mfn(demo.l2), PTE_KERNEL);
    result = hypercall_mmu_update(requests, 3, &done, DOMID_SELF);
    claim_result("again, the second asking for a writable L2", result, -XEN_EBUSY);
    claim(done == 1, "it reports %u request done before that one", done);
}

/* Shows pte.accessed-dirty, mmu_update.preserve-ad. */
void step_preserve_ad(void)
{
    uint64_t *page = numbered_page(7);
    struct mmu_update request = {.ptr = virt_to_maddr(&demo.l1[11])};

    claim_result("map a page, accessed and dirty clear",
                 table_write(&demo.l1[11], pte_make(virt_to_mfn(page), PTE_P | PTE_RW)), 0);
    say("   l1[11] = %016" PRIx64, demo.l1[11]);
    *(volatile uint64_t *)(uintptr_t)vaddr_of(11) = 8;
    say("   l1[11] = %016" PRIx64 " after a write through it: set by the processor", demo.l1[11]);
    claim((demo.l1[11] & (PTE_A | PTE_D)) == (PTE_A | PTE_D), "accessed and dirty are set in the guest's own table");
    request.ptr |= MMU_PT_UPDATE_PRESERVE_AD;
    request.val = pte_make(virt_to_mfn(page), PTE_P);
    claim_result("make it read-only with MMU_PT_UPDATE_PRESERVE_AD",
                 hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), 0);
    claim((demo.l1[11] & (PTE_RW | PTE_A | PTE_D)) == (PTE_A | PTE_D), "l1[11] = %016" PRIx64 ": RW gone, both kept",
          demo.l1[11]);
}

/* Shows update_va_mapping.found-by-address. */
void step_va_mapping(void)
{
    uint64_t *page = numbered_page(200);

    say("No machine address to look up: the entry is found through the tables in use.");
    claim_result("map a page at a virtual address", table_map(vaddr_of(16), pte_make(virt_to_mfn(page), PTE_KERNEL)),
                 0);
    claim(number_at(16) == 200, "%" PRIx64 " reads %" PRIu64, vaddr_of(16), number_at(16));
    claim_result("where there is no L1 table",
                 table_map(DEMO_VADDR + 0x10000000, pte_make(virt_to_mfn(page), PTE_KERNEL)), -XEN_EINVAL);
    claim_result("in the hypervisor's addresses", table_map(HYPERVISOR_VIRT_START, 0), -XEN_EINVAL);
}

/* The upper half first, where it takes two stores: the lower one has the bit that makes it count. */
static void store_entry(void *arg)
{
    const uintptr_t *halves = arg;
    uintptr_t *to = (uintptr_t *)(void *)&demo.l1[17];

    for (size_t i = sizeof(uint64_t) / sizeof(uintptr_t); i-- > 0;)
        __asm__ volatile("mov %1, %0" : "=m"(to[i]) : "r"(halves[i]));
}

void step_emulated_write(void)
{
    uint64_t *page = numbered_page(300);
    uint64_t good = pte_make(virt_to_mfn(page), PTE_KERNEL), bad = pte_make(virt_to_mfn(demo.l2), PTE_KERNEL);
    struct fault fault;

    say("With writable_pagetables on, a store to an L1 faults, is decoded, checked and carried out.");
    claim_result("vm_assist", hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    (void)trap_try(store_entry, &bad, &fault);
    claim(fault.vector == TRAP_PF && !(demo.l1[17] & PTE_P),
          "a store that would map a table writable: %s, and it does not", trap_name(fault.vector));
    (void)trap_try(store_entry, &good, &fault);
    claim(fault.vector == TRAP_NONE, "mov to l1[17]: %s raised", trap_name(fault.vector));
    claim(number_at(17) == 300, "%" PRIx64 " reads %" PRIu64, vaddr_of(17), number_at(17));
    claim_result("the assist off again", hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
}

void step_multicall(void)
{
    uint64_t *page = numbered_page(400);
    struct mmu_update request = {.ptr = virt_to_maddr(&demo.l1[19]), .val = pte_make(virt_to_mfn(page), PTE_READONLY)};
    struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    struct multicall_entry calls[] = {
        multicall_update_va_mapping(vaddr_of(18), pte_make(virt_to_mfn(page), PTE_KERNEL), UVMF_INVLPG),
        {.op = __HYPERVISOR_mmu_update, .args = {arg_of(&request), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_mmuext_op, .args = {arg_of(&flush), 1, 0, DOMID_SELF}},
        multicall_update_va_mapping(vaddr_of(20), pte_make(virt_to_mfn(demo.l2), PTE_KERNEL), UVMF_INVLPG),
    };
    static const char *const what[] = {"update_va_mapping", "mmu_update", "flush the TLB", "map the L2 writable"};
    static const long wanted[] = {0, 0, 0, -XEN_EBUSY};

    say("One entry into the hypervisor, four calls, each with a result of its own:");
    claim_result("multicall", hypercall_multicall(calls, ARRAY_SIZE(calls)), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        claim_result(what[i], (long)calls[i].result, wanted[i]);
    claim(number_at(18) == 400 && number_at(19) == 400, "one page, two addresses: %" PRIu64 " and %" PRIu64,
          number_at(18), number_at(19));
}

void step_machphys(void)
{
    void *page = page_alloc();
    mfn_t mfn = virt_to_mfn(page);
    pfn_t pfn = virt_to_pfn(page);
    struct mmu_update request = {.ptr = mfn.v << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = 0x12345};

    say("The M2P is mapped read-only at %" PRIxPTR "; what it says of own frames is for the guest to decide.",
        MACH2PHYS_VIRT_START);
    claim(mfn_to_pfn(mfn).v == pfn.v, "m2p[%" PRIx64 "] = %" PRIx64, mfn.v, mfn_to_pfn(mfn).v);
    claim_result("MMU_MACHPHYS_UPDATE to 12345", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), 0);
    claim(mfn_to_pfn(mfn).v == 0x12345 && mfn_to_own_pfn(mfn).v == PFN_NONE.v,
          "m2p[%" PRIx64 "] = %" PRIx64 ", and the P2M does not lead back: do not trust one without the other", mfn.v,
          mfn_to_pfn(mfn).v);
    request.val = pfn.v;
    claim_result("put it right", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), 0);
    page_free(page);
}
