/* SPDX-License-Identifier: MIT */
/* Interrupts from one processor to another, by the local APIC's command register: Intel SDM volume 3, 11.6.1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The low half of a command: what is sent.  The level is "assert", which all but one old command have. */
#define IPI_ASSERT        (1u << 14)
#define IPI_FIXED(vector) (IPI_ASSERT | (vector))
#define IPI_NMI           (IPI_ASSERT | 4u << 8)
#define IPI_INIT          (IPI_ASSERT | 5u << 8)
#define IPI_START(page)   (IPI_ASSERT | 6u << 8 | (page)) /* in real mode, at this page of the first MiB */

/* The local APICs are on: by registers in memory, at DEVICE_BASE, or as x2APICs. */
void ipi_init(bool x2apic);

/* Can a command be for the local APIC with the number @apic? */
bool ipi_reaches(uint32_t apic);

/*
 * Send an NMI there from within one, which may have come between the two halves of another command, and leaves them as
 * they were.
 */
void ipi_send_nmi(uint32_t apic);

/* Send @command to the local APIC with the number @apic, which is one of those.  Interrupts are off. */
void ipi_send(uint32_t apic, uint32_t command);
