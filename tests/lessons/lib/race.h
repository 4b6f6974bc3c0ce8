/* SPDX-License-Identifier: MIT */
/*
 * Operations that meet.
 *
 * A scene is one operation, the act, that is stopped at one preemption point, and others that then run as far as they
 * can.  It is played once for each preemption point that the act has, each time on a fresh machine.  A scramble lets
 * several operations be interrupted anywhere, from many seeds.
 */
#pragma once

#include <tests/lessons/lib/lesson.h>

#define RACE_OTHERS 3u

struct race;

typedef void race_fn(struct race *race, struct vcpu *vcpu);

struct scene {
    struct sim_config config;
    void (*prepare)(struct race *race);
    race_fn *act;                     /* on vCPU 0 of domain 0 */
    race_fn *others[RACE_OTHERS];     /* on the vCPUs after that, domain 1's behind them; NULL where there is none */
    void (*check)(struct race *race); /* when all have ended */
    unsigned stride;                  /* play every stride-th point; 1 */
    unsigned stops;                   /* stop the act at so many points in a row; 1 */
};

/* A scene as it is being played, and room for what it prepares. */
struct race {
    struct lesson lesson;
    const struct scene *scene;
    uint64_t points;  /* that the act has passed */
    bool reached;     /* the act has been stopped */
    bool ended;       /* the act has ended */
    unsigned nr_left; /* others that have not ended */
    unsigned nr_stops;
    unsigned round;                   /* the point, or the seed, that is being played */
    int64_t results[RACE_OTHERS + 1]; /* for the scene: 0 of the act, then of the others */
    struct guest_tree tree;
    pfn_t pages[8];
    mfn_t frames[4];
    vaddr_t arguments[RACE_OTHERS + 1];
};

/* Play @scene at each of its points.  Returns how many there were. */
uint64_t race_play(const struct scene *scene);

/* Play @scene with every task interrupted at random, once for each of @seeds seeds. */
void race_scramble(const struct scene *scene, unsigned seeds);

/*
 * An mmuext operation whose arguments were put down beforehand, so that the guest's memory is not needed after the
 * call: for guests that may be gone by then.  64-bit guests.
 */
vaddr_t race_put_mmuext(struct vcpu *vcpu, unsigned command, mfn_t mfn);
int64_t race_mmuext(struct vcpu *vcpu, vaddr_t argument);

/* ---- How much is done between two preemption points. */

/* Start to measure: every preemption point is taken, and what changed since the one before is counted. */
void meter_start(struct sim *sim);

/* The most references and types that changed between two points, or since the last one. */
uint64_t meter_stop(struct sim *sim);
