/* SPDX-License-Identifier: MIT */
/* Processors: what each has is in struct cpu. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/base/layout.h>
#include <hv/cpu/here.h>
#include <hv/cpu/lock.h>
#include <hv/cpu/stack_owner.h>

#define GDT_PAGE_ENTRIES 512u
#define CPU_ABILITIES    12u

/*
 * The memory types that an entry's PWT, PCD and PAT choose from, a byte each, as the ABI gives them to guests (Intel
 * SDM volume 3, 12.12).  The hypervisor has the first, write-back, for RAM, and the fourth, uncached, for registers.
 */
#define CPU_PAT UINT64_C(0x0000050100070406)

/* Stacks of their own for what may come at any moment, in the order of the TSS's list, from 1 on. */
enum ist {
    IST_NONE,
    IST_NMI,
    IST_MACHINE_CHECK,
    IST_DOUBLE_FAULT,
    IST_DEBUG,
    IST_COUNT,
};

/* The 64-bit TSS: Intel SDM volume 3, figure 8-11. */
struct __attribute__((packed)) tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
};
_Static_assert(sizeof(struct tss) == 104, "Intel SDM volume 3, figure 8-11");

/*
 * How often a processor has waited for something, and how long in all; and of that, the waits that outlasted its
 * patience: they halt, unless what was waited for came just then.
 */
struct wait_sum {
    uint64_t count, ticks, halts, halts_ticks; /* of the TSC */
};

struct cpu_frame;
struct hv_vcpu;

struct cpu {
    _Alignas(STACK_SIZE) uint8_t ist_stacks[IST_COUNT - 1][STACK_SIZE];
    _Alignas(4096) uint64_t gdt_pages[2][GDT_PAGE_ENTRIES]; /* by width */
    struct tss tss;
    unsigned id;
    uint32_t apic;                     /* the number of its local APIC */
    uint32_t acpi;                     /* what ACPI calls it, where it has a name for it */
    uint32_t command_high;             /* these belong to hv/cpu/ipi.c: what its local APIC's register has, in memory */
    uint64_t maddr;                    /* the machine address of all this */
    uint32_t abilities[CPU_ABILITIES]; /* what it tells by CPUID of what it can do */
    struct hv_vcpu *current;           /* NULL: none, and the hypervisor's own root is loaded */
    uint64_t sleeping;                 /* rsp of its own stack while a vCPU runs: hv/domain/sched.h */
    bool in_vcpu;                      /* a vCPU's stack is in use, not its own */
    uint64_t timer_ticks; /* of the TSC, when the first of its timers expires; 0: there is none.  hv/time/timer.c */
    uint64_t turn_began;  /* time_now() when the vCPU got the processor */
    bool must_give_way;   /* since then there is something that only sched_run() can see to: hv_vcpu_give_way() */
    const struct cpu_frame *stopped_at; /* hv/cpu/stop.c; NULL: it runs */
    uint64_t kicks;                     /* so many have come: cpu_kick() */
    bool debug_has_stack;               /* these belong to hv/cpu/debug_stack.c */
    bool debug_was_nested;              /* one came before the first instruction of another's handler */
    bool is_watched;                    /* these belong to hv/time/nmi_watchdog.c; last words end the watch */
    unsigned nmi_ticks;                 /* NMIs since it was last seen to get on */
    uint64_t silent_since;              /* time_now() at the first of them */
    uint64_t nmis;                      /* since the machine began */
    uint32_t waits_found;               /* @waits at the last of them */
    struct lock *innermost;     /* of those that it holds, the one that it took last; NULL: none.  hv/cpu/lock.h */
    uint32_t waits;             /* goes up as it begins to wait for others, and as that ends: hv/cpu/wait.h */
    uint64_t wait_began;        /* the TSC then */
    uint64_t wait_patience;     /* so many ticks of it does it spin, before it halts */
    const struct lock *awaited; /* while it waits for a lock: which; NULL: for none.  These belong to hv/cpu/lock.c */
    uint32_t awaited_number;    /* its ticket */
    bool rests;                 /* it has halted, or is about to, until it is kicked */
    bool is_asked;              /* by others, who perhaps have not kicked it: wait_looks() */
    struct wait_sum for_locks, for_answers;
    uint64_t requests, kicked; /* so often has it asked others, and had to kick the one that it asked */
};

