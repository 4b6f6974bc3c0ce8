/* SPDX-License-Identifier: MIT */
/*
 * One combination: an entry that stands in a slot, a value to replace it, a way to ask for that, and
 * what must come of it.  And the loops over all of them.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <tests/sweep/lib/bed.h>

struct attempt {
    enum table table;
    unsigned slot;
    uint64_t old, value;
};

/*
 * A way to change an entry.
 * @effective: the entry that results if the attempt is accepted, before any adjustment; false: this
 * way cannot ask for that change.  NULL: the value itself.
 * @settle: replaces the expected answer where the way has a rule of its own; NULL: it has none.
 */
struct way {
    const char *name;
    bool keeps_ad;
    enum naming naming;
    bool (*effective)(const struct attempt *attempt, uint64_t *value);
    void (*settle)(const struct bed *bed, const struct attempt *attempt, struct answer *answer);
    int64_t (*run)(struct bed *bed, const struct attempt *attempt);
};

/* The ways by mmu_update: normal; keeping accessed and dirty bits; the second of two; the one without a meaning. */
extern const struct way sweep_mmu_update_ways[];
extern const unsigned sweep_nr_mmu_update_ways;

/* What the ABI says of @value in that slot, found by an update at run time. */
struct answer sweep_answer(const struct bed *bed, enum table table, unsigned slot, enum naming naming, uint64_t value);

/* The entry as it stands in memory. */
uint64_t sweep_entry(const struct bed *bed, enum table table, unsigned slot);

/*
 * Try @value over @old in a slot, check everything about it.  @how names the starting point in what
 * is printed.  The slot keeps what comes of it.  A combination that cannot be set up is no combination.
 */
void sweep_try(struct bed *bed, const struct way *way, const struct attempt *attempt, enum target target,
               const char *how);

/*
 * Make @start, if it is legal there, what the slot holds, and note it in @attempt.  False: it is not.
 */
bool sweep_prepare(struct bed *bed, struct attempt *attempt, uint64_t start);

/*
 * Call @each for all values of one target: each flag bit, alone and with P, P|RW, P|RW|US, where a
 * bit of the frame number is inverted.
 */
typedef void sweep_value_fn(struct bed *bed, void *arg, unsigned bit, uint64_t value);
void sweep_values(struct bed *bed, mfn_t target, sweep_value_fn *each, void *arg);

/*
 * All flag bits, alone and with P, P|RW, P|RW|US, times all targets, times the four starting points
 * (empty; the same entry but for that bit; another frame; not present and full of bits), times @ways,
 * in one slot, which is empty before and after.
 */
void sweep_slot(struct bed *bed, const struct way *ways, unsigned nr_ways, enum table table, unsigned slot);

/* How many combinations have run, and failed, in this program; each failure has been printed. */
uint64_t sweep_ran(void);
uint64_t sweep_failed(void);

/* For combinations that are checked elsewhere: count one, and print it where it failed. */
void sweep_count(bool passed, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "P|RW|bit 17", in a buffer that the next calls but three overwrite. */
const char *sweep_flags(uint64_t bits);

/*
 * For cmocka: sweep_begin() at the begin of a test, sweep_end() at its end, which fails the test if
 * combinations have failed since.  sweep_report() is the program's teardown.
 */
void sweep_begin(void);
void sweep_end(void);
int sweep_report(void **state);
