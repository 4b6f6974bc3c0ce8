/* SPDX-License-Identifier: MIT */
/*
 * The engine's operations recorded, for the engine of another machine to carry out again: engine/record.h.
 *
 * The image that records, paravane-record.elf, is linked of the same objects as the other one, and of these files.  The
 * linker (--wrap) leads each call between machine and engine through them, either way: record_calls.c has what the
 * machine calls of engine/engine.h, record_port.c what the engine calls of engine/port.h.  So nothing is in the way of
 * who does not record, and the engine that is recorded is the one that runs otherwise.
 *
 * One processor runs, and no operation is interrupted by another: where the engine asks whether others wish to run, the
 * answer is no.  What is left are the calls that the machine carries out inside a multicall.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/engine.h>
#include <engine/record.h>

/*
 * If @line, the command line, asks for it ("record"): take memory for the ring, tell where it is, and have all recorded
 * from now on, before any other processor has been started and before there are domains.  Without memory nothing is
 * recorded, which is said.
 */
void record_start(struct machine *machine, const char *line);

/*
 * ---- What the parts share.
 */

#define RECORD_BYTES_MAX 8192u /* of one event's bytes, and beyond those of a frame's runs */

/* Is an engine that is recorded under way?  Set by record_calls.c, cleared while the engine calls the machine. */
extern bool record_inside __attribute__((visibility("hidden")));

/* Events, hv/record/record_write.c: the kind and its numbers; bytes, where the kind has them; then it is there. */
void record_event(enum record_kind kind, const uint64_t *numbers);
void record_event_bytes(enum record_kind kind, const uint64_t *numbers, const void *bytes, size_t size);
#define RECORD_EVENT(kind, ...) record_event(RECORD_##kind, (const uint64_t[]){__VA_ARGS__})

/* A signed number as one; @number appended to the bytes at @at, where there are 10 left.  Returns how many it takes. */
uint64_t record_sign(int64_t number);
size_t record_put_number(uint8_t *at, uint64_t number);

/* The memory that the ring has; false: there is none. */
bool record_open_ring(struct machine *machine);

/* Contents of frames, hv/record/record_memory.c: the memory for what is known of them; false: there is none. */
bool record_open_memory(struct machine *machine);

/* The engine looks at, wipes, or copies to a frame. */
void record_map(mfn_t mfn);
void record_clear(mfn_t mfn);
void record_forget(mfn_t mfn);

/*
 * A stretch of an operation begins, at its beginning or where it goes on after the machine has been called; and ends,
 * and what it has written is told.  In the middle of one something has been written to guest memory.
 */
void record_begin_memory(void);
void record_leave_memory(void);
void record_written(void);

/*
 * The state that the machine keeps, hv/record/record_state.c: that of the machine, at the beginning; a domain that
 * there is from now on, or has another number.
 */
void record_machine(const struct machine *machine);
void record_know_domain(const struct domain *domain);
void record_renumber_domain(const struct domain *domain);

/* Tell what the machine has changed, where an operation begins, or goes on (@within); and know what the engine has. */
void record_state(bool within);
void record_state_left(void);
