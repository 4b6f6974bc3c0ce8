/* SPDX-License-Identifier: MIT */
/*
 * Who is next: of all vCPUs of all domains, each gets of the processors what its weight says.  There is one queue for
 * all processors, so that nothing has to balance them.  A domain's weight is shared by those of its vCPUs that are up.
 * What a vCPU has had is counted in ns at WEIGHT_DEFAULT: those of a heavier domain count for less.  Who wants to run
 * and has had least is next.
 *
 * Who blocks does not save up what it did not use: when it wakes it is behind the others by FAIR_CREDIT at most, which
 * is enough to run at once, ahead of one that uses all that it gets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/cpu/lock.h>

struct hv_domain;
struct hv_vcpu;

#define WEIGHT_DEFAULT 256u
#define WEIGHT_MAX     65535u
#define FAIR_CREDIT    UINT64_C(10000000)
#define FAIR_MOVE      UINT64_C(1000000) /* what it is worth to stay where the caches are warm */

struct vcpu_share {
    struct hv_vcpu *next; /* in the ring of all vCPUs */
    uint64_t had;
    uint64_t charged_until; /* while it has a processor: it has been charged until then */
    cpumask_t bound;        /* where it has bound itself to; none: what its domain is bound to counts */
    bool is_held;           /* that of vcpu.cpu has its registers, or is on its stack: no other runs it */
};

/*
 * Over all that is here, run states (hv/domain/runstate.h) and who runs where.  Held where any of these is called, but
 * for fair_behind() by who keeps vCPUs from coming and going, and fair_has_woken().
 */
#pragma GCC visibility push(hidden)
extern struct lock fair_lock;
extern bool fair_woken[MAX_CPUS]; /* for fair_has_woken() */
#pragma GCC visibility pop

/* Processor @cpu takes part from now on.  Number 0 does from the beginning. */
void fair_add_processor(unsigned cpu);

/* @vcpu is there from now on, with nothing to make up for; or is there no longer. */
void fair_add(struct hv_vcpu *vcpu);
void fair_remove(struct hv_vcpu *vcpu);

/* The vCPU behind @vcpu in the ring, or any for NULL; NULL: there are none. */
struct hv_vcpu *fair_behind(const struct hv_vcpu *vcpu);

/* Where @vcpu may run, of those that take part: any, where none of those that it or its domain is bound to does. */
cpumask_t fair_allowed(const struct hv_vcpu *vcpu);

/*
 * @vcpu, which runs on processor @cpu, is bound to @cpus from now on; none: to what its domain is.  True: it has to
 * leave, and *@other, which will have to look once it has, has been told.
 */
bool fair_bind(struct hv_vcpu *vcpu, unsigned cpu, cpumask_t cpus, unsigned *other);

/*
 * The vCPU that processor @cpu is to run, which counts as the last that ran then: of those that are runnable, may run
 * there, and are not held by another, who has had least, and of equals whoever comes first behind the one that ran
 * last.  Who ran elsewhere last counts as if it had had FAIR_MOVE more.  NULL: nobody wants to run there.
 */
struct hv_vcpu *fair_next(unsigned cpu);

/*
 * Processor @cpu is @vcpu's from @now on; or nobody's.  Here and below @now is what time_now() says with fair_lock
 * held: one reading for all that changes at one moment.
 */
void fair_begin(unsigned cpu, struct hv_vcpu *vcpu, uint64_t now);
void fair_end(unsigned cpu, uint64_t now);

/*
 * @vcpu has been blocked, or down, and will be runnable: called before its state changes.  Returns the processor that
 * has to look once it has: one that has nothing to do, or the one whose vCPU has had most.  That vCPU's attention is
 * set.
 */
unsigned fair_wake(struct hv_vcpu *vcpu, uint64_t now);

/*
 * Is there a processor that has nothing to do, has not been told to look, and could run a vCPU that waits?  It counts
 * as told then.
 */
bool fair_find_idle(unsigned *cpu);

/* @vcpu, which does not run, has had as much of the processors as @other, as if it were that one. */
void fair_follow(struct hv_vcpu *vcpu, const struct hv_vcpu *other);

/* Has processor @cpu been told to look for somebody since its last fair_next()? */
static inline bool fair_has_woken(unsigned cpu)
{
    return __atomic_load_n(&fair_woken[cpu], __ATOMIC_RELAXED);
}

/*
 * Between fair_begin() and fair_end() of @cpu: has somebody else who wants to run there had no more than the one that
 * runs?  The one that runs lets those go first that want to run.
 */
bool fair_is_ahead(unsigned cpu, uint64_t now);
void fair_step_back(unsigned cpu);

/* Does a processor other than @cpu hold a vCPU of @domain? */
bool fair_is_held_elsewhere(const struct hv_domain *domain, unsigned cpu);

/* Do several processors take part? */
bool fair_has_several(void);

/* Does anybody want to run on processor @cpu? */
bool fair_is_wanted(unsigned cpu);
