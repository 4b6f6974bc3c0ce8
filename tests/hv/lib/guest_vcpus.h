/* SPDX-License-Identifier: MIT */
/*
 * A guest of three vCPUs whose calls are tested, and what these ask of the engine, the scheduler and the clock:
 * stand-ins answer as planned, and note it.
 */
#pragma once

#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_memory.h>

#define VCPUS      3u
#define INFO_FRAME 77u

extern struct hv_domain domain, other; /* the guest, and another */
extern struct hv_vcpu vcpus[VCPUS];    /* the first is the caller */
extern struct cpu_frame frames[VCPUS];
extern struct vcpu_info infos[VCPUS];
extern uint8_t info_frame[4096];

/* What has been asked for. */
struct noted {
    unsigned shut_down, shut_down_other; /* 100 more than the reason */
    unsigned yields, blocks, destroyed, trap_calls, updates, moves, rechecks;
    unsigned stopped, started, woken; /* a bit for each vCPU */
    unsigned gdt_entries, ldt_entries;
    mfn_t held, roots[2], first_gdt_frame;
    uint64_t ldt_base, singleshot, periodic, poll_deadline;
    uint32_t watchdogs[WATCHDOGS];
    uint8_t extended_first;
};
extern struct noted noted;

/* What is answered. */
struct planned {
    uint64_t now;
    int hold_error, gdt_error, ldt_error, trap_error, root_error;
    bool extended_is_good;
    bool pending[64]; /* ports; 1 to 63 are in use */
    void (*while_blocked)(void);
};
extern struct planned planned;

/* Set-up of cmocka: a new guest of that width, memory that is not zero, nothing noted. */
int set_up_64(void **state);
int set_up_32(void **state);

bool is_wide(void);

static inline int64_t vcpu_op(uint64_t command, uint64_t id, uint64_t arg)
{
    const uint64_t args[6] = {command, id, arg};
    const unsigned before = call_refused_count();

    if (command == VCPUOP_is_up)
        return call_vcpu_op(&vcpus[0], args); /* which a kernel counts its vCPUs by: its error is no refusal */
    return call_refused_told(before, call_vcpu_op(&vcpus[0], args));
}

/* sched_stop() finds that another processor runs the vCPU, which has not come out of its guest yet. */
extern bool stays_running;
