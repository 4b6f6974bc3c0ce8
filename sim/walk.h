/* SPDX-License-Identifier: MIT */
/*
 * The page walk of the processor, in long mode: CR0.WP, EFER.NXE on; SMEP and SMAP off; four
 * levels.
 *
 * A 64-bit guest's root is an L4.  A 32-bit guest runs in compatibility mode on an L4 of the
 * hypervisor whose first entry leads to the guest's L3, so its walk begins there with all rights,
 * and only addresses below 4 GiB exist.
 */
#pragma once

#include <sim/tlb.h>

struct sim_walk {
    struct sim *sim;
    uint64_t vaddr;
    enum sim_access access;
    bool ring3;             /* whose access it is */
    bool rights;            /* refuse what that ring may not do; a speculative walk takes what it finds */
    bool set_bits;          /* set accessed and dirty in memory */
    struct sim_cache *fill; /* put the tables that are passed here; NULL: nowhere */
};

/* Can the processor use @vaddr at all in a guest of @width? */
bool walk_canonical(enum width width, uint64_t vaddr);

/* A walk of @vaddr from @root: a first step with all rights. */
struct sim_cached walk_start(const struct domain *domain, mfn_t root);

/* Walk on from table @at.  True: *@at is the translation.  False: *@code is the error code of the page fault. */
bool walk_from(const struct sim_walk *walk, struct sim_cached *at, uint32_t *code);

/* The error code of a fault on an entry that is present, or not, for the access of @walk. */
uint32_t walk_fault(const struct sim_walk *walk, uint32_t cause);

/* Does @entry, a translation, allow the access? */
bool walk_allows(const struct sim_walk *walk, const struct sim_cached *entry);

/* The frame that holds @vaddr, of all those that translation @entry covers. */
static inline mfn_t walk_frame(const struct sim_cached *entry, uint64_t vaddr)
{
    uint64_t pages = UINT64_C(1) << (9 * (entry->level - 1));

    return mfn_add(entry->mfn, (vaddr >> PAGE_SHIFT) & (pages - 1));
}
