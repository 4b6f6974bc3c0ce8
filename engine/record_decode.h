/* SPDX-License-Identifier: MIT */
/*
 * A recording read, event by event, from memory.  Nothing in it is believed: whatever does not fit is an end with
 * is_broken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <engine/record.h>

struct record_event {
    enum record_kind kind;
    size_t at; /* where it begins */
    uint64_t number[RECORD_NUMBERS_MAX];
    const uint8_t *bytes; /* in the recording */
    size_t size;          /* of @bytes */
};

/* What is left to read, from @next on: a whole recording from where its header ends, or the bytes of an event. */
struct record_reader {
    const uint8_t *start, *next, *end;
    bool is_broken;
};

static inline struct record_reader record_reader(const uint8_t *bytes, size_t size)
{
    return (struct record_reader){.start = bytes, .next = bytes, .end = bytes + size};
}

/* The next number; 0 where there is none, and the reader is broken. */
static inline uint64_t record_number(struct record_reader *reader)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && reader->next < reader->end; shift += 7) {
        uint8_t byte = *reader->next++;

        number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return number;
    }
    reader->is_broken = true;
    return 0;
}

/* The next word of 8 bytes. */
static inline uint64_t record_word(struct record_reader *reader)
{
    uint64_t word = 0;

    if (reader->end - reader->next < 8) {
        reader->is_broken = true;
        return 0;
    }
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)*reader->next++ << 8 * i;
    return word;
}

static inline int64_t record_signed(uint64_t number)
{
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

/* How many numbers an event of @kind has, and whether bytes follow. */
static inline unsigned record_kind_numbers(enum record_kind kind)
{
    static const uint8_t numbers[] = {
#define RECORD_KIND(name, numbers, bytes) numbers,
        RECORD_KINDS(RECORD_KIND)
#undef RECORD_KIND
    };

    return numbers[kind];
}

static inline bool record_kind_has_bytes(enum record_kind kind)
{
    static const bool has_bytes[] = {
#define RECORD_KIND(name, numbers, bytes) bytes,
        RECORD_KINDS(RECORD_KIND)
#undef RECORD_KIND
    };

    return has_bytes[kind];
}

/* The next event; false: there is none, or it is broken, and *@event is no END. */
static inline bool record_next(struct record_reader *reader, struct record_event *event)
{
    uint64_t size;

    *event = (struct record_event){.at = (size_t)(reader->next - reader->start)};
    if (reader->is_broken || reader->next == reader->end)
        return false;
    if (*reader->next >= RECORD_KIND_COUNT) {
        reader->is_broken = true;
        return false;
    }
    event->kind = (enum record_kind) * reader->next++;
    for (unsigned i = 0; i < record_kind_numbers(event->kind); i++)
        event->number[i] = record_number(reader);
    if (record_kind_has_bytes(event->kind)) {
        size = record_number(reader);
        if (size > (uint64_t)(reader->end - reader->next))
            reader->is_broken = true;
        if (reader->is_broken)
            return false;
        event->bytes = reader->next;
        event->size = (size_t)size;
        reader->next += size;
    }
    return !reader->is_broken;
}

/* The name of a kind, and of the function that a call is; NULL: there is none of that number. */
static inline const char *record_kind_name(uint64_t kind)
{
    static const char *const names[] = {
#define RECORD_KIND(name, numbers, bytes) #name,
        RECORD_KINDS(RECORD_KIND)
#undef RECORD_KIND
    };

    return kind < RECORD_KIND_COUNT ? names[kind] : NULL;
}

static inline const char *record_call_name(uint64_t call)
{
    static const char *const names[] = {
#define RECORD_CALL(name, function, arguments) #function,
        RECORD_CALLS(RECORD_CALL)
#undef RECORD_CALL
    };

    return call < RECORD_CALL_COUNT ? names[call] : NULL;
}

/* Is there a call of that number, and has it @count arguments? */
static inline bool record_call_takes(uint64_t call, unsigned count)
{
    static const int8_t takes[] = {
#define RECORD_CALL(name, function, arguments) arguments,
        RECORD_CALLS(RECORD_CALL)
#undef RECORD_CALL
    };

    return call < RECORD_CALL_COUNT && (takes[call] < 0 || (unsigned)takes[call] == count);
}
