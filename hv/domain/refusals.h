/* SPDX-License-Identifier: MIT */
/* What the engine has refused: how often, and the last few of them with who had asked. */
#pragma once

#include <stdint.h>

#include <engine/refuse.h>

#define REFUSALS_KEPT 4u

struct noted_refusal {
    struct refusal refusal;
    /* If a guest has asked: who, and where; a hypercall page hides that, hence the word on top of the stack. */
    domid_t domain;
    unsigned vcpu;
    uint16_t cs;
    uint64_t rip, top;
};

struct refusals {
    uint64_t count;
    struct refusal last;
    struct noted_refusal recent[REFUSALS_KEPT]; /* refusal n is in recent[n % REFUSALS_KEPT] */
};

/* As they are at this moment. */
struct refusals refusals_noted(void);

/* From now on each refusal is printed when it happens. */
void refusals_explain(void);
