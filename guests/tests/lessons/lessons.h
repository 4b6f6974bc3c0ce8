/* SPDX-License-Identifier: MIT */
/* What advisories about the ways in and out of a guest teach: docs/advisories.md names each "ok xsa_...". */
#pragma once

#include <guest/trap.h>

/* The ways in, with flags, stacks and breakpoints of user mode's choice. */
void lessons_entry(void);

/* Registers that are emulated, and what of them reaches the processor. */
void lessons_registers(void);

/* Numbers of ports. */
void lessons_events(void);

/* Run @code, @size bytes at USER_BASE, in user mode from *@regs on: those of user_regs_init(), changed at will. */
unsigned lessons_user(const void *code, size_t size, struct regs *regs);
