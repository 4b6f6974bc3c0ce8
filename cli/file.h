/* SPDX-License-Identifier: MIT */
/* Whole files in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cli/message.h>

#define MIB ((size_t)1 << 20)

/* Bytes on the heap; no bytes are {NULL, 0}. */
struct bytes {
    uint8_t *data;
    size_t size;
};

/*
 * Read the file, a pipe too, of at most @limit bytes.  On STATUS_GOOD the caller frees @bytes.
 * STATUS_USAGE: it cannot be opened or read, is a directory, or is larger.  STATUS_FAILED: out of memory.
 */
enum status __must_check file_read(const char *path, size_t limit, struct bytes *bytes);

/*
 * Do both names, either of which may be NULL, lead to one file, or one block device?  A pipe or another device is none,
 * nor is a missing file.
 */
bool file_is_same(const char *path, const char *other);

/*
 * Make room for at least @room bytes behind the @used ones; *@capacity is how many there are room for.
 * STATUS_FAILED: out of memory; what was there stays.
 */
enum status __must_check bytes_reserve(struct bytes *bytes, size_t *capacity, size_t room);

/* Free them; none are left. */
void bytes_free(struct bytes *bytes);
