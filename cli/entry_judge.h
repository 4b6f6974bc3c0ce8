/* SPDX-License-Identifier: MIT */
/*
 * The engine's judge of entries (engine/entry.h), asked without a machine: what becomes of an entry that a guest writes
 * depends on the entry and on what it names, and here that is one of a few things.
 */
#pragma once

#include <engine/level.h>
#include <engine/refuse.h>

/* What an entry names, and whose.  The first two are for entries that are not present, the others for present ones. */
enum entry_target {
    TARGET_ABSENT,      /* whatever the frame is */
    TARGET_ABSENT_L1TF, /* the processor has the flaw, and a frame below the end of RAM is named, if one is */
    TARGET_RAM,
    TARGET_RAM_RIGHTS,    /* L1 only: in a guest that has the right to some device memory */
    TARGET_SHARED_RIGHTS, /* L1 only: the same, and the hypervisor shares the frame with it */
    TARGET_DEVICE,        /* L1 only: device memory that the guest has a right to */
    TARGET_NOTHING,       /* no RAM, and the guest has no right to it */
    TARGET_COUNT,
};

struct judgement {
    int error; /* 0, or -errno: it is refused because of @reason */
    enum refusal_reason reason;
    uint64_t stored;       /* if not refused: what the table gets */
    enum frame_type needs; /* if not refused: what the frame has to be; TYPE_NONE: anything of the guest's */
};

/* Is @target one for the entry @bits in a table of @level? */
bool entry_target_fits(enum entry_target target, unsigned level, uint64_t bits);

/* What the engine says of @bits in a table of @level of a guest of @width.  There is such a level, and @target fits. */
void entry_judge(enum width width, unsigned level, uint64_t bits, enum entry_target target,
                 struct judgement *judgement);

/* "device", for programs, and "device memory, by a guest that has it", for people; static. */
const char *entry_target_name(enum entry_target target);
const char *entry_target_text(enum entry_target target);
