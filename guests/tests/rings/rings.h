/* SPDX-License-Identifier: MIT */
/* The descriptors that rings.c has in GDT and LDT, and the excursions of wild.c. */
#pragma once

#include <guest/types.h>

enum {
    CODE1 = 1,
    DATA1,
    CODE2,
    DATA2,
    SHORT1,
    READ_ONLY1,
    ABSENT1,
    SMALL2,
    SMALL3,
    BASE1,
    OTHER_BASE1,
    NR_DESCRIPTORS
};

#define SELECTOR(index, ring) ((uint16_t)((index)*8u + (ring)))

/* @rounds of instructions at random, drawn from @seed, in rings 2 and 3.  user_init() and the tables come before. */
void wild(uint64_t seed, uint64_t rounds);
