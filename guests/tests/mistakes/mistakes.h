/* SPDX-License-Identifier: MIT */
/*
 * The mistakes that authors of kernels make, each once.  Each is refused once and leaves nothing behind, so that what
 * the hypervisor says of the refusals is in the order of the lines "ok NAME: ERROR"; tests/system compares it with what
 * is kept in `explained`.
 */
#pragma once

#include <guest/types.h>

/* Where trees map what they are built for: nothing else is in this half of the address space. */
#define PLACE UINT64_C(0x400000)

/* A tree of one table of each level, which maps one page at PLACE. */
struct tree {
    uint64_t *root, *l3, *l2, *l1, *page;
};

/* All pages of a tree, mapped writable; the same read-only, and the root pinned; and all of it again. */
void tree_build(struct tree *tree);
void tree_pin(struct tree *tree);
void tree_unpin(struct tree *tree);
void tree_free(struct tree *tree);

/* What a mistaken call has given, and what it must give. */
void mistake(const char *what, long result, long want);

/* The number of a page of the guest's that is none of its frames. */
uint64_t only_a_pfn(void);

/* The groups of them. */
void mistakes_tables(void);
void mistakes_entries(void);
void mistakes_calls(void);
void mistakes_segments(void);
void mistakes_memory(void);
void mistakes_services(void);
