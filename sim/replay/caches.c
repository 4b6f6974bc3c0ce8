/* SPDX-License-Identifier: MIT */
/*
 * What the run's processor may remember of page tables, where flushes are judged and not compared.  In order: what it
 * remembers; walks; which walks it makes; what it may not remember.
 *
 * A processor may walk at any moment, for any address.  Here it does so before each operation: for what the operation
 * is about to change, and for some addresses by chance; what it found stays until something flushes it.  There is one
 * processor, as in the run.  Where the recording does not say when exactly a vCPU left it, or changed its mode, what
 * was remembered before is kept.
 */
#include <stdlib.h>
#include <string.h>

#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/multicall.h>
#include <engine/level.h>
#include <sim/replay/replay.h>

#define PLACES    8192u /* for what is remembered */
#define BY_CHANCE 6u    /* addresses, before each operation */
#define PATHS     2u    /* that are looked for to one table */

/* ---- What it remembers. */

/* A translation of a page; or (@level) that addresses from there on lead to the table @frame of that level. */
struct remembered {
    bool is_there, writable, global;
    unsigned level;
    uint64_t vaddr, frame;
    uint32_t taken; /* so often the frame had left the pool */
};

static struct remembered places[PLACES];
static unsigned used[PLACES], nr_used; /* the places that something is in */
static struct vcpu *current;
static uint32_t *taken; /* by frame */
static uint64_t state = 1;

static uint64_t below(uint64_t bound)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % bound;
}

static struct remembered *place_of(uint64_t vaddr, unsigned level)
{
    uint64_t key = (vaddr >> (PAGE_SHIFT + 9 * level)) * 4 + level;

    return &places[key * UINT64_C(0x9e3779b97f4a7c15) >> 51];
}
_Static_assert(PLACES == 1u << (64 - 51), "place_of()");

static void remember(struct remembered found)
{
    struct remembered *place;

    if (current->domain->width == WIDTH_64)
        found.vaddr = (uint64_t)((int64_t)(found.vaddr << 16) >> 16);
    place = place_of(found.vaddr, found.level);
    if (!place->is_there)
        used[nr_used++] = (unsigned)(place - places);
    found.is_there = true;
    found.taken = taken[found.frame];
    *place = found;
}

/* Forget all that @stays is not true of; @vaddr is for that to look at. */
static void forget(bool (*stays)(const struct remembered *at, uint64_t vaddr), uint64_t vaddr)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < nr_used; i++) {
        struct remembered *place = &places[used[i]];

        place->is_there = stays(place, vaddr);
        if (place->is_there)
            used[kept++] = used[i];
    }
    nr_used = kept;
}

static bool nothing(const struct remembered *at, uint64_t vaddr)
{
    (void)at;
    (void)vaddr;
    return false;
}

static bool is_global(const struct remembered *at, uint64_t vaddr)
{
    (void)vaddr;
    return at->global;
}

/* As with INVLPG: the paging-structure caches go wholly. */
static bool is_of_other_page(const struct remembered *at, uint64_t vaddr)
{
    return !at->level && at->vaddr >> PAGE_SHIFT != vaddr >> PAGE_SHIFT;
}

void caches_flush(void)
{
    forget(nothing, 0);
}

void caches_flush_local(void)
{
    forget(is_global, 0);
}

void caches_flush_page(uint64_t vaddr)
{
    forget(is_of_other_page, vaddr);
}

void caches_run(struct vcpu *vcpu)
{
    if (current != vcpu)
        caches_flush();
    current = vcpu;
}

void caches_load(const struct vcpu *vcpu)
{
    if (vcpu == current)
        caches_flush();
}

void caches_taken(uint64_t first, unsigned order)
{
    for (uint64_t i = first; taken && i < replay.machine.nr_frames && i - first < UINT64_C(1) << order; i++)
        taken[i]++;
}

/* ---- Walks. */

/* A table in use; without entries: it is none. */
struct table {
    const struct level *level;
    const uint64_t *entries;
};

