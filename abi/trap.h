/* SPDX-License-Identifier: MIT */
/*
 * The virtual interrupt descriptor table, what a handler finds on its stack, and the way back: iret.
 */
#ifndef ABI_TRAP_H
#define ABI_TRAP_H

#include "types.h"

/*
 * `incontents 300 set_trap_table Exception handlers: set_trap_table
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_trap_table(const struct trap_info traps[])
 * `
 * ` @traps: Handlers to install, ended by an entry whose address is 0. {ended}
 * `         NULL removes all handlers. {null}
 * `
 * ` The table is that of the calling vCPU. {own-vcpu}
 * ` Entries are installed one after the other; vectors that are not named keep their handler. {others-stay}
 * ` No handler gets a selector that leads into the hypervisor: its privilege bits are 3 for a 64-bit guest, 1 for a
 * ` 32-bit one. {selector}
 * `
 * ` Errors, in the order of the checks, for each entry; the entries before it stay installed: {before-stay}
 * `   -ESRCH   the domain is being torn down {dying} {DYING}
 * `   -EFAULT  the entry cannot be read {unreadable} {GUEST_FAULT}
 * `   -EINVAL  (64-bit guests) the address is not canonical, or is the hypervisor's {nowhere} {NOT_CANONICAL}
 * `
 * ` By int n the guest raises a vector itself, if the privilege in the flags allows it: 3 for user mode, 1 for the
 * ` kernel; else it gets #GP with the vector in the error code. {int-n}
 * ` int3, and int 0x80 that has a handler, get through whatever the flags say. {int-always}
 * ` A vector without handler that would have to be delivered destroys the domain. {no-handler}
 */
struct trap_info {
    uint8_t vector;   /* exception or interrupt vector */
    uint8_t flags;    /* bits 0-1: lowest privilege that may raise it by int n; bit 2: mask events on entry */
    uint16_t cs;      /* code selector of the handler; a 64-bit guest always gets FLAT_KERNEL_CS */
    uint32_t _gap0;
    uint64_t address; /* of the handler */
};

struct compat_trap_info {
    uint8_t vector;
    uint8_t flags;
    uint16_t cs; /* the privilege bits are set to 1; a null selector destroys the domain when used */
    uint32_t address;
};

/*
 * The parts of trap_info.flags, of either width.  The SET helpers add to what is there.
 */
#define TI_GET_DPL(ti)          ((ti)->flags & 3U)
#define TI_GET_IF(ti)           ((ti)->flags & 4U)
#define TI_SET_DPL(ti, dpl)     ((ti)->flags = (uint8_t)((ti)->flags | ((dpl) & 0xffU)))
#define TI_SET_IF(ti, mask)     ((ti)->flags = (uint8_t)((ti)->flags | ((mask) ? 4U : 0U)))

/*
 * `incontents 305 stack_switch The kernel's stack: stack_switch
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_stack_switch(unsigned long ss, unsigned long sp)
 * `
 * ` @ss: Stack segment selector; its privilege bits are set to the kernel's. {selector}
 * ` @sp: Stack pointer.
 * `
 * ` What the next entry from user mode into the kernel runs on: the handlers of [frame64] and [frame32] and
 * ` all callbacks. {used}
 * ` A kernel calls it at each switch between its tasks.  Without any call it is the boot stack. {boot-stack}
 * `
 * ` It cannot fail.  A stack that cannot be used shows when it is used, and destroys the domain then. {bad-stack}
 */

/*
 * `incontents 310 frame64 The stack frame of a handler, 64-bit guests
 * `
 * ` From the new rsp upwards, 8 bytes each:
 * `   rcx, r11, [error code], rip, cs, rflags, rsp, ss {words}
 * ` The error code is there for the vectors that have one. {error-code}
 * `
 * ` Stack: in kernel mode the current rsp; {stack-kernel}
 * ` in user mode the stack of [stack_switch], and the vCPU changes to kernel mode, which swaps the page table and the
 * ` GS base. {stack-user}
 * ` The stack pointer is rounded down to a multiple of 16 before anything is stored. {alignment}
 * `
 * ` The word cs: bits 0-15 the selector, with the privilege bits 0 if kernel mode was interrupted and 3 if
 * ` user mode was; {cs}
 * ` bits 32-39 the evtchn_upcall_mask that was in force.  In rflags the interrupt flag is the opposite of that
 * ` mask; {mask}
 * ` the IOPL bits are 0 unless VMASST_TYPE_architectural_iopl is on. {iopl}
 * `
 * ` The handler runs at FLAT_KERNEL_CS and FLAT_KERNEL_SS with TF, RF, NT, VM and AC clear, {handler}
 * ` and with events masked if bit 2 of the flags asks for it. {handler-mask}
 * ` It takes rcx and r11 from the stack first.  There is one stack for all vectors.
 * `
 * ` For vector 14 the faulting address is stored in vcpu_info.arch.cr2 before. {cr2}
 * ` The user bit of its error code is set for user mode and clear for kernel mode, whatever ring that is. {user-bit}
 * `
 * ` A frame that cannot be stored, or that would lie in the hypervisor's addresses, destroys the domain. {nowhere}
 */

