/* SPDX-License-Identifier: MIT */
/* The local APICs, as far as timers need them; hv/cpu/ipi.h sends by them. */
#pragma once

#include <stdint.h>

enum apic_vector {
    VECTOR_TIMER = 0xe0, /* in a class below that of kicks: hv/cpu/wait.h */
    VECTOR_SPURIOUS = 0xff,
};

/*
 * Enable the local APIC with everything masked but the timer, by its registers in memory (at DEVICE_BASE, whose table
 * exists) or as x2APIC where it is that already, and calibrate its timer by time_now().  EXIT_UNSUPPORTED without one.
 */
void apic_init(void);

/* The same for another processor, in the mode of the first, and by what has been found of its timer. */
void apic_init_other(void);

/* Interrupt at VECTOR_TIMER in @ns nanoseconds, once; a later call replaces it.  0: at once.  UINT64_MAX: never. */
void apic_set_timer(uint64_t ns);

/* An interrupt has been taken; others may come.  A spurious one has no end: Intel SDM volume 3, 11.9. */
void apic_end(void);

/* The number of this processor's local APIC. */
uint32_t apic_id(void);
