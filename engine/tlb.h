/* SPDX-License-Identifier: MIT */
/*
 * When may a processor still hold a translation that memory no longer justifies?
 *
 * A clock ticks when a flush begins.  A frame is stamped with the clock when its last use of a type, or its last
 * reference, has gone from memory: every translation of that use was made from an entry read before.  A processor whose
 * last full flush began at a later tick than the stamp has dropped all of them.  The stamp is read after the new entry
 * is visible to every processor, so a flush that began before is never taken for one that came after (XSA-241).
 *
 * The clock is 32 bits wide and compared as a serial number.  Whenever it enters another quarter of its range, a mark
 * says so, and the next operation has all processors flush before it makes or compares a stamp: so the last flush of
 * each lies less than half a range back.  The mark, unlike a difference of ticks, survives that the clock goes round
 * while there is no operation.
 */
#pragma once

#include <engine/machine.h>

#define TLB_QUARTER (UINT32_C(1) << 30)

/*
 * The clock now: the stamp of a use that has just ended.  The fence is between the store of the entry that ended it,
 * which may still wait in this processor's store buffer, and the reading of the clock.
 */
static inline uint32_t tlb_now(const struct machine *machine)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&machine->tlb.now, __ATOMIC_SEQ_CST);
}

/* The processors that may still use a translation that ended at @stamp. */
cpumask_t tlb_stale(const struct machine *machine, uint32_t stamp);

/* Flush @cpus now, wholly. */
void tlb_flush(struct machine *machine, cpumask_t cpus);

/* Called where an operation takes its locks: have all processors flush if the clock has entered another quarter. */
void tlb_keep_up(struct machine *machine);

/* Flush those processors that may still use a translation that ended at @stamp: none, if all have flushed since. */
void tlb_settle(struct machine *machine, uint32_t stamp);

/*
 * For a full flush that the machine makes by itself, as a change of root does: tlb_flush_begin() before it,
 * tlb_flush_end() with what that returned after it.  Neither flushes anything or waits for anybody.
 */
static inline uint32_t tlb_flush_begin(struct machine *machine)
{
    uint32_t began = __atomic_add_fetch(&machine->tlb.now, 1, __ATOMIC_SEQ_CST);

    if (began % TLB_QUARTER == 0)
        __atomic_store_n(&machine->tlb.due, true, __ATOMIC_SEQ_CST);
    return began;
}

void tlb_flush_end(struct machine *machine, cpumask_t cpus, uint32_t began);

/* The same for one processor: every change of a guest's mode comes here. */
static inline void tlb_flush_end_one(struct machine *machine, unsigned cpu, uint32_t began)
{
    __atomic_store_n(&machine->tlb.flushed[cpu], began, __ATOMIC_SEQ_CST);
}
