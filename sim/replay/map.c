/* SPDX-License-Identifier: MIT */
/*
 * In order: lists of numbers; what is seen of a frame; the history, operation by operation; the moment; all of it.
 * Numbers are decimal, but entries, which are strings of hexadecimal digits.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <engine/level.h>
#include <hv/base/call_names.h>
#include <sim/replay/map.h>
#include <sim/replay/replay.h>

#define NAMES_MAX 128u
#define BLOCK     256u /* frames that are compared at once */

struct list {
    uint32_t *numbers;
    size_t count, room;
};

static struct {
    uint32_t *seen;      /* by frame: its owner, type, pin and whether it is in use, as of the last look */
    struct frame *last;  /* the frame table, as of the last look */
    struct list first;   /* first frame, count, what is seen of them: before all operations */
    struct list history; /* of each operation that changes something: operations since the last one, name, frames;
                                and of each frame: which, what is seen of it */
    const char *names[NAMES_MAX];
    unsigned nr_names;
    uint64_t noted; /* the last operation in the history */
    char *moment;   /* as JSON; NULL: there has been none yet */
    size_t moment_size;
} map;

/*
 * ---- Lists.
 */

static void add(struct list *list, uint64_t number)
{
    if (list->count == list->room) {
        list->room = 2 * list->room + 1024;
        list->numbers = realloc(list->numbers, list->room * sizeof(list->numbers[0]));
        if (!list->numbers)
            abort();
    }
    list->numbers[list->count++] = (uint32_t)number;
}

static void write_list(FILE *to, const char *key, const struct list *list)
{
    fprintf(to, "\"%s\":[", key);
    for (size_t i = 0; i < list->count; i++)
        fprintf(to, i ? ",%" PRIu32 : "%" PRIu32, list->numbers[i]);
    fprintf(to, "],\n");
}

/*
 * ---- What is seen of a frame.
 */

static uint32_t look(const struct frame *frame)
{
    struct type_word type = frame->type;

    return (uint32_t)frame_owner(frame) << 5 | (uint32_t)type_of(type) << 2 | (uint32_t)type_is_pinned(type) << 1 |
           (uint32_t)!type_is_idle(type);
}

/* The names of calls are few, and static. */
static unsigned name_of(const struct record_event *enter)
{
    struct record_reader arguments = record_reader(enter->bytes, enter->size);
    const char *name = record_call_name(enter->number[0]);
    unsigned i;

    if (enter->number[0] == RECORD_CALL_HYPERCALL)
        name = call_name(record_number(&arguments));
    if (!name)
        name = "a hypercall that has no name";
    for (i = 0; i < map.nr_names && strcmp(map.names[i], name) != 0; i++)
        continue;
    if (i == NAMES_MAX)
        return 0;
    map.names[i] = name;
    if (i == map.nr_names)
        map.nr_names++;
    return i;
}

/*
 * ---- The history.
 */

static void begin(void)
{
    const struct machine *machine = &replay.machine;
    uint64_t first = 0;

    map.seen = calloc(machine->nr_frames, sizeof(map.seen[0]));
    map.last = calloc(machine->nr_frames, sizeof(map.last[0]));
    if (!map.seen || !map.last)
        tell_end(REPLAY_NO_FILE, "there is no memory for a map");
    memcpy(map.last, machine->frames, machine->nr_frames * sizeof(map.last[0]));
    for (uint64_t i = 0; i < machine->nr_frames; i++) {
        map.seen[i] = look(&machine->frames[i]);
        if (i + 1 < machine->nr_frames && look(&machine->frames[i + 1]) == map.seen[i])
            continue;
        add(&map.first, first);
        add(&map.first, i + 1 - first);
        add(&map.first, map.seen[i]);
        first = i + 1;
    }
}

/* The frames of a block that look otherwise than before go to the history; returns how many. */
static unsigned note_block(uint64_t first, uint64_t end)
{
    unsigned count = 0;

    for (uint64_t i = first; i < end; i++) {
        uint32_t now = look(&replay.machine.frames[i]);

        if (now == map.seen[i])
            continue;
        map.seen[i] = now;
        add(&map.history, i);
        add(&map.history, now);
        count++;
    }
    return count;
}

