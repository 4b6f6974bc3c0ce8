/* SPDX-License-Identifier: MIT */
/* Last words about locks. */
#pragma once

struct cpu;

/* What @cpu, which has stopped or is this one, holds and waits for: a line each, and none if there is nothing. */
void lock_print(const struct cpu *cpu);
