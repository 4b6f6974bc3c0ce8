/* SPDX-License-Identifier: MIT */
/*
 * Threads that are processors, for parts of the hypervisor under ThreadSanitizer: each has a struct cpu of its own, and
 * cpu_here() finds it.  Who halts in a wait (hv/cpu/wait.h) sleeps until it is kicked: a kick too few, and the test
 * does not end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/cpu/cpu.h>

#define PROCESSORS_MAX 8u

/* Run @body on processors 0 to @count - 1 at the same instant, until all have returned from it. */
void processors_run(unsigned count, void (*body)(unsigned id));

/* Processor @id, as others see it. */
struct cpu *processor_find(unsigned id);

/* How often processor @id has answered while it waited for a lock. */
unsigned long processor_answers(unsigned id);

/* Has this processor been kicked?  Then the next one counts. */
bool processor_takes_kick(void);

/* How often it has halted in a wait, in the last run. */
unsigned long processor_halts(unsigned id);

/* Whoever waits for others lets them get on: there are more threads than the machine has processors. */
void processor_pause(void);

/* A number below @bound, of this thread's. */
uint64_t random_below(uint64_t bound);
