/* SPDX-License-Identifier: MIT */
/*
 * In which world a page of a table lives.  A table that is not pinned is an ordinary page: the kernel writes it, and
 * the hypervisor does not know what it is for.  One that is pinned, or hangs on a pinned tree, is read-only for the
 * kernel and changes by hypercalls.
 *
 * Late pin: a tree is built with ordinary writes and blessed as a whole, once.  Early unpin: it is released as a whole
 * before it is torn down, again with ordinary writes.  Either costs a few hypercalls, not a few for each table.
 *
 * @where is a MMU_HERE everywhere.
 */
#pragma once

#include <guest/types.h>

/* The roots of one address space: what the kernel runs on, and what user mode runs on. */
struct pinned_tree {
    uint64_t *root;
    uint64_t *user_root; /* refers to the same L3 tables below; NULL: none */
};

/* One byte for each page, zeroes: pages of tables have pfns below @nr_pages. */
void pinned_init(uint8_t *map, uint64_t nr_pages);

/*
 * The tables under @root, which the kernel has run on from its start, live in the pinned world, read-only and for good:
 * nothing else is done to them, and pinned_count() does not count them.
 */
void pinned_adopt(uint64_t *root);

/* The level of the table that a page is in the pinned world, 1 to 4; 0: it lives in the ordinary one. */
unsigned pinned_level(const volatile void *page);

/* Pages that live in the pinned world. */
uint64_t pinned_count(void);

/*
 * All tables of @tree become read-only and its roots are pinned: one update a table, all in one multicall.  Tables are
 * those that the slots below USER_SLOTS lead to, and the one of ROOT_OWN_SLOT; all are pages that are mapped at
 * VIRT_BASE.  The tree must not be pinned.
 */
void pinned_pin_tree(const struct pinned_tree *tree, const char *where);

/*
 * The way back.  The tree must be pinned, and must not be loaded.  When this returns the tables are writable, even in
 * lazy mode.
 */
void pinned_unpin_tree(const struct pinned_tree *tree, const char *where);

/* A single page joins the pinned world as table of @level, because it is about to be hooked into a pinned tree. */
void pinned_add(const void *page, unsigned level, const char *where);

/* It leaves it, because it has been unhooked.  When this returns it is writable, even in lazy mode. */
void pinned_remove(const void *page, const char *where);

/* Does the @level of an update of @entry agree with the level @seen of its page?  If not, that is reported. */
bool pinned_is_level(unsigned seen, unsigned level, const volatile void *entry, const char *where);

/*
 * For the handler of page faults: was this a write of the kernel to a table that is pinned, past the operations?  Then
 * it is reported, with the address of the instruction as value.  @error is the fault's error code.
 */
bool pinned_check_fault(uint64_t vaddr, uint32_t error, uint64_t rip);
