/* SPDX-License-Identifier: MIT */
/*
 * Who is next: of all vCPUs of all domains, each gets of the processor what its weight says.  A domain's weight is
 * shared by those of its vCPUs that are up.  What a vCPU has had is counted in ns at WEIGHT_DEFAULT: those of a heavier
 * domain count for less.  Who wants to run and has had least is next.
 *
 * Who blocks does not save up what it did not use: when it wakes it is behind the others by FAIR_CREDIT at most, which
 * is enough to run at once, ahead of one that uses all that it gets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_vcpu;

#define WEIGHT_DEFAULT 256u
#define WEIGHT_MAX     65535u
#define FAIR_CREDIT    UINT64_C(10000000)

struct vcpu_share {
    struct hv_vcpu *next; /* in the ring of all vCPUs */
    uint64_t had;
};

/* @vcpu is there from now on, with nothing to make up for; or is there no longer. */
void fair_add(struct hv_vcpu *vcpu);
void fair_remove(struct hv_vcpu *vcpu);

/* The vCPU behind @vcpu in the ring, or any for NULL; NULL: there are none. */
struct hv_vcpu *fair_behind(const struct hv_vcpu *vcpu);

/*
 * The vCPU to run, which counts as the last that ran then: of those that are runnable who has had least, and of equals
 * whoever comes first behind the one that ran last.  NULL: nobody wants to run.
 */
struct hv_vcpu *fair_next(void);

/* The processor is @vcpu's from now on; or nobody's. */
void fair_begin(struct hv_vcpu *vcpu);
void fair_end(void);

/*
 * @vcpu has been blocked, or down, and will be runnable: called before its state changes.  Sets the attention of the
 * one that runs.
 */
void fair_wake(struct hv_vcpu *vcpu);

/* @vcpu, which does not run, has had as much of the processor as @other, as if it were that one. */
void fair_follow(struct hv_vcpu *vcpu, const struct hv_vcpu *other);

/* Has anybody been woken since the last fair_next()? */
bool fair_has_woken(void);

/*
 * Between fair_begin() and fair_end(): has somebody else who wants to run had no more than the one that runs?  The one
 * that runs lets those go first that want to run.
 */
bool fair_is_ahead(void);
void fair_step_back(void);

/* Does anybody want to run? */
bool fair_is_wanted(void);
