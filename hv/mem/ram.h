/* SPDX-License-Identifier: MIT */
/*
 * The machine's RAM: what the loader said, who gets what of it, and the engine's machine on top.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/machine.h>
#include <hv/base/ranges.h>

/* Things that a run may want and that cost memory. */
struct ram_options {
    bool audit;         /* ram_audit_counts() will be there */
    uint64_t pool_seed; /* of the order in which frames are handed out */
};

/*
 * Build the page tables, the frame table, the M2P of both widths and the pool, switch over to them, and fill in
 * @machine.  @whole is what the loader calls RAM; of it only @kept, the bundle, stays as it is: hv/mem/early.h.  Prints
 * a summary; ends with EXIT_UNSUPPORTED and the reason where the machine, or what the loader has done, does not do.
 */
void ram_init(const struct ranges *whole, struct range kept, const struct ram_options *options,
              struct machine *machine);

struct audit_counts;

/* One for each frame, all zero, for audit_machine(); NULL if struct ram_options did not ask for it. */
struct audit_counts *ram_audit_counts(void);
