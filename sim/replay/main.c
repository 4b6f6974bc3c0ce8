/* SPDX-License-Identifier: MIT */
/* `paravane replay`, in order: the command line; the audit; the recording from its beginning to its end. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sim/replay/map.h>
#include <sim/replay/replay.h>

struct replay replay;

/* ---- The command line. */

struct options {
    const char *path, *save;
    const char *map, *page; /* where a map goes, and the page that it is put into */
    uint64_t audit_every;   /* 0: only at the end */
    uint64_t stop_at;       /* 0: at its end */
    uint64_t stray_every;   /* 0: never */
    uint64_t seed;
    bool audits, is_measured, lists_frames;
};

enum {
    KEY_AUDIT = 256,
    KEY_FLUSHES,
    KEY_STOP,
    KEY_STRAYS,
    KEY_SEED,
    KEY_LIST,
    KEY_SPEED,
    KEY_SAVE,
    KEY_FRAMES,
    KEY_MAP,
    KEY_PAGE
};

static const struct argp_option option_list[] = {
    {"audit", KEY_AUDIT, "WHEN", 0,
     "recount every reference and compare with the frame table: end (default), every operation, after so many (a "
     "number), or none",
     0},
    {"flushes", KEY_FLUSHES, "HOW", 0,
     "compare flushes with the run's (default), or let a processor that remembers translations until one comes judge "
     "them: compared or judged",
     0},
    {"stop-at", KEY_STOP, "OPERATION", 0, "end behind that operation, counted from 1", 0},
    {"strays", KEY_STRAYS, "OPERATIONS", 0,
     "behind every so many operations, leave the recording in a process of its own: its next operations are altered by "
     "chance, and the audit and the judge of flushes look after each (implies --flushes=judged)",
     0},
    {"seed", KEY_SEED, "NUMBER", 0, "of that chance; the default is 1", 0},
    {"list", KEY_LIST, NULL, 0, "print each operation with its result, and why it was refused", 0},
    {"frames", KEY_FRAMES, NULL, 0,
     "print each frame that has an owner, as it is at the end: frame, owner, type, count of uses, pinned or not, "
     "references",
     0},
    {"speed", KEY_SPEED, NULL, 0,
     "print how many operations were carried out in a second of the processor; there is no audit then", 0},
    {"save", KEY_SAVE, "FILE", 0,
     "write what has been replayed to FILE, smaller if its name ends in .xz: with --stop-at, a shortened recording", 0},
    {"map", KEY_MAP, "FILE", OPTION_HIDDEN, NULL, 0}, /* for `paravane map`, which is documented */
    {"page", KEY_PAGE, "FILE", OPTION_HIDDEN, NULL, 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char help[] =
    "Carry out once more what `paravane run` has recorded: every operation of memory management, by the engine that "
    "this "
    "program was built with, in an ordinary process, without QEMU and without the guest."
    "\v"
    "What the engine reads of the guest's memory comes from the recording, and all that it answers, writes, flushes, "
    "loads and refuses is compared with what it did in the run. The first difference is the end, and is told: "
    "\"operation 1234 (...): the run answered 0, the replay -22\". With the engine of the run there is none; with a "
    "changed one, a difference is what the change does to this guest.\n"
    "\n"
    "Exit codes: 0 nothing differs; 1 the file cannot be read or is no recording of this version; 2 wrong use; 3 a "
    "difference; 5 the engine broke: a check of its own, the audit, or a flush that is missing.\n"
    "\n"
    "Examples:\n"
    "  paravane replay boot.rec\n"
    "  paravane replay --audit=every boot.rec\n"
    "  paravane replay --flushes=judged boot.rec\n"
    "  paravane replay --strays=1000 --seed=7 boot.rec\n"
    "  paravane replay --list boot.rec | grep PIN\n"
    "  paravane replay --stop-at 20000 --save short.rec boot.rec\n";

static uint64_t parse_number(const char *text, const char *option, struct argp_state *state)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*end || !number || *text == '-')
        argp_error(state, "--%s %s: not a number from 1 on", option, text);
    return number;
}

static void read_audit(const char *text, struct options *options, struct argp_state *state)
{
    options->audits = strcmp(text, "none") != 0;
    if (!strcmp(text, "every"))
        options->audit_every = 1;
    else if (options->audits && strcmp(text, "end") != 0)
        options->audit_every = parse_number(text, "audit", state);
}

static void read_flushes(const char *text, struct argp_state *state)
{
    replay.judges = !strcmp(text, "judged");
    if (!replay.judges && strcmp(text, "compared") != 0)
        argp_error(state, "--flushes %s: not one of compared, judged", text);
}

static error_t read_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case KEY_AUDIT:
        read_audit(text, options, state);
        return 0;
    case KEY_FLUSHES:
        read_flushes(text, state);
        return 0;
    case KEY_STOP:
        options->stop_at = parse_number(text, "stop-at", state);
        return 0;
    case KEY_STRAYS:
        options->stray_every = parse_number(text, "strays", state);
        return 0;
    case KEY_SEED:
        options->seed = parse_number(text, "seed", state);
        return 0;
    case KEY_LIST:
        replay.tells = true;
        return 0;
    case KEY_SPEED:
        options->is_measured = true;
        return 0;
    case KEY_SAVE:
        options->save = text;
        return 0;
    case KEY_FRAMES:
        options->lists_frames = true;
        return 0;
    case KEY_MAP:
        options->map = text;
        return 0;
    case KEY_PAGE:
        options->page = text;
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "one recording at a time; %s is one too many", text);
        options->path = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which recording? `paravane run --record FILE` makes one");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- The audit. */