static struct table table_at(uint64_t mfn)
{
    const struct frame *frame = mfn < replay.machine.nr_frames ? &replay.machine.frames[mfn] : NULL;
    struct table table = {NULL, NULL};

    if (!frame || frame_owner(frame) >= DOMID_FIRST_RESERVED || type_is_idle(frame->type))
        return table;
    table.level = level_of(current->domain->width, type_of(frame->type));
    table.entries = table.level ? machine_frame(mfn) : NULL;
    return table;
}

/* Does slot @index, of those that a processor looks at, lead to RAM, and is it the guest's? */
FORCE_INLINE bool leads_on(const struct table *table, unsigned index)
{
    uint64_t entry = table->entries[index];

    return (entry & ENTRY_PRESENT) && !level_slot_is_hypervisor(table->level, index) &&
           entry_mfn(entry).v < replay.machine.nr_frames && frame_is_ram(&replay.machine.frames[entry_mfn(entry).v]);
}

/* A way down from a root. */
struct walk {
    uint64_t root;
    uint64_t vaddr;
    unsigned given; /* the lowest level whose slot @vaddr gives; those below are chosen.  5: all are */
    bool only_global;
};

static unsigned slots_of(unsigned level)
{
    return current->domain->width == WIDTH_PAE && level == 3 ? 4 : ENTRIES_PER_TABLE;
}

/* One of those slots, by chance. */
static bool choose_slot(const struct table *table, unsigned slots, unsigned *index)
{
    unsigned start = (unsigned)below(slots);

    for (unsigned i = 0; i < slots; i++) {
        *index = (start + i) % slots;
        if (leads_on(table, *index))
            return true;
    }
    return false;
}

static bool next_slot(const struct walk *walk, const struct table *table, unsigned level, unsigned *index)
{
    *index = (unsigned)(walk->vaddr >> level_shift(level)) % slots_of(level);
    if (!table->entries)
        return false;
    return level >= walk->given ? leads_on(table, *index) : choose_slot(table, slots_of(level), index);
}

/* As far as it leads, all that is found on the way is remembered; of what is not global nothing, if that is asked. */
static void walk(const struct walk *walk)
{
    struct remembered at = {.writable = true, .frame = walk->root};
    unsigned index;

    for (unsigned level = root_level(current->domain); level > 0; level--) {
        struct table table = table_at(at.frame);
        uint64_t entry;

        if (!next_slot(walk, &table, level, &index))
            return;
        entry = table.entries[index];
        if (level > 1 && (entry & ENTRY_PSE))
            return;
        at.vaddr |= (uint64_t)index << level_shift(level);
        at.writable &= (entry & ENTRY_RW) != 0;
        at.frame = entry_mfn(entry).v;
        at.level = level - 1;
        at.global = level == 1 && (entry & ENTRY_GLOBAL);
        if (!walk->only_global || at.global)
            remember(at);
    }
}

/* Walk through slot @index of the table @wanted, by some of the ways that lead there from @mfn. */
static void walk_through(struct walk *way, uint64_t mfn, unsigned level, uint64_t wanted, unsigned index,
                         unsigned *left)
{
    struct table table = table_at(mfn);
    uint64_t vaddr = way->vaddr;

    if (mfn == wanted) {
        way->vaddr |= (uint64_t)index << level_shift(level);
        way->given = level;
        walk(way);
        (*left)--;
    }
    for (unsigned i = 0; table.entries && mfn != wanted && level > 1 && *left && i < slots_of(level); i++) {
        if (!leads_on(&table, i))
            continue;
        way->vaddr = vaddr | (uint64_t)i << level_shift(level);
        walk_through(way, entry_mfn(table.entries[i]).v, level - 1, wanted, index, left);
    }
    way->vaddr = vaddr;
}

/* ---- Which walks. */

