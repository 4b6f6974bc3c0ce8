/* SPDX-License-Identifier: MIT */
/*
 * The queue of page-table updates, and the lazy mode that lets them gather there.
 *
 * Between lazy_enter() and lazy_leave() updates are queued and go out together: consecutive updates of entries as one
 * mmu_update, consecutive extended operations as one mmuext_op, all of it as one multicall, in the order in which they
 * were asked for.  Outside of it each goes out at once.  A full queue goes out by itself.
 *
 * Until the queue is flushed, the processor knows nothing of what is in it.  A reader asks lazy_read() first.  In lazy
 * mode, therefore, the kernel does not touch memory whose mapping it is changing, and a handler of faults that may run
 * in the midst of it calls lazy_flush() first.
 *
 * Failures of queued updates are reported, see mmu_failure.h, with the place that queued the very update; those behind
 * it are carried out all the same.  @where is a MMU_HERE everywhere.
 */
#pragma once

#include <abi/mmu.h>
#include <abi/mmuext.h>
#include <guest/types.h>

/* What the queue holds at most: updates of entries, extended operations, calls. */
#define LAZY_UPDATES 512u
#define LAZY_OPS     64u
#define LAZY_CALLS   32u

/*
 * Lazy mode does not nest: to enter it twice, and to leave it when it was not entered, are failures.  lazy_leave()
 * flushes.
 */
void lazy_enter(const char *where);
void lazy_leave(const char *where);
bool lazy_active(void);

/* Whether lazy mode queues (the beginning) or only looks as if it did; for measurements.  Flushes. */
void lazy_set_queueing(bool on);

/* Send what is queued, if anything. */
void lazy_flush(void);

/* Nestable pair for a group of updates that goes out together, in lazy mode or not. */
void lazy_group_begin(void);
void lazy_group_end(void);

/* Write @value to @entry, by way of the hypervisor; the page of @entry is mapped at VIRT_BASE. */
void lazy_update(uint64_t *entry, uint64_t value, const char *where);

/* The same, but what the entry has in its accessed and dirty bits by then stays set. */
void lazy_update_preserving(uint64_t *entry, uint64_t value, const char *where);

/* Carry out an extended operation; what it points to stays the caller's until the queue is flushed. */
void lazy_mmuext(const struct mmuext_op *op, const char *where);

/* Is an update of @entry queued?  Then *@value is what @entry will hold. */
bool lazy_read(const uint64_t *entry, uint64_t *value);

/* Updates and operations that are queued now. */
unsigned lazy_queued(void);
