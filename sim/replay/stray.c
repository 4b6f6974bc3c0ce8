/* SPDX-License-Identifier: MIT */
/*
 * A replay that leaves the recording: from a state of the run's on, in a process of its own, the next operations with
 * words of their arguments and memory altered by chance, some of them left out and some made twice.  Nothing is
 * compared from there on; what has to hold is what holds for any guest: the engine's own checks, the audit, and the
 * rule of what a processor may remember, after each operation.
 *
 * In order: chance; what is altered; what stands in for the machine; the operations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <engine/level.h>
#include <sim/replay/replay.h>

#define OPERATIONS 64u /* in a row */
#define ONE_WORD   24u /* of so many is altered */
#define ONE_LEFT   16u /* operation of so many is left out, and another made twice */
#define ONE_FAILS  32u /* write to the guest's memory */
#define ONE_WAITS  8u  /* point of preemption, at which others wish to run */

/*
 * ---- Chance.
 */

static uint64_t state;
static uint64_t next_free; /* where the pool's frames are looked for */

uint64_t stray_below(uint64_t bound)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % bound;
}

/* Some frame, often one that a guest has, and then often a table. */
static uint64_t some_frame(void)
{
    uint64_t found = stray_below(replay.machine.nr_frames);

    for (unsigned i = 0; i < 64; i++) {
        uint64_t mfn = stray_below(replay.machine.nr_frames);
        const struct frame *frame = &replay.machine.frames[mfn];

        if (frame_owner(frame) >= DOMID_FIRST_RESERVED)
            continue;
        found = mfn;
        if (type_is_table(type_of(frame->type)))
            break;
    }
    return found;
}

/*
 * ---- What is altered: an entry, its address, a command, the number of a frame.
 */

static uint64_t alter(uint64_t word)
{
    switch (stray_below(7)) {
    case 0:
        return word ^ UINT64_C(1) << stray_below(12);
    case 1:
        return word ^ UINT64_C(1) << stray_below(64);
    case 2:
        return word ^ (entry_mfn(word).v ^ some_frame()) << PAGE_SHIFT;
    case 3:
        return some_frame();
    case 4:
        return stray_below(32);
    case 5:
        return word + sizeof(word) * stray_below(ENTRIES_PER_TABLE);
    default:
        return 0;
    }
}

void stray_alter(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    uint64_t word;

    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        if (stray_below(ONE_WORD))
            continue;
        memcpy(&word, at, sizeof(word));
        word = alter(word);
        memcpy(at, &word, sizeof(word));
    }
}

/* Not which call it is, nor in which form a table is written. */
void stray_alter_arguments(struct operation *operation)
{
    if (operation->call == RECORD_CALL_HYPERCALL)
        stray_alter(operation->arguments + 1, 6 * sizeof(operation->arguments[0]));
    else if (operation->call == RECORD_CALL_TABLE_WRITE)
        stray_alter(operation->arguments + 3, 2 * sizeof(operation->arguments[0]));
}

/* What a run has found in a frame a guest may have written only where it can write. */
bool stray_finds(uint64_t mfn)
{
    const struct frame *frame = mfn < replay.machine.nr_frames ? &replay.machine.frames[mfn] : NULL;

    return frame && frame_owner(frame) < DOMID_FIRST_RESERVED &&
           (type_is_idle(frame->type) || type_of(frame->type) == TYPE_WRITABLE);
}

/*
 * ---- In the machine's stead.
 */

/* No frame comes twice: the engine may ask for several before it says whose they are. */
bool stray_take(unsigned order, mfn_t end, mfn_t *first)
{
    uint64_t limit = end.v < replay.machine.nr_frames ? end.v : replay.machine.nr_frames;

    for (; !order && next_free < limit; next_free++) {
        const struct frame *frame = &replay.machine.frames[next_free];

        if (frame_owner(frame) != OWNER_NONE || !frame_is_ram(frame))
            continue;
        *first = MFN(next_free++);
        caches_taken(first->v, 0);
        return true;
    }
    return false;
}

