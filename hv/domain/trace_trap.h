/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, emulations and upcalls, written down.  What has become of a trap is seen from what the vCPU's frame was
 * before and is behind it, so that the ways that traps take are the same where nobody traces them.
 */
#pragma once

#include <hv/base/trace_format.h>

struct hv_vcpu;
struct cpu_frame;

/* Of the trap that has just come to @vcpu, which runs, with @frame. */
struct trace_record trace_trap_begin(const struct hv_vcpu *vcpu, const struct cpu_frame *frame);

/* It has been dealt with, and the vCPU is about to return to its guest: write down what has become of it. */
void trace_trap_end(struct hv_vcpu *vcpu, struct trace_record *record);

/* The same behind a call, which has left @rip as the place to go on at: write an upcall down, if there is one. */
void trace_upcall(struct hv_vcpu *vcpu, uint64_t rip);
