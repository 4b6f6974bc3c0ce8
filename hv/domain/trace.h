/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls, written down in memory for whoever runs the machine: hv/base/trace_format.h.  Where it is not asked for,
 * no way in comes through here: the guests' calls have entry points of their own (cpu_trace_calls()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/trace_format.h>

struct hv_vcpu;
struct machine;

/*
 * Take memory for the ring, tell where it is, and have all calls traced from now on, before any other processor has
 * been started: @deep with what their arguments point to.  Without memory nothing is traced, which is said.
 */
void trace_start(struct machine *machine, bool deep);

/*
 * The call of the running @vcpu that @record is about has ended with @result, TRACE_NO_RESULT where the guest goes on
 * elsewhere: write it down.  Its number, arguments, rip and beginning are filled in, the rest of it is here.
 */
void trace_call(struct hv_vcpu *vcpu, struct trace_record *record, int64_t result);
