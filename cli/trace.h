/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls and traps traced: `paravane run --trace`.  The machine's memory is a file that this program has mapped as
 * well, so that the hypervisor needs nothing but stores to write them down: hv/base/trace_format.h.
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

#define TRACE_RANGES_MAX 8u

/* From the first to the last; a function of each guest's by its name, in place of addresses. */
struct trace_range {
    uint64_t first, last;
    const char *function; /* and its @length; NULL: none */
    size_t length;
};

/* What a record has to be like, all of it, to be told and counted. */
struct trace_filter {
    bool errors; /* calls that failed */
    unsigned nr_vcpus, nr_domains, nr_places;
    struct trace_range vcpus[TRACE_RANGES_MAX], domains[TRACE_RANGES_MAX], places[TRACE_RANGES_MAX];
};

struct trace {
    bool is_on, is_summary, is_json;
    bool has_traps;                   /* the hypervisor is to write those down as well */
    bool wanted[TRACE_CALLS_MAX + 1]; /* calls by number; the last: those without a name */
    bool wanted_kinds[TRACE_KINDS];   /* by enum trace_kind; of calls see above */
    struct trace_filter filter;
    int memory; /* the machine's, a file */
    char path[64];
    FILE *to;
    const struct guest *guests;
    unsigned nr_guests;
    struct trace_ring *ring; /* NULL: the hypervisor has not said where it is */
    const uint64_t *words;
    uint64_t size, tail; /* of the ring; read of it; bytes */
    uint64_t first;      /* the time stamp that others are counted from */
    bool is_told;        /* the last call, so that what belongs to it is */
    bool is_outer_told;  /* the last multicall, so that those in it need not say where they were made */
    bool is_broken;      /* the ring makes no sense */
    struct trace_count counts[TRACE_CALLS_MAX + 1]; /* the last: calls without a name */
    struct trace_count trap_counts[TRACE_KINDS][TRACE_VECTORS];
};

/*
 * Prepare for what @words says, of options->trace: "" all calls; or a list of "summary", groups and names of calls; as
 * far as @conditions allow, of options->trace_only, NULL for none; and write it to the file at @path, JSON if its name
 * ends so; NULL: stderr.  STATUS_USAGE: there is no such word.  The texts are needed until trace_close().
 */
enum status __must_check trace_open(struct trace *trace, const char *words, const char *conditions, const char *path);
void trace_close(struct trace *trace);

/* Look at a line of the hypervisor's: does it say where the ring is? */
void trace_note(struct trace *trace, const char *line);

/* Tell of what has been written since. */
void trace_drain(struct trace *trace);

/* The end: the summary, and what was lost. */
void trace_finish(struct trace *trace);

/* cli/trace_choose.c: the same words and conditions; and whether a record is wanted. */
enum status __must_check trace_choose(struct trace *trace, const char *words);
enum status __must_check trace_read_conditions(struct trace_filter *filter, const char *conditions);
bool trace_wants(struct trace *trace, const struct trace_record *record);

/* The symbols of @domain's kernel; NULL: it has none. */
const struct symbols *trace_symbols(const struct trace *trace, unsigned domain);

/* The place, and " <function+0xoffset>" behind it where there is one. */
void trace_tell_place(const struct trace *trace, unsigned domain, uint64_t place);

/* ,"key":"0xplace", and ,"key_symbol":"function+0xoffset". */
void trace_tell_json_place(const struct trace *trace, unsigned domain, const char *key, uint64_t place);

/* cli/trace_tell_trap.c: of an exception, an emulation or an upcall. */
void trace_tell_trap(const struct trace *trace, const struct trace_record *record, const uint64_t *payload);

/* Tell of a record in words, or as JSON; @payload are the words behind it. */
void trace_tell(const struct trace *trace, const struct trace_record *record, const uint64_t *payload);
