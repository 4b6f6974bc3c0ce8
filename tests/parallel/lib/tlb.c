/* SPDX-License-Identifier: MIT */
/*
 * A processor is a lock, a root, and an array of what is cached, in no order.  Entries of tables are read for the
 * sanitizer's eyes: one in a frame that somebody fills as memory meanwhile is a table of which a step was left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/parallel/lib/parallel.h>
#include <tests/parallel/lib/tlb.h>

#define CPUS   (DOMAINS * VCPUS)
#define CACHED 48u
#define LEVELS 4u

#define PRESENT       1u
#define WRITABLE      2u
#define GLOBAL        0x100u
#define FRAME_OF(raw) (((raw)&UINT64_C(0x000ffffffffff000)) >> PAGE_SHIFT)

/* What an address leads to: at level 1 a page, above it the table of the level below. */
struct cached {
    vaddr_t vaddr; /* without the bits that it does not tell apart */
    mfn_t mfn;
    unsigned level;
    bool writable;       /* as far as the entries on the way say */
    bool global;         /* a page that stays when the mode changes */
    enum frame_type use; /* the frame is in use as this; TYPE_NONE: as anything */
    uint16_t owner;
};

static struct processor {
    pthread_mutex_t lock;
    mfn_t root;
    struct cached cached[CACHED];
    unsigned count;
    unsigned long writes, pages, steps, forgotten, kept;
} processors[CPUS];

void tlb_create(void)
{
    memset(processors, 0, sizeof(processors));
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_mutex_init(&processors[i].lock, NULL);
        processors[i].root = MFN_NONE;
    }
}

void tlb_destroy(void)
{
    unsigned long writes = 0, pages = 0, steps = 0, forgotten = 0, kept = 0;

    for (unsigned i = 0; i < CPUS; i++) {
        writes += processors[i].writes;
        pages += processors[i].pages;
        steps += processors[i].steps;
        forgotten += processors[i].forgotten;
        kept += processors[i].kept;
    }
    print_message("%lu pages and %lu tables cached, %lu writes, %lu forgotten, %lu kept by changes of modes\n", pages,
                  steps, writes, forgotten, kept);
    assert_true(pages > 1000 && steps > 1000 && writes > 1000 && forgotten > 1000 && kept > 1000);
}

/*
 * ---- Forgetting.
 */

static void forget(struct processor *processor)
{
    processor->forgotten += processor->count;
    processor->count = 0;
}

void tlb_forget(cpumask_t cpus)
{
    for (uint64_t left = cpus.bits; left; left &= left - 1) {
        struct processor *processor = &processors[__builtin_ctzll(left)];

        pthread_mutex_lock(&processor->lock);
        forget(processor);
        pthread_mutex_unlock(&processor->lock);
    }
}

/* As INVLPG: all steps go, and the page's translation. */
void tlb_forget_page(cpumask_t cpus, vaddr_t vaddr)
{
    for (uint64_t left = cpus.bits; left; left &= left - 1) {
        struct processor *processor = &processors[__builtin_ctzll(left)];
        unsigned kept = 0;

        pthread_mutex_lock(&processor->lock);
        for (unsigned i = 0; i < processor->count; i++) {
            const struct cached *cached = &processor->cached[i];

            if (cached->level == 1 && cached->vaddr.v != (vaddr.v & ~(PAGE_SIZE - 1)))
                processor->cached[kept++] = *cached;
        }
        processor->count = kept;
        pthread_mutex_unlock(&processor->lock);
    }
}

void tlb_load_root(unsigned cpu, mfn_t root)
{
    struct processor *processor = &processors[cpu];

    pthread_mutex_lock(&processor->lock);
    processor->root = root;
    forget(processor);
    pthread_mutex_unlock(&processor->lock);
}

void tlb_change_mode(unsigned cpu, mfn_t root)
{
    struct processor *processor = &processors[cpu];
    unsigned kept = 0;

    pthread_mutex_lock(&processor->lock);
    processor->root = root;
    for (unsigned i = 0; i < processor->count; i++) {
        if (processor->cached[i].global)
            processor->cached[kept++] = processor->cached[i];
    }
    processor->count = kept;
    processor->kept += kept;
    pthread_mutex_unlock(&processor->lock);
}

/*
 * ---- Walks.
 */

static unsigned shift(unsigned level)
{
    return PAGE_SHIFT + 9 * (level - 1);
}

static vaddr_t part_of(vaddr_t vaddr, unsigned level)
{
    return VADDR(vaddr.v >> shift(level) << shift(level));
}

/* Mostly in the tree that its domain began with. */
static vaddr_t random_address(void)
{
    uint64_t vaddr = random_below(TLB_SLOTS) << shift(1);

    for (unsigned level = 2; level <= LEVELS; level++)
        vaddr |= (random_below(2) ? 0 : random_below(TLB_SLOTS)) << shift(level);
    return VADDR(vaddr);
}

