/* SPDX-License-Identifier: MIT */
/*
 * Entering the guest's kernel: the frame that a handler finds on its stack, and where handlers are.  abi/trap.h and
 * abi/callback.h say what the guest sees.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_vcpu;
struct cpu_frame;

struct callback {
    uint64_t address; /* 0: none */
    bool mask_events;
    uint16_t cs; /* of a 32-bit guest's handler */
};

struct vcpu_bounce {
    uint64_t kernel_sp; /* of stack_switch */
    uint64_t kernel_ss; /* kept for 32-bit kernels; that of a 64-bit one is always FLAT_KERNEL_SS64 */
    struct callback event, failsafe, syscall, syscall32, sysenter, nmi;
    bool nmi_pending; /* VCPUOP_send_nmi, or a callback registered with a reason pending */
    bool nmi_blocked; /* from its delivery to the next iret */
};

/*
 * Each of these makes the guest's kernel run a handler when the vCPU next returns to its guest: it leaves user mode if
 * need be, writes the frame to the kernel's stack, and changes vcpu->frame.  Where that is impossible (no handler, a
 * stack that cannot be written), the domain crashes.
 */

/* Exception @vector of trap_info, without or with @error code; rip of the frame is vcpu->frame's.  #PF: after cr2. */
void bounce_exception(struct hv_vcpu *vcpu, unsigned vector);
void bounce_exception_error(struct hv_vcpu *vcpu, unsigned vector, uint64_t error);

/* A page fault at @address, with @error as the processor gave it; its U bit is set anew, by the guest's mode. */
void bounce_page_fault(struct hv_vcpu *vcpu, uint64_t address, uint64_t error);

/* The syscall, sysenter, failsafe, NMI and event callbacks. */
void bounce_syscall(struct hv_vcpu *vcpu);
void bounce_sysenter(struct hv_vcpu *vcpu);
void bounce_failsafe(struct hv_vcpu *vcpu, const uint64_t selectors[4]);
void bounce_nmi(struct hv_vcpu *vcpu);

/* The NMI callback is to run on @vcpu as soon as it may. */
void bounce_request_nmi(struct hv_vcpu *vcpu);
void bounce_event(struct hv_vcpu *vcpu);
