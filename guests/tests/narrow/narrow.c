/* SPDX-License-Identifier: MIT */
/*
 * What is so for guests of 32 bits alone: ring 1 and ring 3 on one table, calls by int $0x82, frames of their own, the
 * hypervisor's slots in the L2 of slot 3, the M2P at another place.
 */
#include <abi/errno.h>
#include <abi/memory.h>
#include <abi/version.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define TEXT_OF(macro) #macro
#define TEXT(macro)    TEXT_OF(macro)

SNIPPET(call_of_program, "movl $17, %eax; xorl %ebx, %ebx", "int $0x82", "");
SNIPPET(overflow, "movb $0x7f, %al; incb %al", "into", "");
SNIPPET(bound, "pushl $1; pushl $0; movl $5, %eax", "boundl %eax, (%esp)", "");
SNIPPET(read_kernel, "", "movl 0x80100000, %eax", "");
SNIPPET(nothing, "", "nop", "");
SNIPPET(jump_wide, "pushl $0xe033; pushl $0", "ljmp *(%esp)", "");

/* ---- Calls. */

/* Shows hypercall.registers-32. */
static void calls(void)
{
    unsigned long result = __HYPERVISOR_xen_version, command = 0, argument = 0;

    __asm__ volatile("int $0x82" : "+a"(result), "+b"(command), "+c"(argument)::"memory");
    test_equal("int $0x82 without the page: the version", result >> 16, 4);
    result = 0xffff0000;
    __asm__ volatile("int $0x82" : "+a"(result), "+b"(command), "+c"(argument)::"memory");
    test_result("a number that is not offered", (long)result, -XEN_ENOSYS);
    test_result("set_segment_base", hypercall_set_segment_base(SEGBASE_FS, 0), -XEN_ENOSYS);
    test_result("a page table for user mode", table_load_user(table_root()), -XEN_EINVAL);
    test_result("to pin an L4 is no error", table_mmuext(MMUEXT_PIN_L4_TABLE, table_root()), 0);
}

static volatile unsigned upcalls;

static void count(evtchn_port_t port)
{
    (void)port;
    upcalls++;
}

/* The older call has a selector and an address for each of its two callbacks. */
static void set_callbacks(void)
{
    evtchn_port_t port;

    test_result("set_callbacks",
                hypercall(__HYPERVISOR_set_callbacks, FLAT_KERNEL_CS, (uintptr_t)trap_entry_of(VECTOR_EVENT),
                          FLAT_KERNEL_CS, (uintptr_t)trap_entry_of(VECTOR_FAILSAFE), 0),
                0);
    test_need(event_bind_ipi(count, &port), "IPI");
    test_result("send", event_send(port), 0);
    test_equal("masked, it does not arrive", upcalls, 0);
    event_enable();
    test_equal("it arrives by the new callback", upcalls, 1);
    event_disable();
}

/* ---- Rings. */

static void run(const char *name, const struct snippet *code, struct regs *regs)
{
    test_need(user_load(USER_BASE, code->begin, code->end), name);
    user_regs_init(regs, USER_BASE);
    (void)user_run(regs);
}

static void fault(const char *name, const struct snippet *code, unsigned vector, uint32_t error)
{
    struct regs regs;

    run(name, code, &regs);
    test_check(regs.vector == vector && regs.error == error, name, "%s with error %x, expected %s with %x",
               trap_name(regs.vector), regs.error, trap_name(vector), error);
    test_equal("it came from ring 3", regs.cs, FLAT_USER_CS);
}

/* Shows hypercall.user-mode, set_trap_table.int-n, frame32.words. */
static void programs(void)
{
    struct regs regs;

    fault("int $0x82 of a program", &call_of_program, TRAP_GP, 0x82 * 8 + 2);
    fault("into", &overflow, TRAP_OF, 0);
    fault("bound", &bound, TRAP_BR, 0);
    fault("a program reads the kernel", &read_kernel, TRAP_PF, FAULT_USER | FAULT_PRESENT);
    run("a jump to where 64-bit code is for others", &jump_wide, &regs);
    test_check(regs.vector == TRAP_GP && (regs.error & ~7u) == 0xe030, "a jump to where 64-bit code is for others",
               "%s with error %x", trap_name(regs.vector), regs.error);
}

static void call(void *code)
{
    ((void (*)(void))code)();
}

/* Ring 1 is the processor's supervisor: what it does to keep that off pages of programs is off while the guest runs. */
static void kernel_on_pages_of_programs(void)
{
    struct fault seen;

    test_need(user_load(USER_BASE, nothing.begin, nothing.end), "code");
    (void)trap_try(call, (void *)(uintptr_t)USER_BASE, &seen);
    test_check(seen.vector == TRAP_NONE, "the kernel runs a program's code", "%s with error %x", trap_name(seen.vector),
               seen.error);
}

static bool note_stack(struct regs *regs)
{
    *(uint32_t *)regs->eax = regs->esp;
    return true;
}

