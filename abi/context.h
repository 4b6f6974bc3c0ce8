/* SPDX-License-Identifier: MIT */
/*
 * The registers of a vCPU, and all that a new vCPU starts with, in both widths.
 */
#ifndef ABI_CONTEXT_H
#define ABI_CONTEXT_H

#include "trap.h"
#include "types.h"

/*
 * `incontents 350 cpu_user_regs General registers
 * `
 * ` error_code and entry_vector have a meaning inside a hypervisor only; saved_upcall_mask is what the stack
 * ` frames of [frame64] and [frame32] carry beside cs.
 */
struct cpu_user_regs {
    uint64_t r15;
    uint64_t r14;
    uint64_t r13;
    uint64_t r12;
    uint64_t rbp;
    uint64_t rbx;
    uint64_t r11;
    uint64_t r10;
    uint64_t r9;
    uint64_t r8;
    uint64_t rax;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t rsi;
    uint64_t rdi;
    uint32_t error_code;
    uint32_t entry_vector;
    uint64_t rip;
    uint16_t cs;
    uint16_t _pad0[1];
    uint8_t saved_upcall_mask;
    uint8_t _pad1[3];
    uint64_t rflags;
    uint64_t rsp;
    uint16_t ss;
    uint16_t _pad2[3];
    uint16_t es;
    uint16_t _pad3[3];
    uint16_t ds;
    uint16_t _pad4[3];
    uint16_t fs;
    uint16_t _pad5[3];
    uint16_t gs;
    uint16_t _pad6[3];
};

struct compat_cpu_user_regs {
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
    uint32_t esi;
    uint32_t edi;
    uint32_t ebp;
    uint32_t eax;
    uint16_t error_code;
    uint16_t entry_vector;
    uint32_t eip;
    uint16_t cs;
    uint8_t saved_upcall_mask;
    uint8_t _pad0;
    uint32_t eflags;
    uint32_t esp;
    uint16_t ss;
    uint16_t _pad1;
    uint16_t es;
    uint16_t _pad2;
    uint16_t ds;
    uint16_t _pad3;
    uint16_t fs;
    uint16_t _pad4;
    uint16_t gs;
    uint16_t _pad5;
};

/*
 * `incontents 360 vcpu_guest_context The state that a vCPU starts with
 * `
 * ` VCPUOP_initialise of [vcpu_op] takes this structure.  The hypervisor adjusts it as the calls would that
 * ` set the same state one by one: descriptors as in [segdesc], selectors and rflags as in [iret], callbacks
 * ` as in [callback_op]. {adjusted}
 * `
 * ` A control register is as the guest would read it: ctrlreg[0] for CR0, of which only TS counts; ctrlreg[3]
 * ` for CR3, a machine frame in the form of xen_pfn_to_cr3; ctrlreg[4] for CR4.  ctrlreg[1] of a 64-bit guest
 * ` is the page table of user mode in the same form, or 0. {control-registers}
 * `
 * ` Of CR4 a vCPU has TSD, DE, OSXSAVE and, of a 64-bit guest, FSGSBASE; PAE, MCE, OSFXSR and OSXMMEXCPT read
 * ` as set.  Writes of any other bit are ignored, since kernels take the processor's own cpuid for what they
 * ` may set. {cr4}
 * ` OSXSAVE and FSGSBASE where the processor lacks the feature are #GP for the instruction, as on
 * ` that processor, and for a new vCPU leave CR4 as it is. {cr4-refused}
 * `
 * ` The GDT is given as machine frames, as in [set_gdt].  gdt_ents counts descriptors; a guest that puts its
 * ` number of pages there is served as well, because the limit of the table does not depend on it. {gdt}
 */
struct vcpu_guest_context {
    struct {
        uint8_t x[512]; /* in the format of fxsave; counts with VGCF_i387_valid */
    } fpu_ctxt;
    uint64_t flags; /* => enum vcpu_context_flags */
    struct cpu_user_regs user_regs;  /* see [cpu_user_regs] */
    struct trap_info trap_ctxt[256]; /* entry n for vector n */
    uint64_t ldt_base;               /* virtual address, page aligned */
    uint64_t ldt_ents;               /* descriptors */
    uint64_t gdt_frames[16];
    uint64_t gdt_ents;
    uint64_t kernel_ss; /* the stack of [stack_switch] */
    uint64_t kernel_sp;
    uint64_t ctrlreg[8];
    uint64_t debugreg[8]; /* DR0-DR3, DR6 and DR7 at their numbers */
    uint64_t event_callback_eip;
    uint64_t failsafe_callback_eip;
    uint64_t syscall_callback_eip;
    uint64_t vm_assist; /* bit n for the VMASST_TYPE_* that is n */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};

struct compat_vcpu_guest_context {
    struct {
        uint8_t x[512];
    } fpu_ctxt;
    uint32_t flags; /* => enum vcpu_context_flags */
    struct compat_cpu_user_regs user_regs;
    struct compat_trap_info trap_ctxt[256];
    uint32_t ldt_base;
    uint32_t ldt_ents;
    uint32_t gdt_frames[16];
    uint32_t gdt_ents;
    uint32_t kernel_ss;
    uint32_t kernel_sp;
    uint32_t ctrlreg[8];
    uint32_t debugreg[8];
    uint32_t event_callback_cs;
    uint32_t event_callback_eip;
    uint32_t failsafe_callback_cs;
    uint32_t failsafe_callback_eip;
    uint32_t vm_assist;
};

/* ` enum vcpu_context_flags { */
#define VGCF_i387_valid                 (1 << 0) /* fpu_ctxt is to be loaded */
#define VGCF_in_kernel                  (1 << 2) /* start in kernel mode; without it, in user mode */
#define VGCF_failsafe_disables_events   (1 << 3) /* the failsafe callback runs with events masked */
#define VGCF_syscall_disables_events    (1 << 4) /* the syscall callback does so, 64-bit guests */
#define VGCF_online                     (1 << 5) /* the vCPU is up */
#define VGCF_in_syscall                 (1 << 8) /* for iret_context.flags: return as sysret does */
/* ` } */

/*
 * A frame number in the form of cr3, and back.  A 32-bit guest keeps bits 20-31 of it in the low bits, so
 * that a top-level table can lie above 4 GiB.
 */
#define xen_pfn_to_cr3(pfn)             ((uint64_t)(pfn) << 12)
#define xen_cr3_to_pfn(cr3)             ((uint64_t)(cr3) >> 12)
#define compat_xen_pfn_to_cr3(pfn)      (((uint32_t)(pfn) << 12) | ((uint32_t)(pfn) >> 20))
#define compat_xen_cr3_to_pfn(cr3)      (((uint32_t)(cr3) >> 12) | ((uint32_t)(cr3) << 20))

#endif /* ABI_CONTEXT_H */
