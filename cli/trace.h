/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls traced: `paravane run --trace`.  The machine's memory is a file that this program has mapped as well, so
 * that the hypervisor needs nothing but stores to write them down: hv/base/trace_format.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <hv/base/trace_format.h>
#include <cli/guest.h>

#define TRACE_CALLS_MAX 64u /* of numbers that have a name, one more than the highest */

/* What is known of the calls of one number. */
struct trace_count {
    uint64_t calls, errors, ticks;
};

struct trace {
    bool is_on, is_summary, is_json;
    bool is_chosen; /* only calls of which wanted[number] is true */
    bool wanted[TRACE_CALLS_MAX];
    int memory; /* the machine's, a file */
    char path[64];
    FILE *to;
    const struct guest *guests;
    unsigned nr_guests;
    struct trace_ring *ring; /* NULL: the hypervisor has not said where it is */
    const uint64_t *words;
    uint64_t size, tail;     /* of the ring; read of it; bytes */
    uint64_t first;          /* the time stamp that others are counted from */
    bool is_told, is_broken; /* was the last call told, so that what belongs to it is; the ring makes no sense */
    struct trace_count counts[TRACE_CALLS_MAX + 1]; /* the last: calls without a name */
};

/*
 * Prepare for what @words says, of options->trace: "" all calls; or a list of "summary" and names of calls, and write
 * it to the file at @path, JSON if its name ends so; NULL: stderr.  STATUS_USAGE: no such call.  trace_close() it.
 */
enum status __must_check trace_open(struct trace *trace, const char *words, const char *path);
void trace_close(struct trace *trace);

/* Look at a line of the hypervisor's: does it say where the ring is? */
void trace_note(struct trace *trace, const char *line);

/* Tell of what has been written since. */
void trace_drain(struct trace *trace);

/* The end: the summary, and what was lost. */
void trace_finish(struct trace *trace);

/* Tell of a record in words, or as JSON; @payload are the words behind it. */
void trace_tell(const struct trace *trace, const struct trace_record *record, const uint64_t *payload);
