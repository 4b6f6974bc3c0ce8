/* SPDX-License-Identifier: MIT */
/* Stands before hv/cpu/cpu.h on the way that includes are looked for: each thread is a processor of its own. */
#pragma once

#define cpu_here cpu_here_of_the_image
#include_next <hv/cpu/cpu.h>
#undef cpu_here

extern __thread struct cpu *this_processor;

static inline struct cpu *cpu_here(void)
{
    return this_processor;
}
