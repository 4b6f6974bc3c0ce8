/* SPDX-License-Identifier: MIT */
/* Hypervisor stacks in a process, and entry_switch() between them, as in hv/cpu/entry.S. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FAKE_STACKS     8u
#define FAKE_STACK_SIZE 65536u

/* What a new stack goes on with, instead of trap_first_return(): @frame is the vCPU's.  It must not return. */
struct cpu_frame;
void fake_stack_first(struct cpu_frame *frame);

/*
 * Stacks that exist, and the end of stack @number: those of stack_create() (hv/mem/stack.h), of which @limit may exist.
 */
extern unsigned fake_stacks, fake_stack_limit;
