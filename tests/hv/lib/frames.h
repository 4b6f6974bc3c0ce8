/* SPDX-License-Identifier: MIT */
/*
 * A machine of a few frames, for what only looks at tables.  Domain 1 is of 64 bits, and has frames 1 to 8: an L4 that
 * is its root, L3, L2 and L1, each in slot SLOT of the one before, and pages; pfn is FIRST_PFN + mfn.  Frame 9 is
 * nobody's, frame 10 the hypervisor's.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <hv/domain/vcpu.h>

#define FRAMES    16u
#define SLOT      3u
#define FIRST_PFN 0x100u
#define PAGE      MFN(5) /* mapped by slot SLOT of the L1 table, writable */
#define OTHER     MFN(6) /* not mapped */

enum { ROOT = 1, L3, L2, L1 };

extern struct machine machine;
extern struct frame frames[FRAMES];
extern uint64_t entries[FRAMES][ENTRIES_PER_TABLE];
extern struct hv_domain domain;
extern struct hv_vcpu vcpu;

/* All of it new. */
int make_frames(void **state);

/* Type a frame, with @count uses. */
void make_type(unsigned frame, enum frame_type type, uint32_t flags, uint32_t count);

/* An entry that is present, and leads to @frame with further @flags. */
void make_entry(unsigned table, unsigned index, unsigned frame, uint64_t flags);
