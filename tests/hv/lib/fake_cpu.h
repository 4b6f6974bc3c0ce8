/* SPDX-License-Identifier: MIT */
/*
 * A processor for hosted tests.  In a process each privileged instruction faults; the handler carries it out on the
 * registers here instead, so that the hypervisor's code is tested as it stands, instructions included.
 *
 * What does not fault is not ours: rdtsc, cpuid, xsave, reads of segment registers.  Code that is tested with other
 * answers of the first two is included by its test, with a function of the test's in place of asm_read_tsc() or
 * asm_cpuid().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAKE_MSRS        32u
#define FAKE_DEVICE_SIZE 8192u

struct fake_cpu {
    uint64_t cr[5], dr[8], xcr0; /* CR2 among them, CR1 not */
    uint64_t priority;           /* CR8, which is only written */
    uint64_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit, ldt, task;
    struct {
        uint32_t index;
        uint64_t value;
    } msrs[FAKE_MSRS];
    unsigned nr_msrs;
    bool interrupts, user_access;
    /* So often, and the last. */
    unsigned root_loads, global_flushes, page_flushes, cache_flushes, halts, gs_swaps, instructions;
    uint64_t flushed_page;
    bool keeps_global;     /* CR4.PGE was on at the last write of CR3, and has not changed since */
    void (*on_halt)(void); /* what comes while the processor halts; required if it does */
    /* Devices at ports.  Where there are none, what is written is lost, and all bits read as ones. */
    void (*on_out)(uint16_t port, uint8_t value);
    uint8_t (*on_in)(uint16_t port);
    /*
     * The pages of a device's registers, of 32 bits, by their offset: an address that is the test's, and that it may
     * not reach.  Code reaches it by mov.
     */
    uint64_t device;
    void (*on_device_write)(uint64_t offset, uint32_t value);
    uint32_t (*on_device_read)(uint64_t offset);
};

extern struct fake_cpu fake_cpu;

/*
 * Make it a new processor: all zero.  Faults are ours from then on; called by the test itself, not by what sets it up,
 * because cmocka takes signals back in between.
 */
void fake_cpu_reset(void);

/* Keep @size bytes at @address for devices; false: something else is there. */
bool fake_cpu_reserve(uint64_t address, uint64_t size);

/* An MSR, zero until it is written. */
uint64_t *fake_cpu_msr(uint32_t index);
