/* SPDX-License-Identifier: MIT */
/* How long portions of work take: which lengths there are, and how often. */
#pragma once

#include <guest/types.h>

#define SPREAD_PARTS_LOG2 6u /* of each power of two: a median is 1.6% too low at worst */
#define SPREAD_STEPS      (64u << SPREAD_PARTS_LOG2)

/* All zero: none yet. */
struct spread {
    unsigned count, counts[SPREAD_STEPS];
};

void spread_add(struct spread *spread, uint64_t length);

/* Half of what has been added was no longer; 0: nothing has been. */
uint64_t spread_median(const struct spread *spread);
