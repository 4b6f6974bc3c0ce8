/* SPDX-License-Identifier: MIT */
/*
 * What a table entry may say, and the references that it holds.
 *
 * entry_decode() is the one judge of entries: for updates of every kind, for the scan of a whole table, and for the
 * builder.  It sees the entry as it will be and never the one that it replaces.  Fix-ups come first, checks second.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>

struct entry {
    uint64_t bits;        /* as the processor will see it */
    struct frame *frame;  /* the RAM frame that it refers to; NULL if not present, or not RAM */
    enum frame_type type; /* the type reference that it needs; TYPE_NONE: only a general one */
};

/*
 * Judge the entry @raw for slot @place.slot of a table of @level.  Pure: takes nothing, changes nothing.
 * 0: @entry says what it needs.  Errors: abi-facts 5.4 and 5.5, as documented in abi/mmu.h under [pte].
 */
int __must_check entry_decode(const struct op *op, const struct level *level, struct place place, uint64_t raw,
                              struct entry *entry);

/*
 * Take what @entry needs.  The locks of op are held; those of table levels may be dropped and retaken.
 * 0: the entry's references are held, and go with it when it is written.  Otherwise nothing is held.
 */
int __must_check entry_acquire(struct op *op, struct place place, const struct entry *entry);

/*
 * Drop what the entry @bits, which stood in a validated table of @level, held.  Cannot fail.  May
 * demote a table, hence preempt; and exchanges the locks for another domain's where the frame is foreign.
 */
void entry_release(struct op *op, const struct level *level, uint64_t bits);
