/* SPDX-License-Identifier: MIT */
/* Numbers at random, the same for the same seed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void draw_seed(uint64_t seed);

uint64_t draw(void);

/* Below @bound, which is not 0. */
unsigned draw_below(unsigned bound);

/* One of the words of an array. */
#define DRAW_OF(array) ((array)[draw_below(sizeof(array) / sizeof((array)[0]))])

void draw_bytes(void *to, size_t size);
