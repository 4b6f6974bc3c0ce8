/* SPDX-License-Identifier: MIT */
/*
 * When may a processor still hold a translation that memory no longer justifies?
 *
 * A clock ticks when a use ends: when a frame's last use of a type, or its last reference, has gone from memory.  The
 * frame is stamped with that tick, and every translation of the use was made from an entry read before it.  A full
 * flush of a processor is dated with the clock as it begins.  One that is dated later than the stamp read the clock
 * when the entry was gone for every processor, and has dropped all those translations; one that began before is never
 * taken for one that came after (XSA-241).
 *
 * A change between a vCPU's two roots is no full flush, and has no date: translations of global pages may outlast it,
 * and those of user pages are global.  What a frame was used for last does not tell whether one of its mappings was
 * global, now or earlier: one that went with others left, unflushed, has no stamp of its own.
 *
 * The clock and the dates of flushes have 64 bits and never go round.  A stamp has the low 32, since every frame has
 * one, and is read as the latest time with these bits that has been: where it is older, and frames may rest for as long
 * as they like, that asks for a flush which is not needed, and never spares one that is.
 *
 * A processor reaches a table from the root that it is on alone, and forgets all that it has cached of tables when it
 * is given another one, the other of its vCPU's included.  A root that is taken apart is on no processor any more.  So
 * a table that ceases to be one because the roots which led to it did has been forgotten by then; there is something to
 * forget only where an entry of a live table that led to it has been replaced.  Not every such entry is the last one
 * that leads to a table, so it is the domain that remembers when the latest was: that is the stamp of each of its
 * tables that ceases to be one.  Replaced means committed: what such an entry holds is dropped after the tick.
 * tests/spin/unlink.pml and below.pml have these steps.
 *
 * Of a domain's frames only processors that run it have translations, unless another domain's tables have ever led to
 * one of them.  So who has been on another domain's tables alone since its last change of domains is not asked.  That
 * word is empty from before it loads the first root of the next domain until it has: who finds it as it was before has
 * ended the use, for every processor, before that root was loaded.
 *
 * Nothing here supposes that a processor gets from one step to the next in any bounded time.  What a processor's date
 * says, that a full flush which began then has ended, stays true for good: who stalls on the way to store it, while
 * that processor flushes again by itself, puts an older date over a newer one, and causes a flush too many at worst.
 * tests/spin/flush.pml has these steps in every order.
 */
#pragma once

#include <engine/machine.h>

/*
 * The stamp of a use that has just ended.  The entry that ended it may still wait in this processor's store buffer, but
 * not beyond the tick: who sees the clock after it sees that entry.
 */
static inline uint32_t tlb_stamp(struct machine *machine)
{
    return (uint32_t)__atomic_fetch_add(&machine->tlb.now, 1, __ATOMIC_SEQ_CST);
}

/* A present entry of a live table of @domain, above level 1, has just been replaced; the domain's lock is held. */
static inline void tlb_unlink(struct domain *domain)
{
    domain->unlinked = tlb_stamp(domain->machine);
}

/*
 * The processors that may still use a translation that ended at @stamp, of a frame of @owner, whose lock is held; NULL:
 * of anybody's.
 */
cpumask_t tlb_stale(const struct machine *machine, const struct domain *owner, uint32_t stamp);

/* Of two stamps that there are by now, that of the use which ended later: who has flushed since that needs no more. */
static inline uint32_t tlb_later(const struct machine *machine, uint32_t first, uint32_t second)
{
    uint32_t now = (uint32_t)__atomic_load_n(&machine->tlb.now, __ATOMIC_SEQ_CST);

    return now - first < now - second ? first : second;
}

/* Flush @cpus now, wholly. */
void tlb_flush(struct machine *machine, cpumask_t cpus);

/* Flush those processors: none, if all have flushed since. */
void tlb_settle(struct machine *machine, const struct domain *owner, uint32_t stamp);

/*
 * For a full flush that the machine makes by itself, as with a new root: tlb_flush_begin() before it,
 * tlb_flush_end() with what that returned after it.  Neither flushes anything or waits for anybody.
 */
static inline uint64_t tlb_flush_begin(struct machine *machine)
{
    return __atomic_load_n(&machine->tlb.now, __ATOMIC_SEQ_CST);
}

void tlb_flush_end(struct machine *machine, cpumask_t cpus, uint64_t began);

/*
 * The same around a change of domains: from the first to the second, processor @cpu, which this is, goes from whatever
 * it was on to a root of @domain, or to one that leads to nobody's frames with NULL.
 */
static inline void tlb_run_begin(struct machine *machine, unsigned cpu)
{
    __atomic_store_n(&machine->tlb.runs[cpu], NULL, __ATOMIC_SEQ_CST);
}

static inline void tlb_run_end(struct machine *machine, unsigned cpu, const struct domain *domain)
{
    __atomic_store_n(&machine->tlb.runs[cpu], domain, __ATOMIC_RELEASE);
}

/*
 * The same for one processor.  Who sees the date sees what was before it; how late it is seen makes no difference but
 * flushes too many, so this is no locked instruction.
 */
static inline void tlb_flush_end_one(struct machine *machine, unsigned cpu, uint64_t began)
{
    __atomic_store_n(&machine->tlb.flushed[cpu], began, __ATOMIC_RELEASE);
}
