/* SPDX-License-Identifier: MIT */
/* The machine's memory as a file, which this program has mapped as well: a ring in it that the hypervisor fills. */
#pragma once

#include <stdint.h>

#include <cli/message.h>

struct machine_memory {
    int file; /* QEMU inherits it */
    char path[64];
    void *ring; /* NULL: the hypervisor has not said where it is */
    size_t mapped;
};

/* Make the file, of which @option is in need.  STATUS_FAILED: it cannot be made.  machine_memory_close() it. */
enum status __must_check machine_memory_open(struct machine_memory *memory, const char *option);
void machine_memory_close(struct machine_memory *memory);

/*
 * Look at a line of the hypervisor's: does it say "WHAT at ADDRESS, SIZE bytes"?  Then the ring of @header bytes and of
 * SIZE, a power of two, is mapped.  0: not, or it lies outside; else SIZE.
 */
uint64_t machine_memory_note(struct machine_memory *memory, const char *line, const char *what, uint64_t header);
