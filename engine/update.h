/* SPDX-License-Identifier: MIT */
/*
 * Changing one entry of a live table: decode, acquire, commit.  Every way to change an entry ends here, or in the short
 * case of engine/leaf.h.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>

enum update_kind {
    UPDATE_REPLACE, /* the new entry replaces whatever stands there */
    UPDATE_KEEP_AD, /* accessed and dirty bits that are set there stay set */
    UPDATE_EXPECT,  /* only if @expected still stands there */
};

struct update {
    uint64_t value; /* the entry that is asked for */
    enum update_kind kind;
    uint64_t expected; /* UPDATE_EXPECT */
};

/*
 * Make the new entry the live one.  Processors may set accessed and dirty bits at any moment; nothing else changes a
 * live entry while the lock is held.  So where those bits are of no interest, a load and a store are enough: the store
 * is one atomic write, and what it overwrites is known but for bits that nobody wants (the fence that a stamp needs is
 * in tlb_stamp()).  The first two forms cannot fail.  @old gets what the entry replaces.
 */
FORCE_INLINE bool update_commit(uint64_t *live, uint64_t bits, const struct update *update, uint64_t *old)
{
    *old = __atomic_load_n(live, __ATOMIC_RELAXED);
    switch (update->kind) {
    case UPDATE_REPLACE:
        __atomic_store_n(live, bits, __ATOMIC_RELEASE);
        return true;
    case UPDATE_KEEP_AD:
        while (!__atomic_compare_exchange_n(live, old, bits | (*old & ENTRY_AD), false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED))
            ;
        return true;
    case UPDATE_EXPECT:
        *old = update->expected;
        return __atomic_compare_exchange_n(live, old, bits, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    CHECK(false);
}

/*
 * Do both entries hold the same references?  Both are present and differ in inert bits alone.  For UPDATE_EXPECT the
 * question is about the entry expected: if another stands there, nothing is committed.
 */
FORCE_INLINE bool update_keeps_references(uint64_t old, uint64_t new)
{
    return (ENTRY_PRESENT & old & new) && !((old ^ new) & ~ENTRY_INERT);
}

/*
 * Write entry @index of @table, which is live, as @update says.  Level 1 keeps the locks, but for what
 * update_leaf_other() says; above, the caller holds a type and a general reference on @table, and locks may be dropped
 * and retaken.
 * 0: done; the old entry's references are dropped, the new one's held.  Errors of entry_decode() and entry_acquire(),
 * those of hypervisor slots; -XEN_EAGAIN: not what UPDATE_EXPECT expected, no refusal.  Then nothing has changed.
 */
int __must_check update_entry(struct op *op, struct frame *table, unsigned index, const struct update *update);

/*
 * update_entry() for a table that is known to be a live L1, with its contents at @entries, of an entry that
 * leaf_update() of engine/leaf.h has just been asked for in vain.  Drops the locks only where the old entry's frame is
 * a third domain's (op->unlocks tells).
 */
int __must_check update_leaf_other(struct op *op, mfn_t table, uint64_t *entries, unsigned index,
                                   const struct update *update);

/*
 * Move entry @from_index of @from to @to_index of @to, another place: the references go with it.  What
 * stood there is dropped, by which the locks may be exchanged for its frame's owner's.  Both tables are live L1 tables
 * of one domain.  Cannot fail, since entries of level 1 may stand in any slot.
 */
void update_move_leaf(struct op *op, struct frame *to, unsigned to_index, struct frame *from, unsigned from_index);

/*
 * Write @update->value to the 8 bytes @index of @frame, which is whatever it is now: an entry of a live table as by
 * update_entry(), in a writable or idle frame plain memory, which gets just the value.  Waits for a frame under
 * conversion.
 */
int __must_check update_memory(struct op *op, struct frame *frame, unsigned index, const struct update *update);

/*
 * Flush what the operation's updates of upper entries made stale, on every processor of the tables' domain.  Not for
 * safety, which the flushes at type changes see to: guests have come to rely on it (abi/mmu.h, [mmu_update]).  Locks
 * may be dropped and retaken.
 */
void update_flush(struct op *op);
