/* SPDX-License-Identifier: MIT */
/*
 * One of the guests of guest_events.h with event words, and what its kernel does with them: vCPU n has its control
 * block at the beginning of frame n, and the words of 1024 ports each are in the frames from WORDS_FRAME on.
 */
#pragma once

#include <tests/hv/lib/guest_events.h>

#define WORDS_FRAME 8u /* the first page of words */

#define PENDING (1u << 31)
#define MASKED  (1u << 30)
#define LINKED  (1u << 29)

extern struct guest *const words_guest;

/* Begin anew: no queue is half way handled, and no page is there; vCPUs [0, @vcpus) get control blocks. */
void words_start(unsigned vcpus);
void words_control(unsigned vcpu);
void words_expand(void);

volatile uint32_t *word_of(uint32_t port);
volatile struct evtchn_fifo_control_block *control_of(unsigned vcpu);

/*
 * Take one port off the queues of @vcpu as a kernel does, the first of the best queue; it is not handled yet.  0:
 * nothing is there.  A word that is not on a queue, met there, fails the test.
 */
uint32_t words_take(unsigned vcpu);

/* What a kernel does with what it has taken: if it is pending and not masked the event is handled.  True: it was. */
bool words_handle(uint32_t port);

/* As a kernel masks and unmasks. */
void words_mask(uint32_t port);
void words_unmask(uint32_t port);
