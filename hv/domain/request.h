/* SPDX-License-Identifier: MIT */
/*
 * What processors ask of each other, and wait for: hv/domain/renew.h.
 *
 * Who asks marks what it wants, in a few bits for each processor, draws a number there, and makes it look (cpu_ask()),
 * unless it will by itself: hv/cpu/wait.h.  It waits until as many have been answered.  Meanwhile it answers what it is
 * asked itself, and so does whoever waits for a lock: two that ask each other, or one that asks who waits for its lock,
 * do not wait for ever.  A processor that is inside the hypervisor and waits for nothing answers when it drops its last
 * lock, at its next preemption point, or when it lets interrupts come.
 *
 * A processor that idles on the hypervisor's own root uses nothing of what is renewed.  It is not woken: it renews all
 * of that before it does anything else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/domain/renew.h>

/* For request_is_there() below.  Others write the first three; a line of the cache for each processor. */
struct request_box {
    _Alignas(64) uint32_t what; /* is to be renewed: a set of enum renewal */
    uint32_t asked;             /* so many times something has been marked, and is seen in @what by who sees this */
    uint64_t page;              /* its address plus one, that of RENEW_PAGE; 0: free */
    uint32_t answered;          /* all that were asked before this number have been carried out */
    uint64_t resting;           /* processors that have halted until there is an answer, or are about to */
    bool idle;
};

#pragma GCC visibility push(hidden)
extern struct request_box request_boxes[MAX_CPUS];
#pragma GCC visibility pop

/* Have each processor of @cpus, this one included, renew @what.  Returns when all have.  Interrupts are off. */
void request_renewal(cpumask_t cpus, unsigned what, vaddr_t page);

/* Have others asked anything of processor @cpu, which this is? */
static inline bool request_is_there(unsigned cpu)
{
    const struct request_box *box = &request_boxes[cpu];

    return __atomic_load_n(&box->asked, __ATOMIC_ACQUIRE) != box->answered;
}

/* Do what others have asked of this processor, if they have. */
void request_answer(void);

/* From the first to the second, this processor idles on the hypervisor's own root. */
void request_idle_begin(void);
void request_idle_end(void);
