/* SPDX-License-Identifier: MIT */
/* The I/O APIC: lines of devices to interrupts of processors.  Only that of the interval timer is in use so far. */
#pragma once

#include <stdbool.h>

/* Find it, and mask all of its lines.  False: there is none where PCs have it. */
bool ioapic_init(void);

/* The line @pin, below 16, is an NMI of this processor from now on, each time that it rises. */
void ioapic_route_nmi(unsigned pin);

/* The line @pin, below 16, is nothing to anybody. */
void ioapic_mask(unsigned pin);
