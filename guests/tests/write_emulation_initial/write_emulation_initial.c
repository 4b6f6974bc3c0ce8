/* SPDX-License-Identifier: MIT */
/* The initial domain's stores to L1 tables are carried out whether it asks for it or not. */
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

#define PLACE    5u
#define HARMLESS 0x1230u /* not present */

static uint64_t *l1;

/* A word of the kernel's width: of 32 bits it is the half of the entry with all that is not 0. */
static void store(void *value)
{
    *(volatile uintptr_t *)&l1[PLACE] = (uintptr_t)value;
}

static void check(const char *name, uintptr_t value)
{
    struct fault fault;

    (void)trap_try(store, (void *)value, &fault);
    test_check(fault.vector == TRAP_NONE && l1[PLACE] == value, name, "%s, the entry is %" PRIx64,
               trap_name(fault.vector), l1[PLACE]);
}

/* Shows vm_assist.emulation-initial. */
void test_main(void)
{
    struct fault fault;

    if (!(guest.start->flags & SIF_INITDOMAIN))
        test_skip("this is not the initial domain");
    l1 = page_alloc();
    test_need(table_set_readonly(l1), "L1 read-only");
    test_need(table_pin(l1, 1), "pin the L1");
    check("not asked for", HARMLESS);
    (void)trap_try(store, (void *)(uintptr_t)pte_make(virt_to_mfn(l1), PTE_KERNEL), &fault);
    test_equal("what an update would refuse is a fault here, too", fault.vector, TRAP_PF);
    test_need((int)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), "vm_assist");
    check("asked for", HARMLESS + 0x1000);
    test_need((int)hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), "vm_assist");
    check("not asked for any more", HARMLESS + 0x2000);
}
