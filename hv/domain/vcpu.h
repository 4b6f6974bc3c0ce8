/* SPDX-License-Identifier: MIT */
/* A virtual processor, as the hypervisor sees it: the engine's part, and what runs it. */
#pragma once

#include <abi/shared.h>
#include <engine/machine.h>
#include <hv/cpu/trap.h>
#include <hv/domain/bounce.h>
#include <hv/domain/domain.h>
#include <hv/domain/event.h>
#include <hv/domain/fair.h>
#include <hv/domain/narrow_root.h>
#include <hv/domain/report.h>
#include <hv/domain/sched.h>
#include <hv/domain/state.h>
#include <hv/domain/vcpu_time.h>

struct hv_vcpu {
    struct vcpu engine;        /* first: the engine hands out pointers to it */
    unsigned window;           /* its descriptor window */
    const struct cpu *gdt_of;  /* whose page of the GDT that shows; NULL: nobody's yet */
    struct cpu_frame *frame;   /* the guest's registers, at the top of the vCPU's hypervisor stack */
    struct vcpu_run run;       /* where its hypervisor stack is, and whether it wants to run */
    struct vcpu_share share;   /* what it has had of the processor */
    struct vcpu_state state;   /* of the processor, what @frame does not hold */
    struct vcpu_bounce bounce; /* how to enter the guest's kernel */
    struct vcpu_events events;
    struct vcpu_time time;
    struct vcpu_report report;
    struct narrow_root narrow_root;
    /*
     * The vcpu_info that the guest sees, in memory that it can write at any moment: in shared_info, or where
     * VCPUOP_register_vcpu_info has put it.  NULL if there is none (vCPUs from 32 on, which there are not yet).
     */
    struct vcpu_info *info;
    mfn_t info_frame;  /* the frame held for it after VCPUOP_register_vcpu_info; MFN_NONE before */
    bool initialised;  /* by VCPUOP_initialise or the builder */
    bool initialising; /* a VCPUOP_initialise is under way, which may have been preempted */
};

static inline struct hv_vcpu *hv_vcpu_of(struct vcpu *vcpu)
{
    return (struct hv_vcpu *)vcpu;
}
_Static_assert(offsetof(struct hv_vcpu, engine) == 0, "hv_vcpu_of()");

static inline struct hv_domain *hv_vcpu_domain(const struct hv_vcpu *vcpu)
{
    return hv_domain_of(vcpu->engine.domain);
}

/* Is its guest one of 64 bits? */
static inline bool hv_vcpu_is_64bit(const struct hv_vcpu *vcpu)
{
    return hv_domain_is_64bit(hv_vcpu_domain(vcpu));
}

/*
 * Is the guest of @vcpu in user mode?  The mode of a 64-bit guest is the hypervisor's own record; a 32-bit guest
 * changes it without a call, and is in its kernel in ring 1.
 */
static inline bool hv_vcpu_in_user_mode(const struct hv_vcpu *vcpu)
{
    if (hv_vcpu_is_64bit(vcpu))
        return vcpu->engine.user_mode;
    return TRAP_RING(vcpu->frame) != NARROW_KERNEL_RING;
}

/*
 * Should the event callback run when @vcpu returns to its guest: is an upcall pending, and not masked?  Asked on every
 * return, so both bytes are read at once.
 */
static inline bool hv_vcpu_has_upcall(const struct hv_vcpu *vcpu)
{
    uint16_t both = __atomic_load_n((const uint16_t *)(const void *)vcpu->info, __ATOMIC_RELAXED);

    return (both & 0xff) && !(both >> 8);
}
_Static_assert(offsetof(struct vcpu_info, evtchn_upcall_pending) == 0, "hv_vcpu_has_upcall()");
_Static_assert(offsetof(struct vcpu_info, evtchn_upcall_mask) == 1, "hv_vcpu_has_upcall()");
_Static_assert(offsetof(struct compat_vcpu_info, evtchn_upcall_mask) == 1, "hv_vcpu_has_upcall()");

/* vCPU @id of @domain; NULL if there is none. */
static inline struct hv_vcpu *hv_vcpu_find(const struct hv_domain *domain, uint64_t id)
{
    return id < domain->engine.nr_vcpus ? hv_vcpu_of(domain->engine.vcpus[id]) : NULL;
}

/*
 * Have this processor run @vcpu from now on: its root, or the hypervisor's own where it has none, its descriptor
 * window, its stack for entries from the guest, and the guards that its width allows.  NULL: no vCPU at all.  The
 * translations of the one before are forgotten, and the engine hears of it.
 */
void hv_vcpu_switch(struct machine *machine, struct hv_vcpu *vcpu);

/* Load the root of this processor's vCPU again, which has changed; NULL: it has none. */
void hv_vcpu_load_root(const struct hv_vcpu *vcpu);

/* The same for its LDT, in a GDT that is loaded. */
void hv_vcpu_load_ldt(const struct hv_vcpu *vcpu);

/*
 * There is something for sched_run() to return: the vCPU that runs on its processor, if one does, gives way on its way
 * to its guest.
 */
void hv_vcpu_give_way(void);
