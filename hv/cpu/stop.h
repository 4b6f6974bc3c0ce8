/* SPDX-License-Identifier: MIT */
/* The end of everything: one processor has the last words, the others stop where they are. */
#pragma once

#include <stdbool.h>

#include <engine/types.h>

struct cpu;
struct cpu_frame;

/*
 * This processor will speak: the others are made to stop, by NMIs, and have done so or do not answer.  Does not return
 * if another one speaks already.  False: this one did, before this.
 */
bool __must_check stop_others(void);

/* An NMI has come to this processor, which was at @frame: stops for ever, if that is what it was for. */
void stop_if_asked(const struct cpu_frame *frame);

/* After stop_others(): where @cpu was when it stopped, to be read, but not believed; NULL: it does not answer. */
const struct cpu_frame *stop_place(const struct cpu *cpu);
