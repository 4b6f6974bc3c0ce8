/* SPDX-License-Identifier: MIT */
/* What processors have on their way to 64 bits: descriptors, and page tables, which hv/head.S fills. */
#include <hv/head.h>

        .section .boot, "ax"
        .balign 8
        .globl boot_gdt
boot_gdt:
        .quad 0
        .quad 0x00af9b000000ffff /* code, 64 bits, ring 0 */
        .quad 0x00cf9b000000ffff /* code, 32 bits */
        .quad 0x00cf93000000ffff /* data */

        .section .bss
        .balign 4096
        .globl early_l4
early_l4:
        .skip 4096
        .globl early_l3
early_l3:
        .skip 4096
        .globl early_l2
early_l2:
        .skip EARLY_L2S * 4096

        .section .note.GNU-stack, "", @progbits
