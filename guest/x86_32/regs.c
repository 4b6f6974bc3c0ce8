/* SPDX-License-Identifier: MIT */
/* The registers in words. */
#include <guest/print.h>
#include <guest/regs.h>

void regs_print(const struct regs *regs)
{
    print("eip %04x:%08x esp %04x:%08x eflags %08x ds %04x es %04x\n", regs->cs, regs->eip, regs->ss, regs->esp,
          regs->eflags, regs->ds, regs->es);
    print("eax %08x ebx %08x ecx %08x edx %08x\n", regs->eax, regs->ebx, regs->ecx, regs->edx);
    print("esi %08x edi %08x ebp %08x\n", regs->esi, regs->edi, regs->ebp);
}
