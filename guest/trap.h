/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and callbacks: one entry for all, handlers in C, and recovery from expected faults.
 */
#pragma once

#include <abi/context.h>
#include <guest/layout.h>
#include <guest/regs.h>
#include <guest/types.h>

enum vector {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_MC = 18,
    TRAP_XM = 19,
    TRAP_NONE = 0xffff, /* nothing was raised */
};

/* Bits of the error code of a page fault. */
#define FAULT_PRESENT 0x01u
#define FAULT_WRITE   0x02u
#define FAULT_USER    0x04u
#define FAULT_FETCH   0x10u

#define RFLAGS_CF ((uintptr_t)0x001)
#define RFLAGS_PF ((uintptr_t)0x004)
#define RFLAGS_AF ((uintptr_t)0x010)
#define RFLAGS_ZF ((uintptr_t)0x040)
#define RFLAGS_SF ((uintptr_t)0x080)
#define RFLAGS_TF ((uintptr_t)0x100)
#define RFLAGS_IF ((uintptr_t)0x200)
#define RFLAGS_DF ((uintptr_t)0x400)
#define RFLAGS_OF ((uintptr_t)0x800)
#define RFLAGS_NT ((uintptr_t)0x4000)
#define RFLAGS_AC ((uintptr_t)1 << 18)

/* What went wrong while trap_try() ran. */
struct fault {
    unsigned vector; /* => enum vector */
    uint32_t error;
    uint64_t cr2; /* of a page fault */
    struct regs regs;
};

/* Returns whether the trap is dealt with; @regs can be changed.  Runs with events masked. */
typedef bool trap_handler(struct regs *regs);

/*
 * Handlers for all vectors, and the callbacks.  Vectors 3, 4 and 0x80 can be raised by user mode; all mask events.
 */
void trap_init(void);

/* The same for a vCPU that is about to be initialised; its callbacks are those of events, failsafe and syscall. */
void trap_fill_context(struct vcpu_guest_context *context);

/* The handler of @vector from now on; NULL for none.  Returns the old one. */
trap_handler *trap_set_handler(unsigned vector, trap_handler *handler);

/* Who deals with a trap of user mode when the handler of its vector does not; NULL, the beginning, for nobody. */
void trap_set_user_handler(trap_handler *handler);

/* Another entry in the hypervisor's table than trap_init() made: @flags is that of struct trap_info. */
int __must_check trap_set_entry(unsigned vector, uint8_t flags, uint64_t address);

/* The address of the entry code of @vector. */
uint64_t trap_entry_of(unsigned vector);

/*
 * Run @function(@arg) and come back, also if it raises an exception that no handler deals with.  @fault says which;
 * its vector is TRAP_NONE if there was none.  true without one.  Can be nested.
 */
bool trap_try(void (*function)(void *arg), void *arg, struct fault *fault);

/* For the entry code: deal with what it stored in @regs. */
void trap_dispatch(struct regs *regs);

/* "#PF" for 14. */
const char *trap_name(unsigned vector);

/* The registers, on the console. */
void trap_print(const struct regs *regs);
