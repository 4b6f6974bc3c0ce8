/* SPDX-License-Identifier: MIT */
/*
 * What the guest of a hosted test has for memory: port_copy_from_guest() and port_copy_to_guest() reach the bytes here
 * and fault elsewhere.  The address is good for guests of both widths.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_MEMORY      UINT64_C(0x10000) /* where the guest finds it */
#define GUEST_MEMORY_SIZE 65536u

/* It as a @type. */
#define GUEST(type) (*(type *)(void *)guest_memory)

struct vcpu;

extern uint8_t guest_memory[GUEST_MEMORY_SIZE];
extern bool guest_memory_is_gone, guest_memory_is_read_only;
extern unsigned guest_memory_reads, guest_memory_writes; /* the two functions' calls */

/* Make it all zero, and @vcpu the only one that may ask for it; NULL: anyone. */
void guest_memory_reset(const struct vcpu *vcpu);