void replay_audit(void)
{
    static struct audit_counts *counts;
    struct audit_finding finding;

    if (!machine_is_whole())
        return;
    if (!counts)
        counts = calloc(replay.machine.nr_frames, sizeof(*counts));
    if (!counts)
        tell_end(REPLAY_NO_FILE, "there is no memory for an audit");
    if (!audit_machine(&replay.machine, counts, &finding))
        tell_end(REPLAY_BROKEN,
                 "the audit after operation %" PRIu64 ": %s: frame %" PRIx64 ": expected %" PRIu64 ", found %" PRIu64,
                 replay.done, finding.invariant, finding.frame.v, finding.expected, finding.found);
}

/* ---- A recording. */

static void begin(const uint8_t *bytes, size_t size)
{
    if (size < sizeof(replay.header))
        tell_end(REPLAY_NO_FILE, "this is no recording");
    memcpy(&replay.header, bytes, sizeof(replay.header));
    if (replay.header.magic != RECORD_MAGIC)
        tell_end(REPLAY_NO_FILE, "this is no recording");
    if (replay.header.version != RECORD_VERSION)
        tell_end(REPLAY_NO_FILE, "the recording has version %u, and this program replays version %u: record it anew",
                 replay.header.version, RECORD_VERSION);
    replay.reader = record_reader(bytes + sizeof(replay.header), size - sizeof(replay.header));
}

static void carry_out(const struct record_event *enter, const struct options *options)
{
    if (options->map)
        map_before(enter, options->stop_at != 0);
    call_engine(enter);
    if (options->map)
        map_after(enter);
}

static void follow(const struct options *options)
{
    struct record_event event;

    while (record_next(&replay.reader, &event) && event.kind != RECORD_END) {
        if (event.kind == RECORD_ENTER && replay.machine.frames) /* no operation comes before its machine */
            carry_out(&event, options);
        else if (!machine_take_in(&event))
            tell_end(REPLAY_NO_FILE, "the recording is damaged at byte %zu: %s", event.at,
                     record_kind_name((uint64_t)event.kind));
        if (event.kind == RECORD_ENTER && options->audit_every && replay.done % options->audit_every == 0)
            replay_audit();
        if (event.kind == RECORD_ENTER && options->stray_every && replay.done % options->stray_every == 0)
            stray_from_here(options->seed);
        if (options->stop_at && replay.done >= options->stop_at)
            return;
    }
    if (replay.reader.is_broken || event.kind != RECORD_END)
        tell_end(REPLAY_NO_FILE, "the recording ends too early, behind operation %" PRIu64 ": it is not whole",
                 replay.done);
    if (options->stop_at)
        tell_end(REPLAY_USAGE, "the recording has %" PRIu64 " operations only", replay.done);
}

static void list_frames(void)
{
    for (uint64_t i = 0; i < replay.machine.nr_frames; i++) {
        const struct frame *frame = &replay.machine.frames[i];

        if (frame_owner(frame) < DOMID_FIRST_RESERVED)
            printf("%" PRIx64 " %u %s %u %u %u\n", i, frame_owner(frame), tell_type(type_of(frame->type)),
                   type_count(frame->type), type_is_pinned(frame->type), frame->refs);
    }
}

/* Of this process alone: others may be at work. */
static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    static const struct argp parser = {option_list, read_option, "RECORDING", help, NULL, NULL, NULL};
    struct options options = {.audits = true, .seed = 1};
    uint8_t *bytes;
    size_t size;
    double began;

    argp_err_exit_status = REPLAY_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, &options);
    replay.judges |= options.stray_every != 0;
    if (!file_read(options.path, &bytes, &size))
        return REPLAY_NO_FILE;
    replay.path = options.path;
    begin(bytes, size);
    began = now();
    if (options.is_measured) {
        options.audits = false;
        options.audit_every = 0;
    }
    follow(&options);
    if (options.is_measured)
        printf("%.0f operations a second\n", (double)replay.done / (now() - began));
    if (options.audits)
        replay_audit();
    if (options.save && !file_write(options.save, bytes, (size_t)(replay.reader.next - bytes)))
        return REPLAY_NO_FILE;
    if (options.map && !map_write_page(options.map, options.page))
        return REPLAY_NO_FILE;
    if (options.lists_frames)
        list_frames();
    else
        printf("%" PRIu64 " operations, %" PRIu64 " refusals: nothing differs\n", replay.done, replay.nr_refusals);
    if (replay.stray_counts)
        printf("%" PRIu64 " times astray, %" PRIu64 " operations, %" PRIu64 " refusals: nothing broke\n",
               replay.stray_counts->times, replay.stray_counts->operations, replay.stray_counts->refusals);
    return REPLAY_GOOD;
}
