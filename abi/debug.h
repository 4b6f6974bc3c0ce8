/* SPDX-License-Identifier: MIT */
/*
 * Processor state that has a call of its own: the debug registers and CR0.TS.
 */
#ifndef ABI_DEBUG_H
#define ABI_DEBUG_H

/*
 * `incontents 380 debugreg Debug registers: set_debugreg, get_debugreg
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_debugreg(int reg, unsigned long value)
 * `
 * ` unsigned long
 * ` HYPERVISOR_get_debugreg(int reg)
 * `
 * ` @reg: Number of the register, 0 to 7.
 * ` @value: Its new contents.
 * `
 * ` The registers are those of the calling vCPU. {own-vcpu}
 * ` The instruction mov to and from a debug register is emulated by the same rules, with a fault in place of an
 * ` error. {emulated}
 * `
 * ` Registers 4 and 5 are second names of 6 and 7, unless DE is set in the guest's CR4. {names}
 * `
 * ` Errors, in the order of the checks:
 * `   -ENODEV  no such register; or 4 or 5 with DE set {no-register} {NO_DEBUG_REGISTER}
 * `   -EPERM   0 to 3: an address that is the hypervisor's or not canonical {address}
 * `            {DEBUG_ADDRESS}
 * `   -EINVAL  6 and 7: a bit above 31 is set {high-bits} {DEBUG_HIGH_BITS}
 * `   -EPERM   7: GD is set, or a breakpoint on I/O without DE {forbidden} {DEBUG_DETECT DEBUG_PORT}
 * ` get_debugreg returns the contents, or -ENODEV for a register that does not exist.  Bits of 6 and 7 that cannot be
 * ` changed read as on the processor. {get}
 */

/*
 * `incontents 390 fpu_taskswitch Loading the FPU on demand: fpu_taskswitch
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_fpu_taskswitch(int set)
 * `
 * ` @set: Not 0: set TS in the vCPU's CR0.  0: clear it.
 * `
 * ` With TS set the next FPU instruction raises #NM. {set}
 * ` The hypervisor clears TS before it delivers #NM, so that the handler need not. {cleared}
 * ` The instruction clts, and a write of CR0 that changes no other bit, are emulated to the same effect. {clts}
 * `
 * ` It cannot fail. {no-error}
 */

#endif /* ABI_DEBUG_H */
