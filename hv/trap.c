/* SPDX-License-Identifier: MIT */
/* What becomes of a trap: recovery where the code that caused it expects that, else the end. */
#include <stdbool.h>

#include <hv/fault.h>
#include <hv/trap.h>

/* An instruction that may fault, and where to go on then; both relative to the field itself. */
struct recovery {
    int32_t fault, resume;
};

#pragma GCC visibility push(hidden)
extern const struct recovery image_recovery_start[], image_recovery_end[];
#pragma GCC visibility pop

static uint64_t recovery_address(const int32_t *field)
{
    return (uint64_t)field + (uint64_t)(int64_t)*field;
}

static bool recover(struct cpu_frame *frame)
{
    for (const struct recovery *entry = image_recovery_start; entry < image_recovery_end; entry++) {
        if (recovery_address(&entry->fault) == frame->rip) {
            frame->rip = recovery_address(&entry->resume);
            return true;
        }
    }
    return false;
}

/*
 * The faults that an access can cause, #NP to #AC.  An NMI, a machine check or a double fault that comes at that place
 * is none of its doing.
 */
static bool is_recoverable(const struct cpu_frame *frame)
{
    return TRAP_RING(frame) == 0 && frame->vector >= 11 && frame->vector <= 17;
}

void trap_handle(struct cpu_frame *frame)
{
    if (is_recoverable(frame) && recover(frame))
        return;
    fault_report(frame);
}
