/* SPDX-License-Identifier: MIT */
/* The I/O APIC: lines of devices to interrupts of processors. */
#pragma once

#include <stdbool.h>

/* Find it, and mask all of its lines.  False: there is none where PCs have it. */
bool ioapic_init(void);

/* The line @pin, below 16, is an NMI of this processor from now on, each time that it rises. */
void ioapic_route_nmi(unsigned pin);

/* Has ioapic_init() found it? */
bool ioapic_is_there(void);

/* The line @pin, below 16, is interrupt @vector of this processor from now on, for as long as it is high. */
void ioapic_route_level(unsigned pin, unsigned vector);

/* The line @pin, below 16, is nothing to anybody. */
void ioapic_mask(unsigned pin);
