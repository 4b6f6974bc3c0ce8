/* SPDX-License-Identifier: MIT */
/*
 * The frames that calls are tried on, one for each state that a frame can be in, and how they ought to look between two
 * calls.  Each frame has a name, by which the record tells it.
 */
#pragma once

#include <guest/types.h>

/*
 *   p0-p3   plain pages of the kernel          r    mapped read-only, holds zeroes, never was anything
 *   t1-t4   pinned tables, t4 over t3 over ... t1; t4 can be run on
 *   u1-u4   the same contents, not pinned      b1-b4  tables with an entry that is refused
 *   v1-v3   tables below the running root
 *   root    the running root                   kernel  the L3 that maps the kernel
 *   gdt     installed as GDT                   desc, bad  descriptors that are good, that are not
 *   ldt     descriptors, mapped by VIEW_LDT
 *   shared  shared_info                        grants the first frame of the grant table
 *   m2p     of the M2P                         gone   was given back
 *   vga, ioapic, lapic, hole, beyond, none     not RAM: devices, nothing, above any machine, all ones
 */
enum frame_id {
    FRAME_P0,
    FRAME_P1,
    FRAME_P2,
    FRAME_P3,
    FRAME_R,
    FRAME_T1,
    FRAME_T2,
    FRAME_T3,
    FRAME_T4,
    FRAME_U1,
    FRAME_U2,
    FRAME_U3,
    FRAME_U4,
    FRAME_B1,
    FRAME_B2,
    FRAME_B3,
    FRAME_B4,
    FRAME_V1,
    FRAME_V2,
    FRAME_V3,
    FRAME_ROOT,
    FRAME_KERNEL,
    FRAME_GDT,
    FRAME_DESC,
    FRAME_BAD,
    FRAME_LDT,
    FRAME_SHARED,
    FRAME_GRANTS,
    FRAME_M2P,
    FRAME_GONE,
    FRAME_VGA,
    FRAME_IOAPIC,
    FRAME_LAPIC,
    FRAME_HOLE,
    FRAME_BEYOND,
    FRAME_NONE,
    NR_FRAMES
};

struct frame {
    const char *name;
    uint64_t mfn;
    uint64_t *page;     /* where the kernel reads it; NULL if it cannot, or has no business to */
    uint64_t *template; /* what it holds between two calls; NULL if that is not looked at */
    bool writable;      /* the kernel has it mapped writable */
    bool descriptors;   /* it is in use as a descriptor table */
};

extern struct frame world[NR_FRAMES];

/* The test addresses: what V1 maps, 2 MiB, of which the first WORLD_VIEWS pages are in use. */
#define WORLD_BASE  UINT64_C(0x10000000000)
#define WORLD_VIEWS 16u
static inline uint64_t world_view(unsigned page)
{
    return WORLD_BASE + page * PAGE_SIZE;
}

/* What the views map: p0 writable, p1 read-only, the LDT; from VIEW_FREE on nothing. */
#define VIEW_P0   0u
#define VIEW_P1   1u
#define VIEW_LDT  2u
#define VIEW_FREE 4u

/* The number of the domain itself: 0 for the first one, and 1 for an ordinary one, which is the first to be created. */
extern uint64_t own_domain;

void world_init(void);

/* The frame of that number, NULL for one without a name. */
const struct frame *world_find(uint64_t mfn);

/* Say what differs from what it should be, at most a few entries, and mend it. */
void world_check(void);
