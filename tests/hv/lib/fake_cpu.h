/* SPDX-License-Identifier: MIT */
/*
 * A processor for hosted tests.  In a process each privileged instruction faults; the handler carries it out on the
 * registers here instead, so that the hypervisor's code is tested as it stands, instructions included.
 *
 * What does not fault is not ours: rdtsc, cpuid, xsave, reads of segment registers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAKE_MSRS 32u

struct fake_cpu {
    uint64_t cr[5], dr[8], xcr0; /* CR2 among them, CR1 not */
    uint64_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit, ldt, task;
    struct {
        uint32_t index;
        uint64_t value;
    } msrs[FAKE_MSRS];
    unsigned nr_msrs;
    bool interrupts, user_access;
    /* So often, and the last. */
    unsigned root_loads, page_flushes, cache_flushes, halts, gs_swaps, instructions;
    uint64_t flushed_page;
    void (*on_halt)(void); /* what comes while the processor halts; required if it does */
};

extern struct fake_cpu fake_cpu;

/*
 * Make it a new processor: all zero.  Faults are ours from then on; called by the test itself, not by what sets it up,
 * because cmocka takes signals back in between.
 */
void fake_cpu_reset(void);

/* An MSR, zero until it is written. */
uint64_t *fake_cpu_msr(uint32_t index);