/*
 * `incontents 320 frame32 The stack frame of a handler, 32-bit guests
 * `
 * ` From the new esp upwards, 4 bytes each:
 * `   [error code], eip, cs, eflags, [esp, ss]
 * ` esp and ss are there if ring 1 was not the one interrupted; the stack is then kernel_ss:kernel_sp of
 * ` [stack_switch], else the current one. {words}
 * ` The stack pointer is an address, whatever the base of its segment, and is not rounded. {stack}
 * `
 * ` Bits 16-23 of the word cs are the evtchn_upcall_mask that was in force, and in eflags the interrupt flag is the
 * ` opposite of that mask. {mask}
 * ` TF, RF, NT and VM are cleared in the live flags, AC is not. {flags}
 * ` For vector 14 the faulting address is stored in compat_vcpu_info.arch.cr2 before; the user bit of its error code is
 * ` the processor's. {cr2}
 * `
 * ` The handler runs in ring 1, in the code segment that it was given with; its stack has the segment of
 * ` [stack_switch], or keeps the one it has. {segments}
 * ` If that code segment is null, none for ring 1, or ends before the handler, or the stack's is none that ring 1
 * ` can write, the domain is destroyed; {bad-segment}
 * ` so it is by a frame that cannot be stored, or that would lie in the hypervisor's addresses. {nowhere}
 */

/*
 * `incontents 330 iret Returning from a handler: iret
 * `
 * ` void
 * ` HYPERVISOR_iret(void)
 * `
 * ` It takes no arguments and does not return: the state to continue with lies on the stack, an iret_context
 * ` or compat_iret_context at the current stack pointer. {frame}
 * `
 * ` 64-bit guests.  Privilege bits 3 in cs mean user mode: the vCPU changes to it, {to-user}
 * ` which without a user page table destroys the domain. {no-user-table}
 * ` cs and ss get privilege bits 3. {selectors}
 * ` In rflags IOPL and VM are cleared; {flags}
 * ` the interrupt flag asked for becomes the opposite of evtchn_upcall_mask, and the real one stays on. {mask}
 * ` With VMASST_TYPE_architectural_iopl the IOPL asked for is the one of the vCPU from then on, as if set with
 * ` PHYSDEVOP_set_iopl of [physdev_op]. {iopl}
 * ` Without VGCF_in_syscall in flags all registers come from the frame. {registers}
 * ` With it the return is as by the instruction sysret: rcx has the value of rip then and r11 that of rflags, whatever
 * ` the frame has for them, and cs and ss are FLAT_USER_CS64 and FLAT_USER_SS64, or FLAT_USER_CS32 and FLAT_USER_SS32 if
 * ` the frame's cs was FLAT_USER_CS32. {in-syscall}
 * `
 * ` 32-bit guests.  The frame is in the order of the instruction iret with eax below.  esp and ss are read
 * ` if the return leaves ring 1; else the stack goes on above the frame, in the same segment. {narrow}
 * ` Flags, mask and IOPL are as above. {narrow-flags}
 * ` A return to ring 0 destroys the domain. {narrow-ring-0}
 * ` VM in eflags gives #GP at the call, and nothing has changed. {narrow-vm}
 * `
 * ` A frame that cannot be read destroys the domain. {unreadable}
 * ` A selector or address that the processor refuses is raised as that exception in the context returned to. {refused}
 * ` The call ends the blocking of NMIs. {nmi}
 * ` A pending event that the new mask allows is delivered at once. {event}
 */
struct iret_context {
    uint64_t rax;
    uint64_t r11;
    uint64_t rcx;
    uint64_t flags; /* 0 or VGCF_in_syscall, => enum vcpu_context_flags */
    uint64_t rip;
    uint64_t cs;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

struct compat_iret_context {
    uint32_t eax;
    uint32_t eip;
    uint32_t cs;
    uint32_t eflags;
    uint32_t esp; /* this and ss only if the return leaves ring 1 */
    uint32_t ss;
};

#endif /* ABI_TRAP_H */
