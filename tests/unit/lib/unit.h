/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this ring share: a machine with a booted guest or two, pages in the states that tests need, and
 * assertions on results, refusals and counts.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <abi/layout.h>

#include <engine/op.h>
#include <engine/typeref.h>

#include <sim/sim.h>

#include <tests/support/guest.h>

/* The machine: this many frames, of which the last UNIT_HOLES are no RAM. */
#define UNIT_FRAMES 1024u
#define UNIT_HOLES  16u
#define UNIT_HOLE   (UNIT_FRAMES - UNIT_HOLES) /* the first of them; a guest with devices may map the first 8 */
#define UNIT_PAGES  256u

struct unit_config {
    enum width width;
    unsigned nr_vcpus;  /* 1 */
    unsigned nr_guests; /* 1; the second is of the other width */
    bool privileged, devices, extended_cr3, l1tf, linear;
    uint64_t max_frames; /* no limit */
};

struct unit {
    struct sim *sim;
    struct machine *machine;
    struct guest *guest, *other;
    struct domain *domain;
    struct vcpu *vcpu;
};

/* One machine at a time.  The end checks all invariants, destroys the domains, and sees that nothing is left. */
void unit_create(struct unit *unit, const struct unit_config *config);
void unit_destroy(struct unit *unit);

/* An operation on the guest's own memory, with its locks; unit_end() ends it. */
struct op unit_begin(const struct unit *unit);
#define unit_end(op) op_end(op)

/* ---- Pages. */

/* 2^@order frames from the pool for the domain, which has room for them; and back. */
mfn_t unit_allocate(const struct unit *unit, unsigned order);
void unit_release(const struct unit *unit, mfn_t first, unsigned order);

/* Pages of zeroes: mapped writable where the boot put them; mapped nowhere; live as a table of @level, pinned. */
mfn_t unit_page(struct unit *unit);
mfn_t unit_idle_page(struct unit *unit);
mfn_t unit_table(struct unit *unit, unsigned level);

/* A live L3 of a 32-bit guest, pinned, with a live top L2 under it. */
mfn_t unit_pae_root(struct unit *unit, mfn_t *top);

/* Let unit_page() and the others have @mfn again.  It is mapped nowhere, or as the boot mapped it. */
void unit_page_free(struct unit *unit, mfn_t mfn);

pfn_t unit_pfn(const struct unit *unit, mfn_t mfn);
vaddr_t unit_vaddr(const struct unit *unit, mfn_t mfn); /* where the boot mapped it */
struct frame *unit_frame(const struct unit *unit, mfn_t mfn);
uint64_t *unit_entries(const struct unit *unit, mfn_t mfn);

/* Map @entry at page @index of the guest's window; 0 on success. */
int64_t unit_map(struct unit *unit, unsigned index, uint64_t entry);
vaddr_t unit_window(const struct unit *unit, unsigned index);

/* The L1 of the window. */
mfn_t unit_window_table(const struct unit *unit);

/* A reservation structure with the numbers given, in the layout of the guest. */
vaddr_t unit_put_reservation(struct unit *unit, uint64_t extents, uint64_t count, uint32_t order, uint32_t flags,
                             uint16_t domid);

/* ---- Assertions. */

/* The references and uses of a frame, and the type of those uses. */
#define assert_counts(unit, mfn, refs_, type_, uses_)        \
    do {                                                     \
        const struct frame *counted = unit_frame(unit, mfn); \
        assert_int_equal(counted->refs, refs_);              \
        assert_int_equal(type_count(counted->type), uses_);  \
        assert_false(type_is_busy(counted->type));           \
        if ((uses_) > 0)                                     \
            assert_int_equal(type_of(counted->type), type_); \
    } while (0)

/* @result is -@error_, and @reason_ is the last refusal that was reported. */
#define assert_refused(unit, result, error_, reason_)                                               \
    do {                                                                                            \
        uint64_t refusals_before = (unit)->sim->nr_refusals;                                        \
        assert_int_equal(result, -(error_));                                                        \
        assert_true((unit)->sim->nr_refusals > refusals_before);                                    \
        assert_string_equal(refusal_name((unit)->sim->last_refusal.reason), refusal_name(reason_)); \
        assert_int_equal((unit)->sim->last_refusal.error, error_);                                  \
    } while (0)

/* The fault is the guest's own: -XEN_EINVAL, and nothing is recorded. */
#define assert_own_fault(unit, result)                               \
    do {                                                             \
        uint64_t refusals_before = (unit)->sim->nr_refusals;         \
        assert_int_equal(result, -XEN_EINVAL);                       \
        assert_int_equal((unit)->sim->nr_refusals, refusals_before); \
    } while (0)

/* @call ends in port_halt() or sim_fail().  Nothing but sim_destroy() is possible then. */
#define assert_halts(unit, fn, arg) assert_true(sim_fails((unit)->sim, fn, (unit)->vcpu, arg))

/* For the table of tests of a program, one row a width. */
#define unit_test_both(fn)                          \
    {#fn " 64", fn, NULL, NULL, &unit_widths[0]},   \
    {                                               \
#fn " PAE", fn, NULL, NULL, &unit_widths[1] \
    }
extern enum width unit_widths[2];

/* The width that such a test runs with. */
static inline enum width unit_width(void **state)
{
    return *(enum width *)*state;
}
