/* SPDX-License-Identifier: MIT */
/* In order: contents of frames; what comes next; calls of the machine's within an operation. */
#include <stdio.h>
#include <string.h>

#include <engine/entry.h>
#include <sim/replay/replay.h>

/* ---- Contents of frames.  A run is given to @use as a place, and the words. */

typedef void run_fn(uint64_t mfn, unsigned first, const uint64_t *words, unsigned count);

static void for_each_run(const struct record_event *event, run_fn *use)
{
    struct record_reader reader = record_reader(event->bytes, event->size);
    uint64_t words[ENTRIES_PER_TABLE], place = 0;

    while (reader.next < reader.end && !reader.is_broken) {
        uint64_t skip = record_number(&reader), count = record_number(&reader);

        if (skip > ENTRIES_PER_TABLE || count > ENTRIES_PER_TABLE || place + skip + count > ENTRIES_PER_TABLE)
            tell_end(REPLAY_NO_FILE, "the recording is damaged: a run leaves its frame");
        place += skip;
        for (unsigned i = 0; i < count; i++)
            words[i] = record_word(&reader);
        use(event->number[0], (unsigned)place, words, (unsigned)count);
        place += count;
    }
    if (reader.is_broken)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: contents of a frame");
}

static void put_run(uint64_t mfn, unsigned first, const uint64_t *words, unsigned count)
{
    memcpy(machine_frame(mfn) + first, words, count * sizeof(words[0]));
    if (replay.strays)
        stray_alter(machine_frame(mfn) + first, count * sizeof(words[0]));
}

/*
 * While the machine copies from or to guest memory its processor walks the guest's tables, and notes in them that it
 * has.  What was read or written there no engine does.
 */
static bool is_noted(uint64_t mfn, uint64_t was, uint64_t here)
{
    return type_is_table(type_of(replay.machine.frames[mfn].type)) && !((was ^ here) & ~ENTRY_AD);
}

static void compare_run(uint64_t mfn, unsigned first, const uint64_t *words, unsigned count)
{
    uint64_t *here = machine_frame(mfn) + first;

    for (unsigned i = 0; i < count; i++) {
        if (here[i] != words[i] && is_noted(mfn, words[i], here[i]))
            here[i] = words[i];
        if (here[i] != words[i])
            tell_difference("the run left %016llx in slot %u of frame %llx, the replay %016llx",
                            (unsigned long long)words[i], first + i, (unsigned long long)mfn,
                            (unsigned long long)here[i]);
    }
}

static void put_memory(const struct record_event *event)
{
    if (replay.strays && !stray_finds(event->number[0]))
        return;
    if (event->number[1] & RECORD_MEMORY_WHOLE)
        memset(machine_frame(event->number[0]), 0, PAGE_SIZE);
    for_each_run(event, put_run);
}

/* An operation that the run's end has cut off is none. */
static bool next(struct record_event *event)
{
    if (record_next(&replay.reader, event) && event->kind != RECORD_END)
        return true;
    if (replay.reader.is_broken)
        tell_end(REPLAY_NO_FILE, "the recording is damaged at byte %zu",
                 (size_t)(replay.reader.next - replay.reader.start));
    if (event->kind != RECORD_END)
        tell_end(REPLAY_NO_FILE, "the recording ends too early, within operation %llu: it is not whole",
                 (unsigned long long)replay.operation->number);
    return false;
}

/*
 * All at once, at its beginning: an engine that looks at its frames, or at guest memory, in another order than the one
 * that was recorded finds the same there.
 */
void follow_begin(void)
{
    struct record_reader ahead = replay.reader;
    struct record_event event;

    reads_begin();
    while (record_next(&ahead, &event) && event.kind != RECORD_OUT && event.kind != RECORD_LEAVE) {
        if (event.kind == RECORD_READ)
            reads_add(&event);
        if (event.kind == RECORD_MEMORY && !(event.number[1] & RECORD_MEMORY_LATE))
            put_memory(&event);
    }
}

/* ---- What comes next. */

/* True: the event was about memory, and is done with. */
static bool is_memory(const struct record_event *event)
{
    if (event->kind == RECORD_WROTE)
        for_each_run(event, compare_run);
    else if (event->kind == RECORD_MEMORY && (event->number[1] & RECORD_MEMORY_LATE))
        put_memory(event);
    return event->kind == RECORD_WROTE || event->kind == RECORD_MEMORY || event->kind == RECORD_READ;
}

static bool is_flush(const struct record_event *event)
{
    return event->kind == RECORD_FLUSH || event->kind == RECORD_PAGE;
}

static void next_of_operation(struct record_event *event)
{
    do {
        if (!next(event))
            tell_end(REPLAY_GOOD, "the recording ends within operation %llu",
                     (unsigned long long)replay.operation->number);
    } while (is_memory(event) || (replay.judges && is_flush(event)));
}

struct record_event follow_expect(enum record_kind kind)
{
    struct record_event event;

    next_of_operation(&event);
    if (event.kind != kind)
        tell_difference("the run went on with: %s; the replay with: %s", tell_event(&event), tell_kind(kind));
    return event;
}

void follow_expect_numbers(enum record_kind kind, const uint64_t *numbers)
{
    struct record_event event, mine = {.kind = kind};
    unsigned count = record_kind_numbers(kind);
    char was[256];

    if (replay.strays)
        return;
    next_of_operation(&event);
    memcpy(mine.number, numbers, count * sizeof(numbers[0]));
    if (event.kind == kind && !memcmp(event.number, mine.number, count * sizeof(numbers[0])))
        return;
    snprintf(was, sizeof(was), "%s", tell_event(&event));
    tell_difference("the run went on with: %s; the replay with: %s", was, tell_event(&mine));
}

/* What a stretch has written to what is no table is told behind the write to guest memory that ends it. */
void follow_written(void)
{
    struct record_reader before = replay.reader;
    struct record_event event;

    while (record_next(&replay.reader, &event) && event.kind == RECORD_WROTE) {
        for_each_run(&event, compare_run);
        before = replay.reader;
    }
    replay.reader = before;
}

/* ---- Calls of the machine's. */

int64_t follow_until_back(uint64_t serial)
{
    struct record_event event;

    for (;;) {
        if (!next(&event))
            tell_end(REPLAY_GOOD, "the recording ends within operation %llu",
                     (unsigned long long)replay.operation->number);
        if (event.kind == RECORD_BACK && event.number[0] == serial)
            break;
        if (event.kind == RECORD_ENTER)
            call_engine(&event);
        else if (!machine_take_in(&event))
            tell_end(REPLAY_NO_FILE, "the recording is not in an order that can be followed: at byte %zu, %s", event.at,
                     tell_event(&event));
    }
    follow_begin();
    if (replay.judges && replay.operation->vcpu != RECORD_NONE)
        caches_run(machine_vcpu(replay.operation->domain, replay.operation->vcpu));
    return record_signed(event.number[1]);
}
