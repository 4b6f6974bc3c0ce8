/* SPDX-License-Identifier: MIT */
/* Address spaces of processes: a page of code, and data pages that appear when touched and split when written. */
#pragma once

#include <guest/mmu.h>

/* The page with all programs; the data. */
#define CODE_BASE UINT64_C(0x400000)
#define DATA_BASE UINT64_C(0x40000000)

struct space {
    struct mmu_space mmu;
    uint64_t nr_pages; /* of data, at most */
};

/* A space with code and no data yet.  0 or -XEN_ENOMEM: nothing is held. */
int __must_check space_create(struct space *space, uint64_t nr_pages);

/* A copy of @parent; pages are shared until one of the two writes.  0 or -XEN_ENOMEM: nothing is held. */
int __must_check space_fork(struct space *child, struct space *parent);

/*
 * A fault at @vaddr with the processor's error code.  0: the access can be repeated.  -XEN_ENOMEM.  -XEN_EFAULT:
 * nothing may be there, or may be done so.
 */
int __must_check space_fault(struct space *space, uint64_t vaddr, uint32_t error);

/* Give all pages back; the space may be the one that is loaded. */
void space_destroy(struct space *space);

/* Run on it from now on. */
void space_load(struct space *space);
struct space *space_loaded(void);

/* Where the kernel has page @index of the data mapped; NULL: it is not present. */
const void *space_page(struct space *space, uint64_t index);
