/* SPDX-License-Identifier: MIT */
/* What the steps of the demo share. */
#pragma once

#include <guest/types.h>

/* A line of the story. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* A claim, and whether it holds; one that does not ends the demo behind this step. */
__attribute__((format(printf, 2, 3))) void claim(bool holds, const char *format, ...);

/* The call @what gave @result; @wanted is what direct paging prescribes. */
void claim_result(const char *what, long result, long wanted);

/*
 * Where the demo's own tables map things: a slot of the root that nothing else uses, and the tables under it, made by
 * the step of that name.
 */
#define DEMO_VADDR (TOP_LEVEL == 4 ? UINT64_C(0x0000028000000000) : UINT64_C(0x50000000))

struct demo_tables {
    uint64_t *root, *l3, *l2, *l1; /* the root is an L4 or an L3, and there is no other L3 then */
    char *page;                    /* what l1[0] maps */
};
extern struct demo_tables demo;

/* The steps, in order. */
void step_start(void);
void step_frames(void);
void step_walk(void);
void step_build(void);
void step_refused_write(void);
void step_refused_mapping(void);
void step_tree(void);
void step_switch(void);
void step_mmu_update(void);
void step_preserve_ad(void);
void step_va_mapping(void);
void step_emulated_write(void);
void step_multicall(void);
void step_machphys(void);
void step_descriptor(void);
void step_timer(void);
void step_user(void);
void step_cost(void);
