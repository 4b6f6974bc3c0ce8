/* SPDX-License-Identifier: MIT */
/* The table of the type word's legal states.  engine/type.h holds the transitions. */
#include <engine/type.h>

/* One row a state: the types that may be in it (bit n for type n), the flags it must carry, and its range of counts. */
struct state {
    uint32_t types, flags, flags_ignored, count_min, count_max;
};

#define BIT(type) (1u << (type))
#define PINNABLE  (BIT(TYPE_L1) | BIT(TYPE_L2) | BIT(TYPE_L3) | BIT(TYPE_L4))
#define TABLES    (PINNABLE | BIT(TYPE_L2_TOP))

static const struct state states[] = {
    /* untyped   */ {BIT(TYPE_NONE), 0, 0, 0, 0},
    /* retired   */ {TABLES | BIT(TYPE_SEGDESC) | BIT(TYPE_WRITABLE), 0, 0, 0, 0},
    /* writable  */ {BIT(TYPE_WRITABLE), 0, 0, 1, TYPE_COUNT_MAX},
    /* promoting */ {TABLES | BIT(TYPE_SEGDESC), TYPE_BUSY, 0, 1, 1},
    /* live      */ {PINNABLE, TYPE_VALIDATED, TYPE_PINNED, 1, TYPE_COUNT_MAX},
    /* live      */ {BIT(TYPE_SEGDESC) | BIT(TYPE_L2_TOP), TYPE_VALIDATED, 0, 1, TYPE_COUNT_MAX},
    /* demoting  */ {TABLES | BIT(TYPE_SEGDESC), TYPE_BUSY, 0, 0, 0},
};

/* Is @word in one of the states that engine/type.h names? */
bool type_word_legal(struct type_word word)
{
    const uint32_t all = TYPE_PINNED | TYPE_BUSY | TYPE_VALIDATED;

    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        const struct state *state = &states[i];

        if ((state->types & BIT(type_of(word))) && (word.v & all & ~state->flags_ignored) == state->flags &&
            type_count(word) >= state->count_min && type_count(word) <= state->count_max)
            return true;
    }
    return false;
}
