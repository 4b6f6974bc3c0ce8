/* SPDX-License-Identifier: MIT */
/*
 * A vCPU on a processor that is made up, and what hv/domain/port.c and vcpu.c ask of the rest of the hypervisor.
 */
#pragma once

#include <setjmp.h>

#include <engine/engine.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/fake_cpu.h>

#define RAM      4u /* frames; the third and fourth can be taken */
#define OWN_ROOT UINT64_C(0x77000)
#define GDT_PAGE UINT64_C(0x55000) /* of the first width; that of the second lies behind it */

/* Its window, at that address. */
#define WINDOW    (WINDOW_OF_VCPUS + 3)
#define WINDOW_AT (WINDOW_BASE + (uint64_t)WINDOW * WINDOW_PAGES * PAGE_SIZE)

extern struct cpu cpu_boot, cpu_other; /* the processor that runs, and processor 1 while that is number 0 */
extern uint8_t ram[RAM][4096];
extern struct hv_domain domain;
extern struct hv_vcpu vcpu;
extern struct machine machine;

/* What has been asked for. */
struct noted {
    uint64_t set_at, set_to, prepared, entry_stack, ldt_base, gdt_base;
    unsigned ldt_entries, ldt_loads, sets, yields, work_yields, reported, gives, kicks;
    size_t copied;
    bool guards_off;
    const struct domain *runs; /* of the machine's, while the guards change */
    mfn_t pool_end;
};
extern struct noted noted;

/*
 * What is answered: of timers, of a turn, of the stack that runs, of guest memory, of zombies.  Whether the two frames
 * that machine_take() has are out.
 */
extern bool turn_over, on_vcpu, unreachable, emptied, taken;

/* All of it new: a 64-bit vCPU without a root, which does not run. */
void make(void);

/* The expression ends the hypervisor by a broken invariant. */
extern jmp_buf ended;
#define assert_ends(expression)   \
    do {                          \
        if (setjmp(ended) == 0) { \
            expression;           \
            fail();               \
        }                         \
    } while (0)
