/* SPDX-License-Identifier: MIT */
/* The generator splitmix64. */
#include <tests/backend/lib/draw.h>

static uint64_t state;

void draw_seed(uint64_t seed)
{
    state = seed;
}

uint64_t draw(void)
{
    uint64_t word = state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

unsigned draw_below(unsigned bound)
{
    return (unsigned)(draw() % bound);
}

void draw_bytes(void *to, size_t size)
{
    for (uint8_t *byte = to; size--; byte++)
        *byte = (uint8_t)draw();
}
