/* SPDX-License-Identifier: MIT */
/* struct regs, as it is in the width of the kernel. */
#pragma once

#ifdef __i386__
#include <guest/x86_32/regs.h>
#else
#include <guest/x86_64/regs.h>
#endif

/* Was a program interrupted?  Under a hypervisor a kernel of 32 bits is in ring 1, one of 64 bits shows as ring 0. */
static inline bool regs_in_user_mode(const struct regs *regs)
{
    return (regs->cs & 3) == 3;
}

/* The registers, on the console. */
void regs_print(const struct regs *regs);
