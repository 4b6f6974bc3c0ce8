/* SPDX-License-Identifier: MIT */
/* The power of the machine, as ACPI has it: ACPI 6.5, 4.8, "ACPI register model".  boot/acpi.c finds what it takes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Ports and values; a port of 0 is not there. */
struct power {
    uint16_t command; /* what is written there makes the machine ACPI's, if it is not yet */
    uint8_t enable;
    uint16_t control[2];        /* PM1a_CNT, which is always there, and PM1b_CNT */
    uint8_t sleep_type[2];      /* what they take for S5, "soft off" */
    uint16_t button, button_on; /* the status and the enable register that have the button, of PM1a; 0: there is none */
};

/* This machine's, from now on: it is ACPI's, and its power button is noticed rather than acted on by firmware. */
void power_init(const struct power *power);

/*
 * Power the machine off.  Returns where it is still on after a second or so: the caller should halt.  Where there was
 * no power_init(), nothing happens.
 */
void power_off(void);

/* Has the button been pressed since it was last asked? */
bool power_button_is_pressed(void);