bool stray_writes(void)
{
    return stray_below(ONE_FAILS) != 0;
}

bool stray_is_waited_for(void)
{
    return stray_below(ONE_WAITS) == 0;
}

/*
 * ---- The operations.
 */

/* Of a guest's doing, and not of whoever builds and ends one. */
static bool is_of_guest(const struct record_event *enter)
{
    switch (enter->number[0]) {
    case RECORD_CALL_HYPERCALL:
    case RECORD_CALL_SET_KERNEL_ROOT:
    case RECORD_CALL_ENTER_USER:
    case RECORD_CALL_ENTER_KERNEL:
    case RECORD_CALL_TABLE_WRITE:
    case RECORD_CALL_LDT_FAULT:
        return true;
    default:
        return false;
    }
}

/* Behind its LEAVE; false: the recording ends before. */
static bool pass(struct record_reader *reader)
{
    struct record_event event;
    unsigned depth = 1;

    while (depth && record_next(reader, &event)) {
        if (event.kind == RECORD_ENTER)
            depth++;
        else if (event.kind == RECORD_LEAVE)
            depth--;
    }
    return !depth;
}

/* Mode and roots are the engine's by now, not the recording's. */
static void carry_out(const struct record_event *enter)
{
    struct vcpu *vcpu = machine_vcpu(enter->number[1], enter->number[2]);
    bool enters_user = enter->number[0] == RECORD_CALL_ENTER_USER;

    if (enter->number[0] == RECORD_CALL_ENTER_KERNEL ? !vcpu->user_mode : enters_user && vcpu->user_mode)
        return;
    if (vcpu->user_mode && enter->number[0] != RECORD_CALL_ENTER_KERNEL)
        vcpu_enter_kernel(vcpu);
    vcpu->diverted = false;
    call_engine(enter);
    replay_audit();
}

static unsigned run(void)
{
    unsigned done = 0;
    struct record_event event;

    while (done < OPERATIONS && record_next(&replay.reader, &event)) {
        struct record_reader at = replay.reader, behind = at;
        uint64_t chance;

        if (event.kind != RECORD_ENTER)
            continue;
        if (!is_of_guest(&event) || !pass(&behind))
            break;
        chance = stray_below(ONE_LEFT);
        for (unsigned times = chance == 0 ? 0 : chance == 1 ? 2 : 1; times > 0; times--, done++) {
            replay.reader = at;
            carry_out(&event);
        }
        replay.reader = behind;
    }
    return done;
}

/* What it has done, in the parent's memory. */
static _Noreturn void be_astray(uint64_t seed, struct stray_counts *counts)
{
    uint64_t refusals = replay.nr_refusals;

    replay.strays = true;
    replay.tells = false;
    state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ replay.done;
    next_free = stray_below(replay.machine.nr_frames);
    counts->operations += run();
    counts->refusals += replay.nr_refusals - refusals;
    counts->times++;
    _exit(REPLAY_GOOD);
}

void stray_from_here(uint64_t seed)
{
    int status;
    pid_t child;

    if (!machine_is_whole())
        return;
    if (!replay.stray_counts)
        replay.stray_counts =
            mmap(NULL, sizeof(*replay.stray_counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (replay.stray_counts == MAP_FAILED)
        tell_end(REPLAY_NO_FILE, "there is no memory to go astray");
    fflush(stdout);
    child = fork();
    if (child == 0)
        be_astray(seed, replay.stray_counts);
    if (child < 0 || waitpid(child, &status, 0) != child)
        tell_end(REPLAY_NO_FILE, "no other process can be made");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != REPLAY_GOOD)
        tell_end(REPLAY_BROKEN, "astray from operation %llu on, by the seed %llu", (unsigned long long)replay.done,
                 (unsigned long long)seed);
}
