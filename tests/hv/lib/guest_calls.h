/* SPDX-License-Identifier: MIT */
/*
 * A guest whose calls are tested: one vCPU, and arguments at the start of its memory.  What a call asks of the rest of
 * the hypervisor, its test provides.
 */
#pragma once

#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/guest_memory.h>

extern struct machine machine;
extern struct hv_domain domain; /* number 1 of the machine, of 1000 frames */
extern struct hv_vcpu vcpu;

/* Make all of it new. */
void guest_begin(enum width width);

/* Whether the hypervisor is to take turns, which it is unless a test says otherwise, and how often it has. */
extern bool preempt_wanted;
extern unsigned yields;

/* Have the guest make a call with these arguments. */
int64_t call(call_fn *function, uint64_t first, uint64_t second, uint64_t third);

/* The guest's address of what lies at @offset of its memory; one where it has none. */
uint64_t at(size_t offset);
uint64_t nowhere(void);

/* A test of cmocka that runs the function NAME for a guest of either width, which BEGIN has made. */
#define TEST_BOTH(name, begin)            \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        begin(WIDTH_64);                  \
        name();                           \
        begin(WIDTH_PAE);                 \
        name();                           \
    }
