/* SPDX-License-Identifier: MIT */
/*
 * User mode: a page table with nothing of the kernel in it, and excursions that end with whatever leads back.
 */
#pragma once

#include <guest/trap.h>
#include <guest/types.h>

/* The slot 0 of the root is shared by the kernel's and the user's tables; programs lie here. */
#define USER_BASE      UINT64_C(0x400000)
#define USER_STACK_END UINT64_C(0x800000)

/*
 * Make the user's root, if USER_ROOT says that there is one, with the table of USER_BASE shared with the kernel's own,
 * pin and load it; and map one page of stack.  0, or the error of the call that failed.
 */
int __must_check user_init(void);

/* The user's root, NULL before user_init() and where the kernel's serves both modes. */
uint64_t *user_root(void);

/* Map @page at @vaddr (below 512 GiB) for both modes; @flags as for pte_make(). */
int __must_check user_map(uint64_t vaddr, void *page, uint64_t flags);

/* A new page at @vaddr with a copy of the code from @first to @end, at most a page. */
int __must_check user_load(uint64_t vaddr, const void *first, const void *end);

/* Registers for a start at @rip with the stack of user_init(). */
void user_regs_init(struct regs *regs, uint64_t rip);

/*
 * Run user mode from *@regs until something leads back to the kernel that no handler deals with: an exception, an
 * interrupt, a syscall.  Events with handlers do not end it.  Returns the vector; *@regs is the state then.
 */
unsigned user_run(struct regs *regs);

/* For a handler: end the excursion under way, with *@regs as the state.  Returns only if there is none. */
void user_end(struct regs *regs);
