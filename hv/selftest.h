/* SPDX-License-Identifier: MIT */
/* The hypervisor tries itself out.  Words of the command line. */
#pragma once

#include <stdbool.h>

struct machine;

/*
 * `selftest`: use the port and the engine on the real machine, without a guest.  Prints each failure, and a last line
 * "selftest: passed, N checks" or "selftest: failed, ...".  ram_audit_counts() is there.
 */
bool selftest_run(struct machine *machine);

/*
 * `selftest=fault`, `selftest=overflow`, `selftest=halt`: a deliberate page fault, stack overflow or broken invariant,
 * to see it reported.  Returns if @line has none of these words.
 */
void selftest_break(const char *line);

/* `selftest=hang`: the same, with a hypervisor that stands still; processors_start() has run. */
void selftest_hang(const char *line);

/* ---- For the parts of the self-test. */

/* A domain of 64 bits is built, run on, refused things and destroyed: hv/selftest_domain.c. */
void selftest_domain(struct machine *machine);

/* The clock and timers that expire: hv/selftest_time.c.  time_init() and apic_init() have run. */
void selftest_time(void);

/* Processors make each other look: hv/selftest_processors.c.  processors_start() has run. */
void selftest_processors(void);
