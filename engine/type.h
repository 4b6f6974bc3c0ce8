/* SPDX-License-Identifier: MIT */
/*
 * The type word of a frame, and the only code that touches it.
 *
 *   31   29  28         27    26      25                0
 *   | type | validated | busy | pinned | type count      |
 *
 * States (docs/page-types.md draws them; type_state_of() has the same table):
 *
 *   state      type            count  validated  busy  pinned
 *   untyped    NONE            0      no         no    no      nothing is remembered: no stale translation matters
 *   retired    any but NONE    0      no         no    no      the last use was this type; the epoch says until when
 *   writable   WRITABLE        >= 1   no         no    no      mapped writable that often
 *   promoting  table, SEGDESC  1      no         yes   no      one operation validates it; it owns the one count
 *   live       table, SEGDESC  >= 1   yes        no    may be  in use that often; only L1 to L4 can be pinned
 *   demoting   table, SEGDESC  0      no         yes   no      one operation takes it apart
 *
 * Every transition is a function here that names the states it leads from and to.  The owner's lock is held.
 */
#pragma once

#include <engine/check.h>
#include <engine/types.h>

/* L1 to L4 are the numbers of their levels. */
enum frame_type {
    TYPE_NONE,
    TYPE_L1,
    TYPE_L2,
    TYPE_L3,
    TYPE_L4,
    TYPE_L2_TOP, /* PAE: the L2 under slot 3 of the L3, whose upper slots are the hypervisor's */
    TYPE_SEGDESC,
    TYPE_WRITABLE,
};

/* Of a type word, in the order of the table above. */
enum type_state {
    TYPE_STATE_UNTYPED,
    TYPE_STATE_RETIRED,
    TYPE_STATE_WRITABLE,
    TYPE_STATE_PROMOTING,
    TYPE_STATE_LIVE,
    TYPE_STATE_DEMOTING,
    TYPE_STATE_ILLEGAL, /* none of these */
};

struct type_word {
    uint32_t v;
};

#define TYPE_COUNT_MAX 0x03ffffffu
#define TYPE_PINNED    (1u << 26)
#define TYPE_BUSY      (1u << 27)
#define TYPE_VALIDATED (1u << 28)
#define TYPE_SHIFT     29u

static inline enum frame_type type_of(struct type_word word)
{
    return (enum frame_type)(word.v >> TYPE_SHIFT);
}

static inline uint32_t type_count(struct type_word word)
{
    return word.v & TYPE_COUNT_MAX;
}

static inline bool type_is_validated(struct type_word word)
{
    return word.v & TYPE_VALIDATED;
}

static inline bool type_is_busy(struct type_word word)
{
    return word.v & TYPE_BUSY;
}

static inline bool type_is_pinned(struct type_word word)
{
    return word.v & TYPE_PINNED;
}

static inline bool type_is_table(enum frame_type type)
{
    return type >= TYPE_L1 && type <= TYPE_L2_TOP;
}

/* A word without its count's meaning: what a frame of @type looks like with the flags and count given. */
static inline struct type_word type_word(enum frame_type type, uint32_t flags, uint32_t count)
{
    return (struct type_word){((uint32_t)type << TYPE_SHIFT) | flags | count};
}

/* No use and no conversion: the type may change. */
static inline bool type_is_idle(struct type_word word)
{
    return type_count(word) == 0 && !type_is_busy(word);
}

/* Nothing is remembered of it, so that there is nothing to flush before it becomes whatever it is to be. */
static inline bool type_is_untyped(struct type_word word)
{
    return word.v == type_word(TYPE_NONE, 0, 0).v;
}

/* Is @word live as @type: validated, in use, under no conversion? */
static inline bool type_is_live(struct type_word word, enum frame_type type)
{
    return type_of(word) == type && type_is_validated(word);
}

/* Is it in use as writable, and could get one more such use? */
static inline bool type_takes_writable(struct type_word word)
{
    return type_of(word) == TYPE_WRITABLE && type_count(word) != 0 && type_count(word) != TYPE_COUNT_MAX;
}

/* Is it in use as writable, or was last, and could get one more such use?  One comparison, of all bits of the word. */
static inline bool type_stays_writable(struct type_word word)
{
    return word.v - type_word(TYPE_WRITABLE, 0, 0).v < TYPE_COUNT_MAX;
}

