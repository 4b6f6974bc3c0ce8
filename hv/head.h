/* SPDX-License-Identifier: MIT */
/* What the first processor and the others share on their way to 64 bits: hv/head.S, hv/head_other.S. */
#ifndef HV_HEAD_H
#define HV_HEAD_H

/* Selectors of the descriptor table that both use on the way, flat, of ring 0. */
#define BOOT_CS       0x08 /* code, 64 bits */
#define BOOT_CS32     0x10 /* code, 32 bits */
#define BOOT_DS       0x18
#define BOOT_GDT_SIZE 0x20

#define EARLY_L2S 4 /* tables of the early mappings, a GiB each */

#ifdef __ASSEMBLER__

#define CR0_PE   (1 << 0)
#define CR0_WP   (1 << 16)
#define CR0_PG   (1 << 31)
#define CR4_PAE  (1 << 5)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)

#define PHYS(symbol) ((symbol)-IMAGE_BASE)

/* The rest is assembly. */
/* clang-format off */
/* In 32-bit code, without paging: PAE, a root, EFER.LME, then paging; Intel SDM volume 3, 10.8.5.  Then a far jump. */
        .macro ENTER_LONG_MODE
        movl %cr4, %eax
        orl $CR4_PAE, %eax
        movl %eax, %cr4
        movl $PHYS(early_l4), %eax
        movl %eax, %cr3
        movl $MSR_EFER, %ecx
        rdmsr
        orl $(EFER_LME | EFER_NXE), %eax
        wrmsr
        movl %cr0, %eax
        orl $(CR0_PG | CR0_WP | CR0_PE), %eax
        movl %eax, %cr0
        .endm

/* In 64-bit code, as good as without segments; rax is 0 then. */
        .macro CLEAR_SEGMENTS
        xorl %eax, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %fs
        movl %eax, %gs
        movl %eax, %ss
        .endm
/* clang-format on */

#else

#include <stdint.h>

#pragma GCC visibility push(hidden)
/* The instructions for real mode, to be copied to the beginning of a page below 1 MiB. */
extern const uint8_t other_real_mode[], other_real_mode_end[];
/*
 * The root that the next processor that comes loads, below 4 GiB; and the stack that it takes, leaving 0: it returns to
 * what lies there.  Where it finds 0 it halts for ever.
 */
extern uint64_t other_root, other_stack;
#pragma GCC visibility pop

#endif

#endif /* HV_HEAD_H */
