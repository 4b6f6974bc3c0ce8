/* SPDX-License-Identifier: MIT */
/* What the groups of calls on page tables share. */
#pragma once

#include <guest/types.h>
#include <guests/differential/choose.h>
#include <guests/differential/pointer.h>

/* An entry: a frame of the world and flags.  Says " LABEL=FRAME.FLAGS". */
uint64_t entry_choose(const char *label);

/* foreigndom: of mmu_update with the owner of the tables in the upper half. */
uint64_t foreign_choose(bool tables);

/* Where the number of operations done goes: mostly a good place. */
enum pointer_kind done_choose(uint64_t *address);

/* Say what is there now; how many operations were done, 0 if it cannot be known. */
unsigned done_say(enum pointer_kind kind);
