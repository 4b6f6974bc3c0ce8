/* SPDX-License-Identifier: MIT */
/*
 * The machine that a group of combinations runs on: a guest with one live table of each level, a
 * second guest, and a frame of every kind that an entry could name.
 */
#pragma once

#include <tests/sweep/lib/world.h>

/* The tables whose entries are changed. */
enum table {
    TABLE_L1, /* the one of guest->window */
    TABLE_L2,
    TABLE_L2_TOP, /* 32-bit only */
    TABLE_L3,
    TABLE_L4, /* 64-bit only */
    TABLE_COUNT,
};

/* What their new entries name.  A target that a bed does not have is MFN_NONE. */
enum target {
    TARGET_IDLE,
    TARGET_WRITABLE,
    TARGET_LIVE_L1,
    TARGET_LIVE_L2,
    TARGET_LIVE_L3,
    TARGET_LIVE_L4,
    TARGET_LIVE_L2_TOP,
    TARGET_SEGDESC,
    TARGET_SELF,    /* the table itself */
    TARGET_PARENT,  /* the table above it */
    TARGET_LINKING, /* a live table of the same level that refers to another one, if bed->linear */
    TARGET_SHARED,
    TARGET_BUSY_INSIDE,      /* idle; as an L1 it would map a live table writable */
    TARGET_FORBIDDEN_INSIDE, /* idle; as an L1 it would map device memory */
    TARGET_FOREIGN,          /* a page of the other guest */
    TARGET_FOREIGN_TABLE,    /* an L1 of the other guest */
    TARGET_HYPERVISOR,
    TARGET_POOL,
    TARGET_DEVICE,           /* without the right to it */
    TARGET_PERMITTED_DEVICE, /* with the right, if bed->devices */
    TARGET_DEVICE_ABOVE,     /* the same, above the frame table */
    TARGET_PAST_END,         /* the frame after the last of the machine */
    TARGET_PAST_ADDRESS_LINES,
    TARGET_ALL_ONES,
    TARGET_COUNT,
};

struct bed_config {
    bool pae;
    bool devices;    /* the guest has rights to device memory */
    bool privileged; /* the guest may name the other */
    bool l1tf;
    bool linear; /* the guest may have linear tables */
    bool linked; /* and others of their level refer to the tables, but for a top L2 */
};

struct bed {
    struct bed_config config;
    struct sim *sim;
    struct guest *guest, *other;
    struct vcpu *vcpu;
    struct world world;
    struct audit_counts *counts;
    vaddr_t l1_memory; /* where the guest sees tables[TABLE_L1], read-only */
    mfn_t tables[TABLE_COUNT];
    mfn_t parents[TABLE_COUNT];
    mfn_t spare[TABLE_COUNT]; /* another frame that the table's entries may name writable */
    mfn_t linking[TABLE_COUNT];
    mfn_t targets[TARGET_COUNT];
};

void bed_create(struct bed *bed, const struct bed_config *config);

/* Everything that was made is taken back, and both domains end: nothing may be left. */
void bed_destroy(struct bed *bed);

/* The frame that @target is for entries of @table; MFN_NONE if the bed has none. */
mfn_t bed_target(const struct bed *bed, enum table table, enum target target);
const char *bed_target_name(enum target target);

/* Does a guest of this width have such tables?  What the table is called, and its level. */
bool bed_has_table(const struct bed *bed, enum table table);
const char *bed_table_name(enum table table);
unsigned bed_table_level(enum table table);

/* A page of the guest, mapped nowhere and filled with zeroes. */
mfn_t bed_idle_page(struct bed *bed);

/* The pfn of a frame of the guest. */
pfn_t bed_pfn(const struct bed *bed, mfn_t mfn);

/* One entry by mmu_update, which must succeed. */
void bed_set(struct bed *bed, mfn_t table, unsigned slot, uint64_t entry);

/* Pin or unpin a table, which must succeed, and note it. */
void bed_pin(struct bed *bed, mfn_t mfn, unsigned level);
void bed_unpin(struct bed *bed, mfn_t mfn, unsigned level);

/*
 * The audit, the rule on TLBs, and a recount of our own must hold.  The recount is kept: what frames
 * are in use as is taken from it until the next one.
 */
void bed_check(struct bed *bed);
