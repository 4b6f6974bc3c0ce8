/* SPDX-License-Identifier: MIT */
/*
 * Whose a stack of the hypervisor is.  Every one of them, whether of a vCPU or of a processor, is STACK_SIZE bytes and
 * aligned to that (hv/base/layout.h); at its very end are two words, and what is pushed begins below them.  Code that
 * runs on a stack finds its processor that way (hv/cpu/here.h), and a way in from the guest its vCPU, since the guest's
 * frame lies right below.
 */
#pragma once

#include <stdint.h>

#include <hv/base/layout.h>

struct cpu;
struct hv_vcpu;

struct stack_owner {
    struct cpu *cpu;      /* the processor that runs on this stack; of a vCPU's, the one that did so last */
    struct hv_vcpu *vcpu; /* NULL: it is none's, but a processor's own */
};
_Static_assert(sizeof(struct stack_owner) == STACK_OWNER_SIZE, "hv/base/layout.h");
_Static_assert(STACK_OWNER_SIZE % 16 == 0, "the processor aligns what it pushes on a stack of its own");

/* The words of the stack that ends at @end, of which the first push goes to below them. */
static inline struct stack_owner *stack_owner_at(uint64_t end)
{
    return (struct stack_owner *)end - 1;
}
