/* SPDX-License-Identifier: MIT */
/*
 * The examples of docs/pv-mmu.md: each recipe done right, and in the ways in which it goes wrong.  What stands between
 * comments with a name in brackets is shown there, and so is what is printed.
 */
#pragma once

#include <guest/types.h>

/* Where the recipes map what they build: nothing else is in this half of the address space. */
#define PLACE UINT64_C(0x400000)

/* A tree of one table of each level, which maps one page at PLACE. */
struct tree {
    uint64_t *root, *l3, *l2, *l1, *page;
};

/* Begin a part: what is said until the next belongs to it. */
void part(const char *name);

/* What a call has given, and what it must give: 0, or an error for which one refusal is reported. */
void gives(const char *what, long result, long want);

/* What a piece of code has raised, and what it must raise: an enum vector. */
void raises(const char *what, void (*function)(void *arg), void *arg, unsigned want);

/* An 8-byte store to @arg of what is there already, for raises(). */
void store(void *arg);

/* All pages of a tree, and all of it again. */
void tree_build(struct tree *tree);
void tree_free(struct tree *tree);

/* Take write permission from the kernel's mappings of its tables, and pin its root.  The error of the first refusal. */
long tree_pin(const struct tree *tree);

/* The recipes. */
void recipe_frames(void);
void recipe_tree(void);
void recipe_fork(void);
void recipe_update(void);
void recipe_segments(void);
void recipe_trap(void);
