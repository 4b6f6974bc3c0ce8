/* SPDX-License-Identifier: MIT */
/* What a vCPU is at: running, runnable, blocked or offline, and for how long it has been. */
#pragma once

#include <stdbool.h>

#include <abi/vcpu.h>

struct hv_vcpu;

/* A new vCPU is offline. */
void runstate_init(struct hv_vcpu *vcpu);

/*
 * @vcpu is in @state, one of RUNSTATE_*, from @now on, what time_now() says.  fair_lock is held, as whenever one is
 * looked at to act on.
 */
void runstate_set(struct hv_vcpu *vcpu, unsigned state, uint64_t now);

/* @vcpu, blocked or not, has something to do; one that another processor runs comes into the hypervisor for it. */
void runstate_wake(struct hv_vcpu *vcpu);

/* @vcpu is up from now on, and runs if it was offline. */
void runstate_start(struct hv_vcpu *vcpu);

/* @vcpu looks at what has become of it before it goes on with its guest; one that is blocked stays so. */
void runstate_interrupt(struct hv_vcpu *vcpu);

/* Is @vcpu the one that this processor runs, on its stack? */
bool runstate_is_here(const struct hv_vcpu *vcpu);

/* The runstate of @vcpu at this moment, its times brought up to date. */
struct vcpu_runstate_info runstate_read(const struct hv_vcpu *vcpu);

/* Write the runstate of the running vCPU to its area, if that can be reached. */
void runstate_show(struct hv_vcpu *vcpu);