static const struct cached *find(const struct processor *processor, vaddr_t vaddr, unsigned level)
{
    for (unsigned i = 0; i < processor->count; i++) {
        const struct cached *cached = &processor->cached[i];

        if (cached->level == level && cached->vaddr.v == part_of(vaddr, level).v)
            return cached;
    }
    return NULL;
}

static struct type_word type_of_frame(mfn_t mfn)
{
    return type_word_peek(&parallel->machine.frames[mfn.v].type);
}

/* A page is in use as what the entries say; a table as one of its level, if it is that and no linear table. */
static enum frame_type use_of(mfn_t mfn, unsigned level, bool writable)
{
    if (level == 1)
        return writable ? TYPE_WRITABLE : TYPE_NONE;
    return type_of(type_of_frame(mfn)) == (enum frame_type)(level - 1) ? (enum frame_type)(level - 1) : TYPE_NONE;
}

static void cache(struct processor *processor, vaddr_t vaddr, unsigned level, mfn_t mfn, bool writable, bool global)
{
    unsigned place = processor->count < CACHED ? processor->count++ : (unsigned)random_below(CACHED);

    processor->cached[place] = (struct cached){.vaddr = part_of(vaddr, level),
                                               .mfn = mfn,
                                               .level = level,
                                               .writable = writable,
                                               .global = global,
                                               .use = use_of(mfn, level, writable),
                                               .owner = frame_owner(&parallel->machine.frames[mfn.v])};
    processor->pages += level == 1;
    processor->steps += level > 1;
}

static void walk(struct processor *processor, vaddr_t vaddr)
{
    mfn_t table = processor->root;
    unsigned level = LEVELS;
    bool writable = true;

    for (unsigned at = 2; at <= LEVELS; at++) {
        const struct cached *step = find(processor, vaddr, at);

        if (step && random_below(4)) {
            table = step->mfn;
            level = at - 1;
            writable = step->writable;
            break;
        }
    }
    for (; level >= 1 && !mfn_is_none(table); level--) {
        const uint64_t *entries = (const uint64_t *)(const void *)(parallel->ram + table.v * PAGE_SIZE);
        uint64_t raw = __atomic_load_n(&entries[vaddr.v >> shift(level) & 511], __ATOMIC_ACQUIRE);

        if (!(raw & PRESENT) || FRAME_OF(raw) >= FRAMES)
            return;
        table = MFN(FRAME_OF(raw));
        writable &= (raw & WRITABLE) != 0;
        cache(processor, vaddr, level, table, writable, level == 1 && (raw & GLOBAL));
    }
}

/*
 * ---- What the guest does, and must not be able to do.
 */

/*
 * For the sanitizer's eyes, which then sees that a flush comes between this and whatever the engine reads in a table.
 * What is between guests is not its business: each processor has words of its own, behind those that calls write where
 * what they take for a table is memory by then, and frames that the hypervisor shares are left alone.
 */
_Static_assert(TLB_SLOTS <= CPUS, "write_zero()");

static void write_zero(unsigned cpu, mfn_t mfn)
{
    uint64_t *words = (uint64_t *)(void *)(parallel->ram + mfn.v * PAGE_SIZE);

    words[(1 + random_below(512 / CPUS - 1)) * CPUS + cpu] = 0;
}

__attribute__((no_sanitize("thread"), noinline)) static bool is_shared(mfn_t mfn)
{
    return *(const volatile uint16_t *)&parallel->machine.frames[mfn.v].flags & FRAME_SHARED;
}

/*
 * Its processor forgets a translation, under its lock, before the frame is published as anything else, and before it
 * gets another owner.
 */
static void check(const struct cached *cached)
{
    struct type_word word = type_of_frame(cached->mfn);
    uint16_t owner = frame_owner(&parallel->machine.frames[cached->mfn.v]);

    if (cached->use != TYPE_NONE && type_of(word) != cached->use && type_count(word) > 0 && !type_is_busy(word)) {
        fprintf(stderr, "frame %lu: a stale translation of type %u, and it is in use as type %u\n",
                (unsigned long)cached->mfn.v, cached->use, type_of(word));
        abort();
    }
    if (owner != cached->owner && owner != OWNER_NONE) {
        fprintf(stderr, "frame %lu: a stale translation from when it was domain %u's, and it is domain %u's\n",
                (unsigned long)cached->mfn.v, cached->owner, owner);
        abort();
    }
}

void tlb_access(unsigned cpu)
{
    struct processor *processor = &processors[cpu];

    pthread_mutex_lock(&processor->lock);
    walk(processor, random_address());
    for (unsigned i = 0; i < processor->count; i++)
        check(&processor->cached[i]);
    if (processor->count) {
        const struct cached *cached = &processor->cached[random_below(processor->count)];

        if (cached->use == TYPE_WRITABLE && !is_shared(cached->mfn)) {
            write_zero(cpu, cached->mfn);
            processor->writes++;
        }
    }
    pthread_mutex_unlock(&processor->lock);
}
