/* SPDX-License-Identifier: MIT */
/* Tables of descriptors, and of traps. */
#include <abi/errno.h>
#include <abi/mmuext.h>
#include <abi/trap.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

#define DATA UINT64_C(0x00cf92000000ffff)
#define TSS  UINT64_C(0x0000890000000067)
#define GATE UINT64_C(0x00008e0000000067)

static long set_gdt(uint64_t frame, unsigned entries)
{
    const xen_pfn_t frames[16] = {frame};

    return hypercall_set_gdt(frames, entries);
}

static long set_ldt(uintptr_t address, unsigned entries)
{
    const struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = address, .arg2.nr_ents = entries};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void loaded(uint64_t *gdt)
{
    mistake("write to a page of a GDT that is loaded", table_set_writable(gdt), -XEN_EBUSY);
    mistake("a descriptor by mmu_update", table_write(&gdt[3], DATA), -XEN_EINVAL);
    mistake("a TSS", hypercall_update_descriptor(virt_to_maddr(&gdt[3]), TSS), -XEN_EINVAL);
    mistake("an interrupt gate", hypercall_update_descriptor(virt_to_maddr(&gdt[3]), GATE), -XEN_EINVAL);
    mistake("a descriptor that is not on 8 bytes", hypercall_update_descriptor(virt_to_maddr(&gdt[3]) + 4, DATA),
            -XEN_EINVAL);
    mistake("a page table in a GDT's place", table_pin(gdt, 1), -XEN_EINVAL);
}

void mistakes_segments(void)
{
    const struct trap_info traps[] = {{.vector = 14, .cs = FLAT_KERNEL_CS, .address = UINT64_C(1) << 63}, {0}};
    uint64_t *gdt = page_alloc();

    mistake("a GDT that is mapped writable", set_gdt(virt_to_mfn(gdt).v, 512), -XEN_EINVAL);
    mistake("a GDT by its virtual address", set_gdt((uintptr_t)gdt, 512), -XEN_EINVAL);
    mistake("a GDT with the hypervisor's part", set_gdt(virt_to_mfn(gdt).v, 8192), -XEN_EINVAL);
    test_need(table_set_readonly(gdt), "read-only");
    test_need((int)set_gdt(virt_to_mfn(gdt).v, 512), "a GDT");
    loaded(gdt);
    test_need((int)set_gdt(0, 0), "no GDT");
    test_need(table_set_writable(gdt), "writable");
    mistake("an LDT in the middle of a page", set_ldt((uintptr_t)gdt + 8, 1), -XEN_EINVAL);
    mistake("a handler that is not canonical", hypercall_set_trap_table(traps), -XEN_EINVAL);
    page_free(gdt);
}
