/* SPDX-License-Identifier: MIT */
/* The function that the parts of the test are about. */
#pragma once

#include <guest/types.h>

struct function {
    unsigned place;                          /* bus << 8 | device << 3 | function */
    uint64_t table;                          /* machine address of the area with its table of interrupts */
    unsigned nr_entries;                     /* of that */
    unsigned line;                           /* of its interrupt pin */
    volatile uint8_t *common, *notify, *isr; /* mapped */
};

/* Its interrupts, in every way that they come; and all that may not be. */
void interrupts(const struct function *function);