/* An entry is going to be changed, in whatever table of the guest's. */
static void see_entry(uint64_t maddr)
{
    mfn_t roots[] = {vcpu_root(current), current->user_cached ? current->user_root : MFN_NONE};

    for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
        struct walk way = {.root = roots[i].v, .only_global = i > 0};
        unsigned left = PATHS;

        if (!mfn_is_none(roots[i]))
            walk_through(&way, roots[i].v, root_level(current->domain), maddr >> PAGE_SHIFT,
                         (unsigned)(maddr % PAGE_SIZE / sizeof(uint64_t)), &left);
    }
}

static void see_address(uint64_t vaddr)
{
    if (!mfn_is_none(vcpu_root(current)))
        walk(&(struct walk){.root = vcpu_root(current).v, .vaddr = vaddr, .given = 1});
}

static void see_by_chance(void)
{
    for (unsigned i = 0; i < BY_CHANCE; i++) {
        bool of_user = i % 2 && current->user_cached;
        mfn_t root = of_user ? current->user_root : vcpu_root(current);

        if (!mfn_is_none(root))
            walk(&(struct walk){.root = root.v, .given = 5, .only_global = of_user});
    }
}

void caches_before(const struct operation *operation)
{
    const uint64_t *args = operation->arguments;

    if (!taken)
        taken = calloc(replay.machine.nr_frames, sizeof(*taken));
    if (!taken)
        tell_end(REPLAY_NO_FILE, "there is no memory to judge flushes");
    if (operation->vcpu == RECORD_NONE)
        return;
    caches_run(machine_vcpu(operation->domain, operation->vcpu));
    see_by_chance();
    if (operation->call == RECORD_CALL_HYPERCALL && args[0] == __HYPERVISOR_update_va_mapping)
        see_address(args[1]);
}

void caches_read(const struct operation *operation, const void *bytes, size_t size)
{
    bool is_call = operation->call == RECORD_CALL_HYPERCALL;
    uint64_t call = operation->nested != RECORD_NONE ? operation->nested : operation->arguments[0];
    struct multicall_entry entry;
    struct mmu_update update;

    if (is_call && operation->arguments[0] == __HYPERVISOR_multicall && size == sizeof(entry)) {
        memcpy(&entry, bytes, sizeof(entry));
        if (entry.op == __HYPERVISOR_update_va_mapping)
            see_address(entry.args[0]);
    } else if (is_call && call == __HYPERVISOR_mmu_update && size == sizeof(update)) {
        memcpy(&update, bytes, sizeof(update));
        see_entry(update.ptr & ~UINT64_C(7));
    }
}

/* ---- What it may not remember. */

static bool is_restricted(struct type_word type)
{
    return (type_is_table(type_of(type)) || type_of(type) == TYPE_SEGDESC) && !type_is_idle(type);
}

/* A table that was one of this level last leads nowhere new; with linear tables it may be one of a higher level. */
static bool may_serve(enum frame_type type, unsigned level)
{
    return type_is_table(type) &&
           (level_number(type) == level || (current->domain->linear_tables && level_number(type) > level));
}

static const char *why_not(const struct remembered *at)
{
    const struct frame *frame = &replay.machine.frames[at->frame];

    if (at->taken != taken[at->frame])
        return "which has been handed out again since";
    if (frame_owner(frame) >= DOMID_FIRST_RESERVED)
        return NULL; /* nobody's by now, or never a guest's */
    if (!at->level && at->writable && is_restricted(frame->type))
        return "which it could write, and which is a table or a page of descriptors";
    if (at->level && !may_serve(type_of(frame->type), at->level))
        return "as a table, of a level that it has not";
    return NULL;
}

void caches_check(void)
{
    for (unsigned i = 0; i < nr_used; i++) {
        const struct remembered *at = &places[used[i]];
        const char *why = why_not(at);

        if (why)
            tell_end(REPLAY_BROKEN, "operation %llu (%s): a processor still reaches frame %llx by address %llx, %s",
                     (unsigned long long)replay.operation->number, tell_operation(replay.operation),
                     (unsigned long long)at->frame, (unsigned long long)at->vaddr, why);
    }
}
