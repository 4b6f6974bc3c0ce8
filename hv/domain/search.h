/* SPDX-License-Identifier: MIT */
/*
 * Looking for what the engine does not note, because nothing but a report needs it: which entries lead to a frame, from
 * which address, and which frame has a pfn.  All of it is bounded, and what it finds is as it was a moment ago: the
 * locks of other domains are not held.
 */
#pragma once

#include <engine/machine.h>
#include <engine/refuse.h>

/* Over the entries that lead to a frame, of all tables of all domains that are in use, or just become so. */
struct search {
    const struct machine *machine;
    mfn_t target;
    unsigned level; /* of tables of this level; 0: of all */
    uint64_t frame; /* where it goes on */
    unsigned index;
    uint64_t frames, tables; /* that it still may look at */
};

struct search search_begin(const struct machine *machine, mfn_t target, unsigned level);

/* The next of them.  False: there are no more, or (search_is_spent()) it has looked long enough. */
bool search_next(struct search *search, struct slot *slot, uint64_t *entry);
bool search_is_spent(const struct search *search);

/*
 * The first address that @slot of a table serves, by the tables that lead to this one.  False: none do, up to a root.
 */
bool search_address(const struct machine *machine, struct slot slot, vaddr_t *vaddr);

/* The pfn that @domain has for its frame @mfn.  False: it is not its own, or has none. */
bool search_pfn(const struct domain *domain, mfn_t mfn, uint64_t *pfn);

/* The frame that @domain has for @pfn. */
bool search_frame(const struct domain *domain, uint64_t pfn, mfn_t *mfn);
