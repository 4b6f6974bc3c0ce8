/* SPDX-License-Identifier: MIT */
/* The registers in words. */
#include <guest/print.h>
#include <guest/regs.h>

void regs_print(const struct regs *regs)
{
    print("rip %04x:%016lx rsp %04lx:%016lx rflags %08lx\n", regs->cs, regs->rip, regs->ss, regs->rsp, regs->rflags);
    print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", regs->rax, regs->rbx, regs->rcx, regs->rdx);
    print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", regs->rsi, regs->rdi, regs->rbp, regs->r8);
    print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", regs->r9, regs->r10, regs->r11, regs->r12);
    print("r13 %016lx r14 %016lx r15 %016lx\n", regs->r13, regs->r14, regs->r15);
}
