/* SPDX-License-Identifier: MIT */
/* The table of the type word's states.  engine/type.h holds the transitions. */
#include <engine/type.h>

/*
 * One row a state, or a part of one: the types that may be in it (bit n for type n), the flags it must carry, and its
 * range of counts.
 */
struct row {
    enum type_state state;
    uint32_t types, flags, flags_ignored, count_min, count_max;
};

#define BIT(type) (1u << (type))
#define PINNABLE  (BIT(TYPE_L1) | BIT(TYPE_L2) | BIT(TYPE_L3) | BIT(TYPE_L4))
#define TABLES    (PINNABLE | BIT(TYPE_L2_TOP))

static const struct row rows[] = {
    {TYPE_STATE_UNTYPED, BIT(TYPE_NONE), 0, 0, 0, 0},
    {TYPE_STATE_RETIRED, TABLES | BIT(TYPE_SEGDESC) | BIT(TYPE_WRITABLE), 0, 0, 0, 0},
    {TYPE_STATE_WRITABLE, BIT(TYPE_WRITABLE), 0, 0, 1, TYPE_COUNT_MAX},
    {TYPE_STATE_PROMOTING, TABLES | BIT(TYPE_SEGDESC), TYPE_BUSY, 0, 1, 1},
    {TYPE_STATE_LIVE, PINNABLE, TYPE_VALIDATED, TYPE_PINNED, 1, TYPE_COUNT_MAX},
    {TYPE_STATE_LIVE, BIT(TYPE_SEGDESC) | BIT(TYPE_L2_TOP), TYPE_VALIDATED, 0, 1, TYPE_COUNT_MAX},
    {TYPE_STATE_DEMOTING, TABLES | BIT(TYPE_SEGDESC), TYPE_BUSY, 0, 0, 0},
};

enum type_state type_state_of(struct type_word word)
{
    const uint32_t all = TYPE_PINNED | TYPE_BUSY | TYPE_VALIDATED;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];

        if ((row->types & BIT(type_of(word))) && (word.v & all & ~row->flags_ignored) == row->flags &&
            type_count(word) >= row->count_min && type_count(word) <= row->count_max)
            return row->state;
    }
    return TYPE_STATE_ILLEGAL;
}
