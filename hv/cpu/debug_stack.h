/* SPDX-License-Identifier: MIT */
/*
 * Where debug traps find a stack.
 *
 * One that comes right behind a syscall, before the stack has been changed, must have a stack of its own: the pointer
 * is the guest's then (XSA-260).  But QEMU raises two for an instruction that is single-stepped and hits a breakpoint
 * on data: the second before the first instruction of the handler, so that on a stack of its own it takes the place of
 * the first one's frame.  There, in turn, a breakpoint on data is never held back until a syscall, not even behind a
 * load of ss.
 */
#pragma once

/* Find out which of the two this processor is.  cpu_init() has run. */
void debug_stack_init(void);
