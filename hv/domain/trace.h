/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls and traps, written down in memory for whoever runs the machine: hv/base/trace_format.h.  Where it is not
 * asked for, no way in comes through here: they have entry points of their own (cpu_trace_calls(), cpu_trace_traps()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/trace_format.h>

struct hv_vcpu;
struct machine;

/* What is traced beside the calls themselves. */
struct trace_wanted {
    bool arguments; /* what they point to */
    bool traps;     /* exceptions, emulations and upcalls */
};

/*
 * Take memory for the ring, tell where it is, and have all calls traced from now on, before any other processor has
 * been started.  Without memory nothing is traced, which is said.
 */
void trace_start(struct machine *machine, struct trace_wanted wanted);

/*
 * The call of the running @vcpu that @record is about has ended with @result, TRACE_NO_RESULT where the guest goes on
 * elsewhere: write it down.  Its number, arguments, rip and beginning are filled in, the rest of it is here.
 */
void trace_call(struct hv_vcpu *vcpu, struct trace_record *record, int64_t result);

/* Are traps wanted? */
bool trace_has_traps(void);

/* Write @record down, of which all is filled in but its length, and the @nr_words of its payload. */
void trace_write(struct trace_record *record, const uint64_t *payload, unsigned nr_words);