enum type_state type_state_of(struct type_word word);

static inline bool type_word_legal(struct type_word word)
{
    return type_state_of(word) != TYPE_STATE_ILLEGAL;
}

/* The word of a frame whose owner's lock may not be held: for a report, and for nothing else. */
static inline struct type_word type_word_peek(const struct type_word *word)
{
    return (struct type_word){__atomic_load_n(&word->v, __ATOMIC_RELAXED)};
}

static inline void type_word_set(struct type_word *word, struct type_word next)
{
    ASSERT(type_word_legal(*word));
    __atomic_store_n(&word->v, next.v, __ATOMIC_RELAXED);
    ASSERT(type_word_legal(next));
}

/* idle -> writable, or one more writable use.  False: the count is at its maximum, nothing changed. */
static inline bool __must_check type_writable_get(struct type_word *word)
{
    CHECK(type_is_idle(*word) || type_of(*word) == TYPE_WRITABLE);
    if (type_count(*word) == TYPE_COUNT_MAX)
        return false;
    type_word_set(word, type_word(TYPE_WRITABLE, 0, type_count(*word) + 1));
    return true;
}

/* retired as writable, writable -> writable with one more use; type_stays_writable() has been asked. */
FORCE_INLINE void type_writable_add(struct type_word *word)
{
    struct type_word old = *word;

    CHECK(type_stays_writable(old));
    type_word_set(word, (struct type_word){old.v + 1});
}

/* One writable use less; true where that was the last and the frame is now retired. */
FORCE_INLINE bool __must_check type_writable_put(struct type_word *word)
{
    struct type_word less = {word->v - 1};

    CHECK(type_stays_writable(less));
    type_word_set(word, less);
    return type_count(less) == 0;
}

/* live -> live with one more use.  False: the count is at its maximum, nothing changed. */
static inline bool __must_check type_live_get(struct type_word *word)
{
    CHECK(type_is_validated(*word));
    if (type_count(*word) == TYPE_COUNT_MAX)
        return false;
    type_word_set(word, (struct type_word){word->v + 1});
    return true;
}

/* live -> live with one use less.  It is not the last: that one begins a demotion. */
static inline void type_live_put(struct type_word *word)
{
    CHECK(type_is_validated(*word) && type_count(*word) > 1);
    type_word_set(word, (struct type_word){word->v - 1});
}

/* untyped, retired -> promoting */
static inline void type_promote_begin(struct type_word *word, enum frame_type want)
{
    CHECK(type_is_idle(*word));
    type_word_set(word, type_word(want, TYPE_BUSY, 1));
}

/* promoting -> live */
static inline void type_promote_publish(struct type_word *word)
{
    CHECK(type_is_busy(*word) && type_count(*word) == 1);
    type_word_set(word, type_word(type_of(*word), TYPE_VALIDATED, 1));
}

/* promoting -> retired, where the contents were refused */
static inline void type_promote_abort(struct type_word *word)
{
    CHECK(type_is_busy(*word) && type_count(*word) == 1);
    type_word_set(word, type_word(type_of(*word), 0, 0));
}

/* live -> demoting, with the last use */
static inline void type_demote_begin(struct type_word *word)
{
    CHECK(type_is_validated(*word) && type_count(*word) == 1 && !type_is_pinned(*word));
    type_word_set(word, type_word(type_of(*word), TYPE_BUSY, 0));
}

/* demoting -> retired */
static inline void type_demote_end(struct type_word *word)
{
    CHECK(type_is_busy(*word) && type_count(*word) == 0);
    type_word_set(word, type_word(type_of(*word), 0, 0));
}

/* live: a pin takes over one use that the caller owns, or gives it back to the caller. */
static inline void type_pin_set(struct type_word *word)
{
    CHECK(type_is_validated(*word) && !type_is_pinned(*word));
    type_word_set(word, (struct type_word){word->v | TYPE_PINNED});
}

static inline void type_pin_clear(struct type_word *word)
{
    CHECK(type_is_pinned(*word));
    type_word_set(word, (struct type_word){word->v & ~TYPE_PINNED});
}

/* untyped, retired -> untyped: the frame changes hands, and every processor has flushed. */
static inline void type_forget(struct type_word *word)
{
    CHECK(type_is_idle(*word));
    type_word_set(word, type_word(TYPE_NONE, 0, 0));
}
