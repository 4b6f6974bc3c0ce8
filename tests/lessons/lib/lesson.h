/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this ring share: a machine for one test, questions that a guest can put to the engine from outside
 * ("does anybody still write this frame?"), and a way to stop an operation at each of its preemption points.
 *
 * Each test is named after the advisory whose mistake it looks for; docs/advisories.md lists them.  Failures of sim and
 * of tests/support become failures of the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <tests/support/guest.h>

#define LESSON(test)  cmocka_unit_test_teardown(test, lesson_teardown)
#define LESSON_PAGES  192u /* of each guest */
#define LESSON_FRAMES 1024u

struct lesson {
    struct sim *sim;
    struct guest *guest, *other; /* domains 0 and 1 */
    struct vcpu *vcpu, *second;  /* vCPUs 0 and 1 of domain 0 */
    struct vcpu *other_vcpu;     /* of domain 1 */
};

/* One domain of @width with @nr_vcpus, each on a processor of its own. */
struct sim_config lesson_config(enum width width, unsigned nr_vcpus);

/* Make the machine and boot its guests with LESSON_PAGES each. */
void lesson_begin(struct lesson *lesson, const struct sim_config *config);

/* The audit and the rule on TLBs hold, all domains end, and nothing is left of them. */
void lesson_end(struct lesson *lesson);

typedef void lesson_begin_fn(struct lesson *lesson, enum width width);
typedef void lesson_check_fn(struct lesson *lesson);

/* Run @check twice, on the machine that @begin makes for guests of each width. */
void lesson_of_either_width(lesson_begin_fn *begin, lesson_check_fn *check);

/* After each test, failed or not. */
int lesson_teardown(void **state);

/* ---- Frames and pages. */

struct frame *lesson_frame(const struct lesson *lesson, mfn_t mfn);

/* Frames of all domains and of the pool: what an operation may move, and never make or lose. */
uint64_t lesson_count_frames(const struct sim *sim);

/* A zeroed page of the guest: mapped writable, read-only, or nowhere. */
pfn_t lesson_page(struct guest *guest);
pfn_t lesson_readonly_page(struct guest *guest);
pfn_t lesson_unmapped_page(struct guest *guest);

/* Put a page back to how guest_page_alloc() gives it, mapped writable where guest_boot() mapped it, and free it. */
void lesson_page_return(struct guest *guest, pfn_t pfn);

/* The table of @level that guest->window is mapped through, and the slot of page @n of the window in it. */
mfn_t lesson_table(const struct guest *guest, unsigned level);
unsigned lesson_slot(const struct guest *guest, unsigned level, unsigned n);

/* Page @n of the window: its address; mapping @mfn there; nothing there.  Without any flush. */
vaddr_t lesson_window(const struct guest *guest, unsigned n);
int64_t lesson_map(struct vcpu *vcpu, unsigned n, mfn_t mfn, uint64_t flags);
int64_t lesson_unmap(struct vcpu *vcpu, unsigned n);

/* The machine address of an entry. */
uint64_t lesson_maddr(mfn_t table, unsigned slot);

/* mmu_update with @command on one entry. */
int64_t lesson_update(struct vcpu *vcpu, mfn_t table, unsigned slot, uint64_t entry, unsigned command);

/* ---- Questions.  Page LESSON_PROBE of the window is theirs. */

#define LESSON_PROBE (GUEST_WINDOW_PAGES - 1)

/* Would a zeroed frame be accepted as a page table: is there no writable use left? */
bool lesson_can_be_table(struct vcpu *vcpu, mfn_t mfn);

/* Would the frame be mapped writable: is it in use neither as a table nor for descriptors? */
bool lesson_can_be_written(struct vcpu *vcpu, mfn_t mfn);

/*
 * Does nothing but its allocation hold page @pfn?  Its mapping where guest_boot() put it is taken away first.  Where
 * the answer is yes the page is another frame afterwards, zeroed and mapped writable.
 */
bool lesson_is_sole(struct guest *guest, pfn_t pfn);

/* Every page of a tree can be written again and is held by nothing else; the tree is freed. */
void lesson_tree_return(struct guest *guest, struct guest_tree *tree);

/* ---- A picture of everything that an operation could change: contents, counts, types, owners, roots. */

struct picture {
    uint64_t frames, contents, vcpus;
};

struct picture lesson_picture(const struct lesson *lesson);
void lesson_assert_unchanged(const struct lesson *lesson, const struct picture *before);
