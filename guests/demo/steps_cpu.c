/* SPDX-License-Identifier: MIT */
/* The rest of the processor: segments, timer, user mode. */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/demo/demo.h>

/* A data segment: base, limit 4 GiB, present, writable; @dpl is the privilege level. */
static uint64_t data_descriptor(uint32_t base, unsigned dpl)
{
    return UINT64_C(0x00cf92000000ffff) | (uint64_t)dpl << 45 | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(base >> 24) << 56;
}

static uintptr_t read_fs(uint16_t selector)
{
    uintptr_t value;

    __asm__ volatile("movw %1, %%fs; mov %%fs:0, %0; movw %2, %%fs" : "=&r"(value) : "r"(selector), "r"((uint16_t)0));
    return value;
}

void step_descriptor(void)
{
    uint64_t *gdt = page_alloc(), *page = page_alloc();
    xen_pfn_t frames[1] = {(xen_pfn_t)virt_to_mfn(gdt).v};
    const uint32_t base = 0x10000000;
    const unsigned entry = 5, selector = entry * 8 + KERNEL_RING;

    page[0] = 500;
    say("Descriptor tables are guarded like page tables. A GDT with one data segment, base %x:", base);
    gdt[entry] = data_descriptor(base, 0);
    claim_result("map a page at that address", user_map(base, page, PTE_KERNEL), 0);
    claim_result("set_gdt while the table is writable", hypercall_set_gdt(frames, 512), -XEN_EINVAL);
    claim_result("read-only", table_set_readonly(gdt), 0);
    claim_result("set_gdt", hypercall_set_gdt(frames, 512), 0);
    claim(gdt[entry] == data_descriptor(base, KERNEL_RING), "the descriptor's privilege was raised to %u: %016" PRIx64,
          KERNEL_RING, gdt[entry]);
    claim(read_fs(selector) == 500, "fs := %x, fs:0 reads %" PRIuPTR, selector, read_fs(selector));
    claim_result("update_descriptor: base 8 bytes up",
                 hypercall_update_descriptor(virt_to_maddr(&gdt[entry]), data_descriptor(base + 8, KERNEL_RING)), 0);
    page[1] = 501;
    claim(read_fs(selector) == 501, "fs:0 reads %" PRIuPTR, read_fs(selector));
    claim_result("update_descriptor to a TSS",
                 hypercall_update_descriptor(virt_to_maddr(&gdt[entry]), UINT64_C(0x0000890000000067)), -XEN_EINVAL);
}

#define TICK_NS UINT64_C(10000000)
#define TICKS   10u

static volatile unsigned ticks;
static uint64_t next_tick;
static bool rearmed = true;

static void tick(evtchn_port_t port)
{
    (void)port;
    next_tick += TICK_NS;
    if (++ticks < TICKS)
        rearmed &= timer_set(next_tick) == 0;
}

void step_timer(void)
{
    uint64_t begin = time_now(), passed;

    claim_result("bind VIRQ_TIMER to a port", timer_init(tick), 0);
    next_tick = begin + TICK_NS;
    claim_result("set the vCPU's timer to 10 ms from now", timer_set(next_tick), 0);
    while (ticks < TICKS)
        event_wait();
    event_disable();
    passed = time_now() - begin;
    say("The vCPU slept between the ticks, in SCHEDOP_block. It took %" PRIu64 " us by its own clock.", passed / 1000);
    claim(rearmed && ticks == TICKS && passed >= TICKS * TICK_NS, "%u ticks on port %u, none before its time", ticks,
          timer_port());
}

#define TEXT_OF(macro) #macro
#define TEXT(macro)    TEXT_OF(macro)

extern const char demo_user_begin[], demo_user_end[];
__asm__(".pushsection .rodata\n"
        "demo_user_begin:\n"
        "    movl $42, %edi\n"
        "    " PROGRAM_CALL "\n"
        "    movl %eax, %edi\n" /* what the kernel answered */
        "    " PROGRAM_CALL "\n"
        "    movl " TEXT(VIRT_BASE) " + " TEXT(IMAGE_OFFSET) ", %eax\n" /* the kernel's image */
                                                             "demo_user_end:\n"
                                                             ".popsection\n");

static void make_user_mode(void)
{
    if (USER_ROOT) {
        say("Kernel and user both run in ring 3. What keeps them apart is a second L4 for user mode, without");
        say("the kernel in it; the hypervisor changes between the two at each entry and return.");
        claim_result("make the user's L4, pin it, NEW_USER_BASEPTR", user_init(), 0);
    } else {
        say("The kernel runs in ring 1, programs in ring 3, on the same tables: what keeps them apart is the USER "
            "bit.");
        claim_result("map a stack for user mode", user_init(), 0);
    }
}

void step_user(void)
{
    /* Absent in the user's own table; in one that serves both modes, present and the kernel's. */
    const uint32_t error = USER_ROOT ? FAULT_USER : FAULT_USER | FAULT_PRESENT;
    struct regs regs;
    unsigned vector;

    make_user_mode();
    claim_result("load a program at 400000", user_load(USER_BASE, demo_user_begin, demo_user_end), 0);
    user_regs_init(&regs, USER_BASE);
    vector = user_run(&regs);
    claim(vector == VECTOR_PROGRAM_CALL && regs.rdi == 42, "user mode made a " PROGRAM_CALL " with %u in " TEXT(rdi),
          (unsigned)regs.rdi);
    regs.rax = 43;
    vector = user_run(&regs);
    claim(vector == VECTOR_PROGRAM_CALL && regs.rdi == 43, "the answer arrived: the next " PROGRAM_CALL " has %u",
          (unsigned)regs.rdi);
    vector = user_run(&regs);
    claim(vector == TRAP_PF && regs.error == error && guest.vcpu->arch.cr2 == VIRT_BASE + IMAGE_OFFSET,
          "it reads the kernel's image: %s at %" PRIxPTR ", error code %x: %s, user", trap_name(vector),
          guest.vcpu->arch.cr2, regs.error, USER_ROOT ? "absent" : "present");
}
