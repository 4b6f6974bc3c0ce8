/* SPDX-License-Identifier: MIT */
/*
 * Guest memory that an operation reads.  It is no part of what an engine does how often it reads, and how much at once:
 * what the run has read, up to where the machine was called, is there for each read of the replay.  Where something was
 * read twice, a write to guest memory in between may have changed it: what comes behind that write is looked at first.
 */
#include <stdlib.h>
#include <string.h>

#include <sim/replay/replay.h>

struct piece {
    uint64_t from, size;
    const uint8_t *bytes; /* NULL: it could not be read */
    size_t at;            /* of its event */
};

static struct piece *pieces;
static size_t nr_pieces, room, hint; /* the last: where a read is looked for first */

void reads_begin(void)
{
    nr_pieces = 0;
    hint = 0;
}

void reads_add(const struct record_event *event)
{
    if (nr_pieces == room) {
        room = 2 * room + 64;
        pieces = realloc(pieces, room * sizeof(*pieces));
        if (!pieces)
            abort();
    }
    if (event->size && event->size != event->number[1])
        tell_end(REPLAY_NO_FILE, "the recording is damaged at byte %zu: a read", event->at);
    pieces[nr_pieces++] =
        (struct piece){event->number[0], event->number[1], event->size ? event->bytes : NULL, event->at};
}

void reads_pass(size_t at)
{
    while (hint < nr_pieces && pieces[hint].at < at)
        hint++;
}

/* The same read; NULL: there was none.  Most are the next ones. */
static const struct piece *find_same(uint64_t from, size_t size)
{
    for (size_t i = 0; i < nr_pieces; i++) {
        size_t place = (hint + i) % nr_pieces;

        if (pieces[place].from != from || pieces[place].size != size)
            continue;
        hint = place + 1;
        return &pieces[place];
    }
    return NULL;
}

/* One that has read the byte at @address, or else one that could not; NULL: none has tried. */
static const struct piece *find(uint64_t address)
{
    const struct piece *failed = NULL;

    for (size_t i = 0; i < nr_pieces; i++) {
        const struct piece *piece = &pieces[(hint + i) % nr_pieces];
        bool has_it = address >= piece->from && address - piece->from < piece->size;

        if (has_it && piece->bytes)
            return piece;
        failed = has_it && !failed ? piece : failed;
    }
    return failed;
}

bool reads_give(void *to, uint64_t from, size_t size)
{
    const struct piece *piece = find_same(from, size);

    if (piece && piece->bytes)
        memcpy(to, piece->bytes, size);
    if (piece)
        return piece->bytes;
    for (size_t done = 0, chunk; done < size; done += chunk) {
        uint64_t skip;

        piece = find(from + done);
        if (!piece && replay.strays)
            return false;
        if (!piece)
            tell_difference("the replay read %zu bytes of guest memory at %llx, which the run did not read", size,
                            (unsigned long long)from);
        if (!piece->bytes)
            return false;
        skip = from + done - piece->from;
        chunk = piece->size - skip < size - done ? (size_t)(piece->size - skip) : size - done;
        memcpy((uint8_t *)to + done, piece->bytes + skip, chunk);
    }
    return true;
}