void map_after(const struct record_event *enter)
{
    const struct machine *machine = &replay.machine;
    size_t at = map.history.count;
    unsigned count = 0;

    for (unsigned i = 0; i < 3; i++)
        add(&map.history, 0);
    for (uint64_t first = 0; first < machine->nr_frames; first += BLOCK) {
        uint64_t end = first + BLOCK < machine->nr_frames ? first + BLOCK : machine->nr_frames;
        size_t size = (end - first) * sizeof(map.last[0]);

        if (memcmp(&map.last[first], &machine->frames[first], size) == 0)
            continue;
        memcpy(&map.last[first], &machine->frames[first], size);
        count += note_block(first, end);
    }
    if (!count) {
        map.history.count = at;
        return;
    }
    map.history.numbers[at] = (uint32_t)(replay.done - map.noted);
    map.history.numbers[at + 1] = name_of(enter);
    map.history.numbers[at + 2] = count;
    map.noted = replay.done;
}

/*
 * ---- The moment.
 */

static void write_entries(FILE *to, uint64_t mfn, const struct level *level)
{
    const uint64_t *entries = machine_frame(mfn);
    const char *comma = "";

    for (unsigned i = 0; i < level->slots; i++) {
        if (!(entries[i] & ENTRY_PRESENT) || level_slot_is_hypervisor(level, i))
            continue;
        fprintf(to, "%s%u,\"%" PRIx64 "\"", comma, i, entries[i]);
        comma = ",";
    }
}

/* [frame, uses, references, pfn or -1, then a table's level and its entries] */
static void write_frame(FILE *to, uint64_t mfn)
{
    const struct frame *frame = &replay.machine.frames[mfn];
    const struct domain *domain = domain_find(&replay.machine, DOMID(frame_owner(frame)));
    const struct level *level = domain ? level_of(domain->width, type_of(frame->type)) : NULL;
    uint64_t pfn = replay.machine.m2p[mfn];

    if (domain && domain->width == WIDTH_PAE)
        pfn = (uint32_t)pfn;
    fprintf(to, "[%" PRIu64 ",%u,%u,%" PRId64, mfn, type_count(frame->type), frame->refs,
            pfn < (UINT64_C(1) << 31) ? (int64_t)pfn : -1);
    if (level && type_is_validated(frame->type)) {
        fprintf(to, ",%u,[", level_number(level->type));
        write_entries(to, mfn, level);
        fprintf(to, "]");
    }
    fprintf(to, "]");
}

static void write_root(FILE *to, mfn_t root)
{
    fprintf(to, "%" PRId64, mfn_is_none(root) ? -1 : (int64_t)root.v);
}

static void write_domain(FILE *to, const struct domain *domain)
{
    fprintf(to, "{\"id\":%u,\"width\":%u,\"vcpus\":[", domain->id.v, domain->width == WIDTH_PAE ? 32u : 64u);
    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        fprintf(to, i ? ",[" : "[");
        write_root(to, domain->vcpus[i]->kernel_root);
        fprintf(to, ",");
        write_root(to, domain->vcpus[i]->user_root);
        fprintf(to, "]");
    }
    fprintf(to, "]}");
}

static void take_moment(void)
{
    const struct machine *machine = &replay.machine;
    FILE *to = open_memstream(&map.moment, &map.moment_size);
    const char *comma = "";

    if (!to)
        abort();
    fprintf(to, "\"moment\":%" PRIu64 ",\n\"domains\":[", replay.done);
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (!machine->domains[i])
            continue;
        fprintf(to, "%s", comma);
        write_domain(to, machine->domains[i]);
        comma = ",";
    }
    fprintf(to, "],\n\"frames\":[");
    comma = "";
    for (uint64_t i = 0; i < machine->nr_frames; i++) {
        if (frame_owner(&machine->frames[i]) >= DOMID_FIRST_RESERVED)
            continue;
        fprintf(to, "%s", comma);
        write_frame(to, i);
        comma = ",";
    }
    fprintf(to, "],\n");
    fclose(to);
}

void map_before(const struct record_event *enter, bool is_end_wanted)
{
    if (!map.seen)
        begin();
    if (!map.moment && !is_end_wanted &&
        (enter->number[0] == RECORD_CALL_DOMAIN_DYING || enter->number[0] == RECORD_CALL_DOMAIN_DESTROY))
        take_moment();
}

/*
 * ---- All of it.
 */

void map_write(FILE *to)
{
    if (!map.moment)
        take_moment();
    fprintf(to, "{\"version\":1,\"nrFrames\":%" PRIu64 ",\"operations\":%" PRIu64 ",\n", replay.machine.nr_frames,
            replay.done);
    fwrite(map.moment, 1, map.moment_size, to);
    fprintf(to, "\"names\":[");
    for (unsigned i = 0; i < map.nr_names; i++)
        fprintf(to, "%s\"%s\"", i ? "," : "", map.names[i]);
    fprintf(to, "],\n");
    write_list(to, "history", &map.history);
    write_list(to, "first", &map.first);
    fprintf(to, "\"end\":0}\n");
}
