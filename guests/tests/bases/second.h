/* SPDX-License-Identifier: MIT */
/* The other vCPU of the test: it runs without traps and events, and keeps checking its bases. */
#pragma once

#include <guest/types.h>

#define CR4_FSGSBASE (UINT64_C(1) << 16)

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr4" ::"r"(value));
}

/* What it has found.  @go: it may begin; until then it has looked at CR4, and tried an instruction. */
struct second {
    uint64_t cr4;
    unsigned undefined, rounds, lost;
    bool looked, go;
};

extern volatile struct second second;

/* Start it, and wait until it has looked. */
void second_start(void);

/* Have it set CR4.FSGSBASE and go round and round. */
void second_go(void);
