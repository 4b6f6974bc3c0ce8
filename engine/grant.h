/* SPDX-License-Identifier: MIT */
/*
 * What a domain's grants consist of: its table, who uses an entry of it, and what the domain itself maps of others.
 *
 * A table is an array of entries in frames that are shared with the domain: abi/grant.h.  It grows and never shrinks.
 * Beside it the hypervisor keeps, where no guest can write, a struct grant_use for each entry: what the entry named
 * when its first use began, and how many uses there are.  The entry itself is read once for each new use.
 *
 * A mapping is an object of whoever maps (struct grant_mapping).  It holds references of its own on the frame, from its
 * making to its end, so that they do not depend on what becomes of the L1 entry that was made with it, which holds its
 * own like any other entry.
 */
#pragma once

#include <engine/types.h>

#define GRANT_FRAMES_MAX         32u /* of a table */
#define GRANT_STATUS_MAX         4u  /* of version 2: a status of two bytes for each entry */
#define GRANT_MAPPING_FRAMES_MAX 128u

/* Of an entry of the table, under its domain's lock. */
struct grant_use {
    mfn_t frame; /* while there is a use */
    domid_t user;
    uint16_t readers, writers; /* uses that only read; that write, too */
};
_Static_assert(sizeof(struct grant_use) == 16, "grant_use: divides a page");

/*
 * Frames of the hypervisor's that hold the uses of one frame of the table.  They come one by one: in a machine full of
 * guests hardly two free frames are neighbours, and a guest can see to it that none are.
 */
#define GRANT_USES_FRAMES 2u
struct grant_uses {
    mfn_t frames[GRANT_USES_FRAMES];
};

/* Of a handle, under the lock of the domain that maps. */
struct grant_mapping {
    mfn_t frame;
    uint32_t ref;
    domid_t granter;
    uint8_t parts;       /* MAPPING_*, 0: the handle names nothing */
    uint8_t entry_named; /* the L1 entry was given by its machine address, not by what it maps */
    uint8_t readonly;
    uint8_t had_entry;  /* it was made with an L1 entry, of which translations may be left */
    uint32_t next_free; /* a handle plus one; 0: none */
};

#define MAPPING_DEVICE 1u
#define MAPPING_HOST   2u

struct domain_grants {
    unsigned version; /* of the entries, 1 or 2; 0: there is no table, or no longer */
    unsigned nr_frames, nr_status_frames;
    unsigned nr_in_use;             /* entries that have a use */
    mfn_t frames[GRANT_FRAMES_MAX]; /* shared with the domain, like the next */
    mfn_t status_frames[GRANT_STATUS_MAX];
    struct grant_uses uses[GRANT_FRAMES_MAX]; /* of each of @frames */
    unsigned nr_mapping_frames;
    mfn_t mapping_frames[GRANT_MAPPING_FRAMES_MAX]; /* the hypervisor's */
    uint32_t free_mapping;                          /* a handle plus one; 0: none */
};
