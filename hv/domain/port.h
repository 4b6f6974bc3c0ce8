/* SPDX-License-Identifier: MIT */
/* What hv/domain/port.c remembers beside what it does for the engine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/refuse.h>

#define PORT_REFUSALS 4u /* remembered */

struct port_refusal {
    struct refusal refusal;
    /* If a guest has asked: who, and where; a hypercall page hides that, hence the word on top of the stack. */
    unsigned vcpu;
    uint16_t cs;
    uint64_t rip, top;
};

struct port_refusals {
    uint64_t count;
    struct refusal last;
    struct port_refusal recent[PORT_REFUSALS]; /* refusal n is in recent[n % PORT_REFUSALS] */
};

const struct port_refusals *port_refusals(void);

/* From now on each refusal is printed when it happens. */
void port_explain_refusals(void);

/* Does an operation of the engine hold a lock? */
bool port_is_locked(void);
