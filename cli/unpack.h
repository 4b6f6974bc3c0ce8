/* SPDX-License-Identifier: MIT */
/* Compressed data, of each kind that a kernel comes in. */
#pragma once

#include <cli/file.h>

struct compression {
    const char *name;
    /* A bzImage has the size of the unpacked kernel behind the data, 4 bytes; gzip ends with it anyway. */
    bool has_size_behind;
    const char *magic;
    size_t magic_size;
    int (*add_filter)(void *archive); /* NULL: known, but cannot be unpacked here */
};

/* The compression that the data begins as; NULL: none that is known. */
const struct compression *compression_find(const uint8_t *data, size_t size);

/*
 * Unpack into @out, at most @limit bytes; on STATUS_GOOD the caller frees it.
 * STATUS_REFUSED: damaged, larger than @limit, or of a kind that cannot be unpacked.  @name is for messages.
 */
enum status __must_check unpack(const char *name, const struct compression *compression, const uint8_t *data,
                                size_t size, size_t limit, struct bytes *out);
