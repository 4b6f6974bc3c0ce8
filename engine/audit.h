/* SPDX-License-Identifier: MIT */
/*
 * The invariants, as predicates over a whole machine: they recount everything from the roots and compare it with the
 * frame table.  No operation is under way.  Slow and simple on purpose; for tests, debug builds and the leak check.
 */
#pragma once

#include <engine/machine.h>

/* What the first broken invariant is about. */
struct audit_finding {
    const char *invariant; /* "inv_..." */
    mfn_t frame;
    uint64_t expected, found;
};

/*
 * Memory that an audit needs, for each frame, all zero, given by the caller and left zero.
 */
struct audit_counts {
    uint32_t refs, uses;
    int32_t unmapped, unmapped_writable; /* mappings by others beyond their entries */
    uint32_t links_to, links_from;       /* to other tables of its level, and from them */
};

/*
 * Check all invariants of @machine with @counts (machine->nr_frames of them).  True: all hold.  False: @finding says
 * which does not.  Nobody is in the middle of an operation, and the locks of all domains are held where there are
 * others who could begin one: those that have begun wait, and have counted nothing yet.
 */
bool audit_machine(const struct machine *machine, struct audit_counts *counts, struct audit_finding *finding);
