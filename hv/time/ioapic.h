/* SPDX-License-Identifier: MIT */
/* The I/O APICs: lines of devices to interrupts of processors.  A line has one number for all of them. */
#pragma once

#include <stdbool.h>

/* Find them, and mask all of their lines.  False: there is none where PCs have it. */
bool ioapic_init(void);

/* How many lines those have that ioapic_init() has found: their numbers are below that. */
unsigned ioapic_lines(void);

/* The line @line, which there is, is an NMI of this processor from now on, each time that it rises. */
void ioapic_route_nmi(unsigned line);

/* The line @line, which there is, is interrupt @vector of this processor from now on, for as long as it is high. */
void ioapic_route_level(unsigned line, unsigned vector);

/* The line @line, which there is, is nothing to anybody. */
void ioapic_mask(unsigned line);
