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

/* Tables that take long, and another vCPU. */
void lessons_preempt(void);

/* Run @code, @size bytes at USER_BASE, in user mode from *@regs on: those of user_regs_init(), changed at will. */
unsigned lessons_user(const void *code, size_t size, struct regs *regs);

/*
 * ---- What differs between the widths: x86_64/width.c, x86_32/width.c.
 */

/* A few bytes of a program that lead back, the vector that the kernel hears, and the only other that it may be. */
struct way {
    const char *name;
    uint8_t code[2];
    unsigned size, vector, other;
};

struct lessons_width {
    struct way call;       /* of the kernel by an instruction for that, which has a callback */
    unsigned callback;     /* its CALLBACKTYPE_ */
    unsigned hypercall;    /* what int $0x82 of the kernel raises */
    unsigned read_fs_base; /* what rdfsbase of a program raises, when CR4 allows it */
    unsigned nr_stacks, nr_refused, nr_granted;
    const uintptr_t *stacks;            /* stack pointers, most of which lead nowhere */
    const uintptr_t *refused, *granted; /* addresses for breakpoints */
};

extern const struct lessons_width lessons_width;

/* Those of one width alone. */
void lessons_own(void);
