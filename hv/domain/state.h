/* SPDX-License-Identifier: MIT */
/*
 * What of the processor's state belongs to a vCPU beside the registers of struct cpu_frame: segments and their bases,
 * control and debug registers, and the extended state (x87, SSE, AVX...).  While the vCPU runs the processor holds
 * these; state_save() and state_load() move them at a switch of vCPUs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>

struct hv_vcpu;

struct vcpu_state {
    uint16_t ds, es, fs, gs;
    uint64_t fs_base;
    uint64_t gs_base;          /* the active one */
    uint64_t gs_base_inactive; /* of the other mode: MSR_KERNEL_GS_BASE while the vCPU runs */
    uint64_t cr4;              /* the bits that the guest has set, of those it may set */
    uint64_t debug[8];         /* DR0-DR3, DR6, DR7; state_load() loads them if DR7 enables any */
    uint64_t iopl;             /* the I/O privilege level that the guest has, 0 to 3, as it stands in rflags */
    bool task_switched;        /* CR0.TS as the guest sees it; the real one is the same while it runs */
    void *extended;            /* its xsave or fxsave area; 64-byte aligned */
    uint64_t xcr0;
};

/* Find out what there is to save, once, before the first vCPU.  Sets CR4.OSXSAVE where the processor has xsave. */
void state_init(void);

/* Set this processor, another one, up as the first is. */
void state_init_other(void);

/* The parts of the extended state that guests may enable; 0: the processor has no xsave. */
uint64_t state_xcr0_offered(void);

/* Make @vcpu's state that of start of day.  -XEN_ENOMEM: there is no room for the extended state. */
int __must_check state_create(struct hv_vcpu *vcpu);
void state_destroy(struct hv_vcpu *vcpu);

/* x87 and SSE state for a vCPU that does not run, 512 bytes as of fxsave.  False: the processor would not take it. */
bool __must_check state_set_extended(struct hv_vcpu *vcpu, const void *fxsave);

/*
 * Move between the processor and @vcpu, which runs on it, or is about to.  Segments are loaded on the vCPU's own stack,
 * because the LDT may have to come for that.  False: a selector means nothing any more, and is null now.
 */
void state_save(struct hv_vcpu *vcpu);
void state_load(struct hv_vcpu *vcpu);
bool __must_check state_load_segments(const struct hv_vcpu *vcpu);

/*
 * Load the data segments of @vcpu, which runs, by their selectors once more, and null where that is refused: for what
 * may come from a mode in which a selector is any number.  The bases of a 64-bit guest stay.
 */
void state_renew_segments(const struct hv_vcpu *vcpu);

/* Load null selectors into the processor's data segments, for a guest that has none that mean anything. */
void state_drop_segments(void);

/* The two modes of a 64-bit guest have a gs base each: exchange them on the processor. */
void state_swap_gs(void);

/*
 * Set or read a base of the running vCPU, in the form of SEGBASE_* (abi/segment.h); the caller has checked the address.
 */
void state_set_fs_base(uint64_t base);
void state_set_gs_base(uint64_t base);
void state_set_gs_base_inactive(uint64_t base);
uint64_t state_fs_base(void);
uint64_t state_gs_base(void);
uint64_t state_gs_base_inactive(void);

/* Load gs of the mode that is not active, base included.  False: the processor refused the selector. */
bool state_load_inactive_gs(uint16_t selector);

/* CR0.TS of @vcpu; xcr0 of the running one (-XEN_EINVAL: not a value that the processor takes). */
void state_set_task_switched(struct hv_vcpu *vcpu, bool set);
int __must_check state_set_xcr0(struct hv_vcpu *vcpu, uint64_t xcr0);

/*
 * CR4 of @vcpu.  Of the bits that guests may set, FSGSBASE and OSXSAVE belong to features that a processor may lack:
 * where it does, and cpuid_guest() hides them, a value with such a bit is refused as that processor would.  All other
 * bits are the hypervisor's, and what a guest would have them be does not matter.  False: refused, nothing has changed.
 */
bool state_set_cr4(struct hv_vcpu *vcpu, uint64_t cr4);

/* CR4 as the running vCPU's guest reads it. */
uint64_t state_guest_cr4(const struct hv_vcpu *vcpu);

/*
 * A debug register of @vcpu by its number, with the rules of set_debugreg, [debugreg] of abi/debug.h.  Where it is
 * refused nothing has changed.  What is read is refused for DEBUG_NO_REGISTER alone.
 */
enum debug_verdict {
    DEBUG_DONE,
    DEBUG_NO_REGISTER,
    DEBUG_ADDRESS,   /* it is not the guest's */
    DEBUG_HIGH_BITS, /* 6 and 7: there are 32 */
    DEBUG_DETECT,    /* 7: GD, by which the hypervisor's own use of the registers would fault */
    DEBUG_PORT,      /* 7: a breakpoint on a port, without DE in CR4 */
};
enum debug_verdict __must_check state_set_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t value);
enum debug_verdict __must_check state_get_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t *value);
