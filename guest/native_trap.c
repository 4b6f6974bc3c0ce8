/* SPDX-License-Identifier: MIT */
/* Between the entry code of bare hardware and the handlers: what a hypervisor would have done on the way. */
#include <guest/guest.h>
#include <guest/trap.h>

void native_dispatch(struct regs *regs);

/* Called by the entry code.  The address of a fault stands where a hypervisor would put it. */
void native_dispatch(struct regs *regs)
{
    if (regs->vector == TRAP_PF)
        __asm__ volatile("mov %%cr2, %0" : "=r"(guest.vcpu->arch.cr2));
    trap_dispatch(regs);
}
