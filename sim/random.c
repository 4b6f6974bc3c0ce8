/* SPDX-License-Identifier: MIT */
/* The machine's own sequence of numbers, by which it chooses. */
#include <sim/sim.h>

/* xorshift64*: small, and good enough to choose with. */
uint64_t sim_random(struct sim *sim)
{
    uint64_t state = sim->random_state;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    sim->random_state = state;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t sim_random_below(struct sim *sim, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)sim_random(sim) * bound) >> 64);
}

bool sim_chance(struct sim *sim, unsigned per_256)
{
    return per_256 > 0 && (sim_random(sim) >> 56) < per_256;
}
