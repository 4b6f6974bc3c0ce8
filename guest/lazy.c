/* SPDX-License-Identifier: MIT */
/*
 * The queue: two arrays, of updates and of extended operations, and the calls that take a run of one or the other each.
 * An index by the place of the entry finds the latest update of it.
 */
#include <guest/lazy.h>
#include <guest/memory.h>
#include <guest/mmu_failure.h>
#include <guest/mmu_port.h>
#include <guest/processor.h>
#include <guest/table.h>

#define CMD_MASK UINT64_C(3) /* of the address of an update */
#define BUCKETS  LAZY_UPDATES
#define NO_CHAIN UINT16_MAX

/* Who asked for an update, and for which entry; beside the array that goes out. */
struct origin {
    uint64_t *entry;
    const char *where;
    uint16_t older; /* the update before this one in the same bucket; NO_CHAIN: none */
};

/* A run of updates or of operations that goes out as one call. */
struct run {
    bool updates;
    unsigned first, count;
    unsigned done; /* by the hypervisor */
};

static struct {
    struct mmu_update updates[LAZY_UPDATES];
    struct origin origins[LAZY_UPDATES];
    struct mmuext_op ops[LAZY_OPS];
    const char *op_where[LAZY_OPS];
    struct run runs[LAZY_CALLS];
    struct multicall_entry calls[LAZY_CALLS];
    uint16_t newest[BUCKETS];
    unsigned nr_updates, nr_ops, nr_runs;
} queue;

static const char *entered; /* where lazy mode was entered; NULL: it is not */
static bool queueing = true;
static unsigned groups;

static unsigned bucket_of(const uint64_t *entry)
{
    return (unsigned)((uintptr_t)entry >> 3 ^ (uintptr_t)entry >> 12) % BUCKETS;
}

/*
 * The latest update in a bucket.  The index is not cleared by a flush: what is left from before may name an update of
 * another bucket, whose chain then has none of the entries that are looked for here, or none at all.
 */
static unsigned find_newest(unsigned bucket)
{
    unsigned newest = queue.newest[bucket];

    return newest < queue.nr_updates ? newest : NO_CHAIN;
}

static uint64_t value_of(const struct mmu_update *update, const uint64_t *entry)
{
    uint64_t kept = (update->ptr & CMD_MASK) == MMU_PT_UPDATE_PRESERVE_AD ? PTE_A | PTE_D : 0;

    return update->val | (READ_ONCE(*entry) & kept);
}

bool lazy_read(const uint64_t *entry, uint64_t *value)
{
    if (queue.nr_updates == 0)
        return false;
    for (unsigned i = find_newest(bucket_of(entry)); i != NO_CHAIN; i = queue.origins[i].older) {
        if (queue.origins[i].entry == entry) {
            *value = value_of(&queue.updates[i], entry);
            return true;
        }
    }
    return false;
}

unsigned lazy_queued(void)
{
    return queue.nr_updates + queue.nr_ops;
}

/* ---- Sending. */

static void report(const struct run *run, unsigned index, long error)
{
    if (run->updates) {
        mmu_fail(&(struct mmu_failure){.where = queue.origins[index].where,
                                       .what = "the hypervisor refused to write this value to this table entry",
                                       .subject = (uintptr_t)queue.origins[index].entry,
                                       .value = queue.updates[index].val,
                                       .error = error});
    } else {
        mmu_fail(
            &(struct mmu_failure){.where = queue.op_where[index],
                                  .what = "the hypervisor refused this extended operation on this frame or address",
                                  .subject = queue.ops[index].arg1.mfn,
                                  .value = queue.ops[index].cmd,
                                  .error = error});
    }
}

static long send_run(struct run *run)
{
    return run->updates ? mmu_port_update(&queue.updates[run->first], run->count, &run->done)
                        : mmu_port_mmuext(&queue.ops[run->first], run->count, &run->done);
}

/*
 * The call of @run gave @error: it stopped at the first entry that was refused.  Report that one and send those behind
 * it, until there is none left.
 */
