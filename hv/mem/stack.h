/* SPDX-License-Identifier: MIT */
/*
 * Hypervisor stacks of vCPUs, at addresses of their own (hv/base/layout.h), so that nothing is mapped below them: a
 * stack that overflows faults.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>

struct machine;

/* Provide the page tables for all stacks there will ever be. */
void stack_init(void);

/* Make stack @number, as many as there are windows for vCPUs (hv/mem/window.h).  False: there is no memory. */
bool __must_check stack_create(struct machine *machine, unsigned number);
void stack_destroy(struct machine *machine, unsigned number);

/* The end of stack @number: its first push goes below. */
uint64_t stack_top(unsigned number);
