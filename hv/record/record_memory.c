/* SPDX-License-Identifier: MIT */
/*
 * What a replay knows of the contents of frames, so that it is told the rest.
 *
 * The engine reaches the contents of a frame by port_frame_map() alone, and while it does so nobody else changes them:
 * one processor runs.  So at the first look of an operation a frame is compared with the copy that was made when an
 * operation left it last; what differs is told, and a frame without a copy is told whole.  At the end the engine's own
 * changes are told, for who checks them, and the copy is what stands there.
 *
 * There are copies of a limited number of frames, of those that were looked at last.  What is forgotten is told anew.
 */
#include <hv/base/string.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <hv/record/record.h>

#define COPIES_ORDER 12u /* 16 MiB */
#define NR_COPIES    (1u << COPIES_ORDER)
#define NO_FRAME     UINT32_MAX

struct copy {
    uint32_t mfn;    /* NO_FRAME: of none */
    uint32_t looked; /* the number of the stretch in which it was looked at last */
};

static uint64_t (*copies)[ENTRIES_PER_TABLE];
static struct copy about[NR_COPIES];
static uint16_t *place_of;         /* by frame: that of its copy, and one more; 0: it has none */
static unsigned next_victim;       /* the copies are used in turn */
static uint32_t stretch = 1;       /* of an operation: the machine changes nothing meanwhile */
static uint16_t looked[NR_COPIES]; /* the places of what has been looked at in it, */
static unsigned nr_looked;
static bool is_late; /* one of them is looked at for a second time, perhaps: what is found then was not there before */
static const struct machine *machine;
static uint8_t runs[RECORD_BYTES_MAX];

bool record_open_memory(struct machine *of)
{
    mfn_t first, map;

    if (!machine_take(of, COPIES_ORDER, &first) ||
        !machine_take(of, pool_order(of->nr_frames * sizeof(place_of[0])), &map))
        return false;
    machine = of;
    copies = paging_ram(first.v << PAGE_SHIFT);
    place_of = paging_ram(map.v << PAGE_SHIFT);
    for (unsigned i = 0; i < NR_COPIES; i++)
        about[i].mfn = NO_FRAME;
    return true;
}

/* The words of @now that are not those of @known, which becomes @now.  Returns the size of what is in runs[]. */
static size_t find_runs(uint64_t *known, const uint64_t *now)
{
    unsigned last = 0;
    size_t size = 0;

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        unsigned first = i;

        if (known[i] == now[i])
            continue;
        while (i < ENTRIES_PER_TABLE && known[i] != now[i])
            i++;
        size += record_put_number(runs + size, first - last);
        size += record_put_number(runs + size, i - first);
        memcpy(runs + size, now + first, (i - first) * sizeof(now[0]));
        memcpy(known + first, now + first, (i - first) * sizeof(now[0]));
        size += (i - first) * sizeof(now[0]);
        last = i;
    }
    return size;
}

static const uint64_t *contents(uint32_t mfn)
{
    return paging_ram((uint64_t)mfn << PAGE_SHIFT);
}

static void tell_wrote(unsigned place)
{
    size_t size;

    if (about[place].mfn == NO_FRAME)
        return;
    size = find_runs(copies[place], contents(about[place].mfn));
    if (size)
        record_event_bytes(RECORD_WROTE, (const uint64_t[]){about[place].mfn}, runs, size);
}

static void tell_memory(unsigned place, bool whole)
{
    uint64_t flags = (whole ? RECORD_MEMORY_WHOLE : 0) | (is_late ? RECORD_MEMORY_LATE : 0);
    size_t size = find_runs(copies[place], contents(about[place].mfn));

    if (size || whole)
        record_event_bytes(RECORD_MEMORY, (const uint64_t[]){about[place].mfn, flags}, runs, size);
}

static bool is_looked_at(unsigned place)
{
    return about[place].looked == stretch;
}

/* A copy for a frame that has none: all zero. */
static unsigned take_copy(uint32_t mfn)
{
    unsigned place = next_victim++ % NR_COPIES;

    if (is_looked_at(place)) {
        tell_wrote(place);
        is_late = true;
    }
    if (about[place].mfn != NO_FRAME)
        place_of[about[place].mfn] = 0;
    place_of[mfn] = (uint16_t)(place + 1);
    about[place].mfn = mfn;
    memset(copies[place], 0, PAGE_SIZE);
    return place;
}

void record_map(mfn_t mfn)
{
    bool whole = place_of[mfn.v] == 0;
    unsigned place = whole ? take_copy((uint32_t)mfn.v) : place_of[mfn.v] - 1u;

    if (!whole && is_looked_at(place))
        return;
    tell_memory(place, whole);
    if (!is_looked_at(place))
        looked[nr_looked++] = (uint16_t)place;
    about[place].looked = stretch;
}

void record_clear(mfn_t mfn)
{
    unsigned place = place_of[mfn.v];

    if (place && !is_looked_at(place - 1))
        memset(copies[place - 1], 0, PAGE_SIZE);
}

void record_forget(mfn_t mfn)
{
    unsigned place = place_of[mfn.v];

    place_of[mfn.v] = 0;
    if (place)
        about[place - 1].mfn = NO_FRAME;
}

void record_begin_memory(void)
{
    stretch++;
    nr_looked = 0;
    is_late = false;
}

void record_leave_memory(void)
{
    for (unsigned i = 0; i < nr_looked; i++)
        tell_wrote(looked[i]);
}

/* What is a table stays what it is: the guest could not be given anything there. */
void record_written(void)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < nr_looked; i++) {
        unsigned place = looked[i];

        if (about[place].mfn != NO_FRAME && type_is_validated(machine->frames[about[place].mfn].type)) {
            looked[kept++] = (uint16_t)place;
        } else {
            tell_wrote(place);
            about[place].looked = 0;
            is_late = true;
        }
    }
    nr_looked = kept;
}