static void finish_run(struct run *run, long error)
{
    while (error < 0 && run->done < run->count) {
        unsigned failed = run->first + run->done;

        report(run, failed, error);
        run->count -= run->done + 1;
        run->first = failed + 1;
        run->done = 0;
        if (run->count == 0)
            return;
        error = send_run(run);
    }
}

static void send_runs(void)
{
    for (unsigned i = 0; i < queue.nr_runs; i++) {
        struct run *run = &queue.runs[i];

        queue.calls[i] = run->updates ? mmu_port_update_call(&queue.updates[run->first], run->count, &run->done)
                                      : mmu_port_mmuext_call(&queue.ops[run->first], run->count, &run->done);
    }
    if (queue.nr_runs == 1) {
        queue.calls[0].result = (uintptr_t)send_run(&queue.runs[0]);
    } else {
        long error = mmu_port_multicall(queue.calls, queue.nr_runs);

        if (error) {
            mmu_fail(&(struct mmu_failure){.where = MMU_HERE,
                                           .what = "the hypervisor refused a multicall of so many calls",
                                           .value = queue.nr_runs,
                                           .error = error});
        }
    }
}

void lazy_flush(void)
{
    if (queue.nr_runs == 0)
        return;
    send_runs();
    for (unsigned i = 0; i < queue.nr_runs; i++)
        finish_run(&queue.runs[i], (long)queue.calls[i].result);
    queue.nr_updates = 0;
    queue.nr_ops = 0;
    queue.nr_runs = 0;
}

static void flush_unless_gathering(void)
{
    if (groups == 0 && !(entered && queueing))
        lazy_flush();
}

/* ---- Queueing. */

/* One more of this kind at @index of its array: it joins the last run, or begins a new one. */
static void extend_runs(bool updates, unsigned index)
{
    if (queue.nr_runs && queue.runs[queue.nr_runs - 1].updates == updates)
        queue.runs[queue.nr_runs - 1].count++;
    else
        queue.runs[queue.nr_runs++] = (struct run){.updates = updates, .first = index, .count = 1};
}

static void add_update(uint64_t *entry, uint64_t value, unsigned kind, const char *where)
{
    unsigned bucket = bucket_of(entry), index;

    if (queue.nr_updates == LAZY_UPDATES || queue.nr_runs == LAZY_CALLS)
        lazy_flush();
    index = queue.nr_updates;
    queue.updates[index] = (struct mmu_update){.ptr = virt_to_maddr(entry) | kind, .val = value};
    queue.origins[index] = (struct origin){.entry = entry, .where = where, .older = (uint16_t)find_newest(bucket)};
    queue.newest[bucket] = (uint16_t)index;
    queue.nr_updates++;
    extend_runs(true, index);
    flush_unless_gathering();
}

void lazy_update(uint64_t *entry, uint64_t value, const char *where)
{
    add_update(entry, value, MMU_NORMAL_PT_UPDATE, where);
}

void lazy_update_preserving(uint64_t *entry, uint64_t value, const char *where)
{
    add_update(entry, value, MMU_PT_UPDATE_PRESERVE_AD, where);
}

void lazy_mmuext(const struct mmuext_op *op, const char *where)
{
    if (queue.nr_ops == LAZY_OPS || queue.nr_runs == LAZY_CALLS)
        lazy_flush();
    queue.ops[queue.nr_ops] = *op;
    queue.op_where[queue.nr_ops] = where;
    extend_runs(false, queue.nr_ops++);
    flush_unless_gathering();
}

/* ---- When. */

void lazy_group_begin(void)
{
    groups++;
}

void lazy_group_end(void)
{
    groups--;
    flush_unless_gathering();
}

void lazy_enter(const char *where)
{
    if (entered) {
        mmu_misuse(where, "lazy mode is entered a second time", NULL);
        return;
    }
    entered = where;
}

void lazy_leave(const char *where)
{
    if (!entered) {
        mmu_misuse(where, "lazy mode is left, but it was not entered", NULL);
        return;
    }
    entered = NULL;
    flush_unless_gathering();
}

bool lazy_active(void)
{
    return entered;
}

void lazy_set_queueing(bool on)
{
    lazy_flush();
    queueing = on;
}
