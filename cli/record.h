/* SPDX-License-Identifier: MIT */
/* A recording of a run's operations: `paravane run --record`.  engine/record.h says what is in it. */
#pragma once

#include <stdbool.h>

#include <engine/record.h>
#include <cli/machine_memory.h>

struct archive;

struct record {
    bool is_on;
    const char *name; /* of the file */
    struct machine_memory memory;
    uint64_t size, tail;     /* of the ring; read of it; bytes */
    bool is_broken;          /* the ring makes no sense */
    bool is_full;            /* the file cannot be written */
    struct archive *archive; /* the file, compressed */
};

/* Prepare for a recording in the file at @path.  STATUS_USAGE: it cannot be written.  record_close() it. */
enum status __must_check record_open(struct record *record, const char *path);
void record_close(struct record *record);

/* Look at a line of the hypervisor's: does it say where the ring is? */
void record_note(struct record *record, const char *line);

/* Take what has been written since.  The guest waits for it where the ring is full. */
void record_drain(struct record *record);

/* The end of the run, and of the recording.  STATUS_FAILED: it is not whole, which is said. */
enum status __must_check record_finish(struct record *record);
