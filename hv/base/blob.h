/* SPDX-License-Identifier: MIT */
/*
 * Bytes that came from outside, and the only ways to look at them: each checks that what it gives lies inside.  What a
 * number at any place means, and its alignment, is not to be relied on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hv/base/string.h>

/* @bytes is NULL only where nothing is there at all, and then @size is 0. */
struct blob {
    const uint8_t *bytes;
    uint64_t size;
};

/* The @size bytes at @offset of @blob; false, and nothing is written, if they do not all lie in it. */
static inline bool blob_slice(struct blob blob, uint64_t offset, uint64_t size, struct blob *slice)
{
    if (offset > blob.size || size > blob.size - offset)
        return false;
    *slice = (struct blob){blob.bytes ? blob.bytes + offset : NULL, size};
    return true;
}

/* The same, copied to @to. */
static inline bool blob_read(struct blob blob, uint64_t offset, void *to, size_t size)
{
    struct blob slice;

    if (!blob_slice(blob, offset, size, &slice))
        return false;
    if (size > 0)
        memcpy(to, slice.bytes, size);
    return true;
}

/* What of @blob comes before the first @byte, or all of it. */
static inline struct blob blob_until(struct blob blob, char byte)
{
    uint64_t length = 0;

    while (length < blob.size && blob.bytes[length] != (uint8_t)byte)
        length++;
    blob.size = length;
    return blob;
}

/* @blob without its first @count bytes, of which it may have fewer. */
static inline struct blob blob_skip(struct blob blob, uint64_t count)
{
    if (count > blob.size)
        count = blob.size;
    return (struct blob){blob.bytes ? blob.bytes + count : NULL, blob.size - count};
}

static inline bool blob_starts_with(struct blob blob, const char *text)
{
    for (uint64_t i = 0; text[i]; i++) {
        if (i >= blob.size || blob.bytes[i] != (uint8_t)text[i])
            return false;
    }
    return true;
}

static inline bool blob_equals(struct blob blob, const char *text)
{
    for (uint64_t i = 0; i < blob.size; i++) {
        if (!text[i] || blob.bytes[i] != (uint8_t)text[i])
            return false;
    }
    return !text[blob.size];
}

/* The decimal number that @blob is, in full; false if it is none, or too large. */
static inline bool blob_decimal(struct blob blob, uint64_t *number)
{
    uint64_t value = 0;

    for (uint64_t i = 0; i < blob.size; i++) {
        unsigned digit = (unsigned)blob.bytes[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return blob.size > 0;
}

/* The same for a hexadecimal number, of digits and small letters alone. */
static inline bool blob_hexadecimal(struct blob blob, uint64_t *number)
{
    uint64_t value = 0;

    for (uint64_t i = 0; i < blob.size; i++) {
        uint8_t byte = blob.bytes[i];
        bool is_letter = byte >= 'a' && byte <= 'f';

        if ((!is_letter && (byte < '0' || byte > '9')) || value >> 60)
            return false;
        value = value << 4 | (uint64_t)(is_letter ? byte - 'a' + 10 : byte - '0');
    }
    *number = value;
    return blob.size > 0;
}
