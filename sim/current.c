/* SPDX-License-Identifier: MIT */
/* The one machine that exists, and its end where something fails. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/sim_parts.h>

static struct sim *current;

void current_set(struct sim *sim)
{
    current = sim;
}

struct sim *sim_current(void)
{
    return current;
}

struct sim *sim_here(void)
{
    if (!current)
        sim_fail("sim: there is no machine");
    return current;
}

void sim_fail(const char *format, ...)
{
    struct sim *sim = current;
    char message[sizeof(sim->fail_message)];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (sim) {
        memcpy(sim->fail_message, message, sizeof(message));
        if (sim->catch_fail)
            sim->catch_fail(sim);
        if (sim->on_fail)
            sim->on_fail(sim, sim->fail_message);
    }
    fflush(stdout);
    fprintf(stderr, "%s\n", message);
    abort();
}
