/* SPDX-License-Identifier: MIT */
/*
 * NMIs from a timer, about 18 a second, which come whatever anybody has done to the interrupt flag.  They take a guest
 * that runs with interrupts off, which no processor allows and QEMU's does, back into the hypervisor, where
 * cpu_frame_mend() switches them on again; and they find a hypervisor that stands still.
 */
#pragma once

#include <hv/cpu/cpu.h>

struct cpu_frame;

/*
 * Have the NMIs come, from the interval timer through the I/O APIC, and see that they do.  Without either there is no
 * watchdog, and a message says so.  apic_init() and time_init() have run.
 */
void nmi_watchdog_init(void);

/* An NMI has come to this processor, which was at @frame. */
void nmi_watchdog_tick(const struct cpu_frame *frame);

/*
 * From the first to the second, a hypervisor that takes no interrupt and does not pet the watchdog for two seconds is
 * taken for one that hangs: it ends with a report.  Outside, what runs may take as long as it needs.
 */
void nmi_watchdog_start(void);
void nmi_watchdog_stop(void);

/* This processor gets on with its work. */
static inline void nmi_watchdog_pet_at(struct cpu *here)
{
    here->nmi_ticks = 0;
}

static inline void nmi_watchdog_pet(void)
{
    nmi_watchdog_pet_at(cpu_here());
}
