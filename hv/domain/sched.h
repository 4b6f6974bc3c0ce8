/* SPDX-License-Identifier: MIT */
/*
 * Who runs.  Each vCPU has a hypervisor stack of its own; each processor has one more, on which sched_run() picks the
 * next vCPU and idles where there is none.  A vCPU leaves the processor only inside the functions here.  Interrupts are
 * off in the hypervisor, except while it idles and before a vCPU gets a turn between two of the roof's work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/vcpu.h>
#include <engine/types.h>

struct hv_domain;
struct hv_vcpu;
struct machine;

struct vcpu_run {
    uint64_t stack;                 /* where its hypervisor stack says whose it is, and its guest's frame ends */
    uint64_t sleeping;              /* rsp of the stack while the vCPU is not on a processor */
    bool arrives;                   /* it has come to the processor, which does not have its segments yet */
    bool attention;                 /* before it returns to its guest there is something to look at: hv/trap.c */
    bool down;                      /* VCPUOP_down, or not up yet: stays offline */
    bool started;                   /* it has been up */
    bool polling;                   /* blocked in SCHEDOP_poll: wakes for its ports, delivers nothing by that */
    struct vcpu_runstate_info info; /* state: RUNSTATE_running, runnable, blocked, offline; times in ns */
    uint64_t area;                  /* where the guest wants to see it, a virtual address; 0: nowhere */
};

/* Give @vcpu its stack, its guest's registers all zero in vcpu->frame.  -XEN_ENOMEM. */
int __must_check sched_create(struct hv_vcpu *vcpu);
void sched_destroy(struct hv_vcpu *vcpu);

/*
 * Run the vCPUs of all domains until one has ended, and all its operations with it.  Returns that domain, whose vCPUs
 * the caller retires; or one that has none, of zombie_take() (hv/domain/zombie.h).  NULL: there is no domain with a
 * vCPU.  Called on the processor's own stack, by nobody but the roof.
 *
 * What the caller does from then until it calls this again is work that takes turns with vCPUs, with the weight of the
 * domain returned: it goes through sched_yield_work() when sched_is_due().  Another domain that ends meanwhile waits.
 */
struct hv_domain *sched_run(struct machine *machine);

/*
 * The same on every other processor, for ever and without the roof's work: this processor takes part from now on, on
 * its own stack.
 */
_Noreturn void sched_run_beside(struct machine *machine);

/* Another processor wants this one to look: VECTOR_KICK.  Who runs does so on its way back to its guest. */
void sched_kicked(void);

/* Such work lets others run: those turns of vCPUs are within this.  Before the first sched_run() nothing happens. */
void sched_yield_work(void);

/* @vcpu, which is new, is the one that it was done for: what the work has had of the processor, @vcpu has had. */
void sched_follow_work(struct hv_vcpu *vcpu);

/* @vcpu, of a domain that sched_run() has returned, never runs again, whatever it was at. */
void sched_retire(struct hv_vcpu *vcpu);

/* An offline vCPU comes up: it runs from vcpu->frame on. */
void sched_start(struct hv_vcpu *vcpu);

/* The running vCPU has nothing to do until runstate_wake(): returns after that. */
void sched_block(struct hv_vcpu *vcpu);

/* The running vCPU is on its own stack again, or for the first time. */
void sched_arrive(void);

/* Is the stack in use that of a vCPU, and not the processor's own? */
bool sched_is_on_vcpu(void);

/* The running vCPU lets others run. */
void sched_yield(void);

/* The same, even if it has had less of the processor than they have: SCHEDOP_yield. */
void sched_step_back(void);

/*
 * The running vCPU may run on @cpus only from now on, of those that take part, and does when this returns; none: on
 * those that its domain is bound to.
 */
void sched_bind(cpumask_t cpus);

/* Where @vcpu may run: on all that take part, where it is bound to none of them. */
cpumask_t sched_allowed(const struct hv_vcpu *vcpu);

/* @vcpu goes down, the running one or another: it does not return to its guest until sched_start(). */
void sched_stop(struct hv_vcpu *vcpu);

/* The running @vcpu does what others have made of it: if it is down, or its domain has ended, it does not go on. */
void sched_obey(struct hv_vcpu *vcpu);

/*
 * Has the running vCPU used up its turn, has one been woken that has had less, or has a domain ended?  Who is woken at
 * the beginning of a turn has to wait for 1 ms of it; an interrupt comes then.  On the processor's own stack: has the
 * work there used up its turn, of 1 ms?
 */
bool sched_is_due(void);

/*
 * The same of the running vCPU.  A turn that is ripe can be over by nothing but what the vCPU uses of the processor:
 * it has to look again.  While it just goes on, whoever wakes another, or the timer of the turn, sets the vCPU's
 * attention.
 */
enum sched_turn {
    TURN_GOES_ON,
    TURN_IS_RIPE,
    TURN_IS_OVER,
};
enum sched_turn sched_look(void);
