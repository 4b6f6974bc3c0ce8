/* SPDX-License-Identifier: MIT */
/* What hv/port.c remembers beside what it does for the engine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/refuse.h>

struct port_refusals {
    uint64_t count;
    struct refusal last;
};

const struct port_refusals *port_refusals(void);

/* Say what the last refusal was, if there was any, in words. */
void port_print_last_refusal(void);

/* Does an operation of the engine hold a lock? */
bool port_is_locked(void);
