/* SPDX-License-Identifier: MIT */
/*
 * The programs of user mode, all in one page, and their system calls: number in rax, argument in rdi, rsi; result in
 * rax; rcx and r11 are lost.  In a kernel of 32 bits it is the lower halves, by int $0x80, and nothing is lost.
 */
#pragma once

#define SYSCALL_EXIT  0 /* status */
#define SYSCALL_FORK  1 /* child's number, in the child 0; or -XEN_ENOMEM */
#define SYSCALL_WAIT  2 /* number of a child that ended, its status in rdx; or -XEN_ENOENT: there is no child */
#define SYSCALL_WRITE 3 /* text, length: to the console */
#define SYSCALL_YIELD 4
#define SYSCALL_NEXT  5 /* words found wrong; what to do next in rax, an address in rdx, a signature in rsi */

/* What SYSCALL_NEXT says. */
#define NEXT_NOTHING 0
#define NEXT_FORK    1
#define NEXT_FILL    2 /* write the page: its words are the signature, and SIGNATURE_STEP more each */
#define NEXT_VERIFY  3 /* read it, and tell how many words are wrong */

#define SIGNATURE_STEP 0x9e3779b9

#ifndef __ASSEMBLER__
/* The page, which program_init() takes from the pool. */
void program_init(void);
void *program_page(void);

/* Where a program begins in user mode; @label is one of program.S. */
#define PROGRAM(label) (CODE_BASE + (uint64_t)((label)-program_begin))
extern const char program_begin[], program_end[];
extern const char program_family[], program_yield[], program_forest[], program_stray[], program_code[];
#endif
