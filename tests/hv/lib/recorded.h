/* SPDX-License-Identifier: MIT */
/* For tests of hv/record: a machine with some memory, and the events that are in the ring. */
#pragma once

#include <engine/machine.h>
#include <engine/record_decode.h>

#define RECORDED_FRAMES 16384u /* that the machine has; the recorder takes its own from the end */

extern struct machine recorded_machine;

/* A machine of zeroed frames that nobody owns; and with an empty ring, behind the recording's header. */
void recorded_begin_machine(void);
void recorded_begin(void);

/* Contents of a frame. */
uint64_t *recorded_frame(uint64_t mfn);

/* The next event, which stays what it is until the ring is reused; fails where it is no @kind. */
struct record_event recorded_expect(enum record_kind kind);

/* There is none. */
void recorded_expect_nothing(void);

/* The numbers among an event's bytes, the next at each call. */
struct record_reader recorded_numbers(const struct record_event *event);
