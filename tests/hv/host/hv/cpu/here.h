/* SPDX-License-Identifier: MIT */
/*
 * In place of hv/cpu/here.h: a program's stacks say nothing about processors.  A thread is the processor that it has
 * said, until then the boot processor, which whoever asks has to provide.
 */
#pragma once

struct cpu;

extern struct cpu cpu_boot;
__attribute__((weak)) _Thread_local struct cpu *cpu_of_thread;

static inline struct cpu *cpu_here(void)
{
    return cpu_of_thread ? cpu_of_thread : &cpu_boot;
}