/* Shows frame32.words. */
static void frames(void)
{
    uint32_t seen = 0, stack;

    (void)trap_set_handler(TRAP_BP, note_stack);
    __asm__ volatile("movl %%esp, %0; int3" : "=&r"(stack) : "a"(&seen) : "memory");
    (void)trap_set_handler(TRAP_BP, NULL);
    test_equal("the frame of ring 1 ends where its stack was", seen, stack);
}

/* A return to ring 1 with a mask, by the call itself. */
static uint8_t mask_after_iret(uint32_t eflags)
{
    uint32_t result;

    __asm__ volatile("pushl %1; pushl %2; pushl $1f; jmp hypercall_page + " TEXT(__HYPERVISOR_iret) " * 32; 1:"
                     : "=a"(result)
                     : "r"(eflags), "i"(FLAT_KERNEL_CS), "0"(0x1234)
                     : "memory", "cc");
    test_equal("eax is that of the frame", result, 0x1234);
    return READ_ONCE(guest.vcpu->evtchn_upcall_mask);
}

/* Shows iret.narrow. */
static void returns(void)
{
    test_equal("iret with IF: events are on", mask_after_iret(RFLAGS_IF), 0);
    test_equal("iret without: they are off", mask_after_iret(0), 1);
}

/* ---- Memory. */

static void store(void *arg)
{
    *(volatile uint32_t *)arg = 0;
}

static struct fault by_store(uint64_t vaddr)
{
    struct fault seen;

    (void)trap_try(store, (void *)(uintptr_t)vaddr, &seen);
    return seen;
}

/* Shows layout.m2p-32, layout.hypervisor-32, xen_version.platform-parameters. */
static void addresses(void)
{
    struct xen_platform_parameters parameters = {0};
    volatile uint32_t *m2p = (volatile uint32_t *)MACH2PHYS_VIRT_START;
    struct fault seen;

    test_result("platform_parameters", hypercall_xen_version(XENVER_platform_parameters, &parameters), 0);
    test_equal("the hypervisor begins at", parameters.virt_start, HYPERVISOR_VIRT_START);
    test_equal("the M2P has 4 bytes for a frame", m2p[virt_to_mfn(&upcalls).v], virt_to_pfn(&upcalls).v);
    seen = by_store(MACH2PHYS_VIRT_START);
    test_check(seen.vector == TRAP_PF && seen.error == (FAULT_PRESENT | FAULT_WRITE), "it cannot be written",
               "%s with error %x", trap_name(seen.vector), seen.error);
    seen = by_store(HYPERVISOR_INSIDE);
    test_check(seen.vector == TRAP_PF, "nor what lies behind", "%s", trap_name(seen.vector));
}

/* Shows pte.adjusted-32, pte.slots-32, startofday.slots-32. */
static void tables(void)
{
    uint64_t *page = page_alloc(), *top_l2 = table_entry(0xc0000000, 2), entry = 0;
    uint64_t vaddr = 0x10000000;

    for (unsigned slot = 0; slot < ROOT_SLOTS; slot++)
        test_equal("a slot of the L3 that the builder made", table_root()[slot] & PTE_P, PTE_P);
    test_need(user_map(vaddr, page, PTE_P | PTE_RW), "a page");
    (void)table_walk(vaddr, &entry);
    test_equal("an entry is as it was written", entry, pte_make(virt_to_mfn(page), PTE_P | PTE_RW));
    test_equal("an entry of the L3 has got USER and RW", *table_entry(0, 3) & (PTE_RW | PTE_USER), PTE_RW | PTE_USER);
    test_result("the hypervisor's slots", table_write(&top_l2[HYPERVISOR_COMPAT_L2_SLOT], 0), -XEN_EPERM);
    test_result("slot 3 of the L3", table_write(table_entry(0xc0000000, 3), 0), -XEN_EINVAL);
}

/* An entry of the L3 in use counts at once: away, and back. */
static void root_entries(void)
{
    uint64_t *page = page_alloc(), *place, saved;
    struct fault seen;

    *page = 42;
    test_need(user_map(0x50000000, page, PTE_KERNEL), "a page");
    place = table_entry(0x50000000, 3);
    saved = *place;
    test_result("clear an entry of the L3", table_write(place, 0), 0);
    seen = by_store(0x50000000);
    test_check(seen.vector == TRAP_PF, "its addresses are gone", "%s", trap_name(seen.vector));
    test_result("put it back", table_write(place, saved), 0);
    test_equal("they are back", *(volatile uint64_t *)0x50000000, 42);
}

/* Shows segdesc.segment-32. */
static void descriptors(void)
{
    uint64_t *gdt = page_alloc(), maddr = virt_to_maddr(gdt);
    const uint64_t code = UINT64_C(0x00cf9a000000ffff), wide = UINT64_C(0x00af9a000000ffff);

    test_result("a 64-bit code segment", hypercall_update_descriptor(maddr, wide), -XEN_EINVAL);
    test_result("a 32-bit one", hypercall_update_descriptor(maddr, code), 0);
    test_equal("its privilege is that of ring 1", gdt[0] >> 45 & 3, 1);
}

void test_main(void)
{
    test_need(user_init(), "user mode");
    calls();
    set_callbacks();
    programs();
    kernel_on_pages_of_programs();
    frames();
    returns();
    addresses();
    tables();
    root_entries();
    descriptors();
}