/* What all processors of the machine can do. */
struct cpu_features {
    unsigned phys_bits; /* width of a machine address, 36 to 52 */
    bool pge;           /* CR4.PGE is on: loads of cr3 leave translations of global pages */
    bool smep, smap;    /* offered, and on while cpu_guard_user_pages() has them so */
    bool umip;          /* offered, and on */
    bool fsgsbase;      /* offered; on while a vCPU runs that wants it */
    bool l1tf;          /* XSA-273 */
};

/* Set up this processor, the first: control registers, descriptor tables, no interrupts. */
void cpu_init(void);

/* Guests' calls arrive at trap_call_traced() and trap_call32_traced(); no other processor has been started yet. */
void cpu_trace_calls(void);

/* The same of exceptions and interrupts: trap_from_guest_traced() and trap_from_guest_improper_traced(). */
void cpu_trace_traps(void);

/*
 * The same for one of the others, on a stack of its own; its id and maddr stand.  False: it is not as the first is, in
 * what it can do, and must not run guests.  Nothing has been set up then.
 */
bool __must_check cpu_init_other(void);

/*
 * Do without SMAP.  QEMU before 9.1 emulates it wrongly: a return from an interrupt within ring 3 counts as an access
 * by the hypervisor, and guests die of that.
 */
void cpu_disable_smap(void);

/* Do without CR4.PGE, here and on the processors that are started later. */
void cpu_disable_global_pages(void);

#pragma GCC visibility push(hidden)
extern struct cpu cpu_boot; /* the one that the machine begins with */
#pragma GCC visibility pop

/* The end of what a stack of its own for @ist holds. */
static inline uint64_t cpu_ist_stack(struct cpu *cpu, enum ist ist)
{
    return (uint64_t)stack_owner_at((uint64_t)cpu->ist_stacks[ist - 1] + STACK_SIZE);
}

/*
 * What sysenter makes the stack pointer: the address of a word that holds the stack for entries from the guest, and
 * room below it.  A program that single-steps is still doing so when its sysenter arrives, unlike a syscall.  Behind
 * that word is another, NULL: whose frame lies below finds no vCPU, as on the other stacks of the processor's own.
 */
static inline uint64_t cpu_sysenter_stack(struct cpu *cpu)
{
    return cpu_ist_stack(cpu, IST_DEBUG) - sizeof(struct stack_owner);
}

/* Processor @id, of those that run: 0, which the machine has begun with, and on.  NULL: there is none. */
struct cpu *cpu_find(unsigned id);

/* Those that run. */
cpumask_t cpus_online(void);

/* @cpu runs from now on, by the id that it has, the least that is free; its number of an APIC stands. */
void cpu_set_online(struct cpu *cpu);

/*
 * Make processor @id, which runs, come into the hypervisor, or out of its halt, and look; where interrupts are off, as
 * soon as they are on.  hv/cpu/ipi.c.
 */
void cpu_kick(unsigned id);

/*
 * The same for who has asked something of it: it answers, and goes on with its guest unless there is something else to
 * attend to, of which whoever wants that has told it by a kick.
 */
void cpu_ask(unsigned id);

/*
 * SMEP and SMAP, where there are such: on, they keep ring 0 from what is ring 3's.  They would keep a 32-bit guest's
 * kernel, in ring 1, from its programs as well, so they are off while one runs.
 */
void cpu_guard_user_pages(bool on);

/* Entries from the guest use the stack that ends at @top from now on. */
void cpu_set_entry_stack(uint64_t top);

const struct cpu_features *cpu_features(void);

#pragma GCC visibility push(hidden)
extern struct cpu_features cpu_features_found; /* for the two below; others call cpu_features() */
#pragma GCC visibility pop

/* Between these two the hypervisor may touch pages that guests may touch too. */
static inline void cpu_user_access_begin(void)
{
    if (cpu_features_found.smap)
        __asm__ volatile("stac" : : : "memory", "cc");
}

static inline void cpu_user_access_end(void)
{
    if (cpu_features_found.smap)
        __asm__ volatile("clac" : : : "memory", "cc");
}
