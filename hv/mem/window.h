/* SPDX-License-Identifier: MIT */
/*
 * The descriptor windows: 32 pages at an address that never changes, in which a vCPU's GDT (pages 0 to 15) and LDT
 * (pages 16 to 31) show.  Pages 0 to 13 are the guest's frames; page 14 is the processor's, hv/cpu/cpu_tables.h; page
 * 15 is empty.  Each processor has a window too, for while it runs no guest.
 *
 * Where the guest's GDT has no frame, a page of zeros shows, which are no descriptors: a selector there is as one
 * beyond the limit of the table, which has to span the processor's page.  A page of the LDT that has not been asked for
 * yet is absent.
 */
#pragma once

#include <stdint.h>

#define WINDOW_PAGES    32u
#define WINDOWS_MAX     1024u
#define WINDOW_OF_CPU   0u  /* the window of processor n is WINDOW_OF_CPU + n */
#define WINDOW_OF_VCPUS 64u /* those from here on are for vCPUs */

/* Provide the tables of all windows, and show nothing in them. */
void window_init(void);

/* Where a window begins. */
uint64_t window_base(unsigned window);

/* Set the entry of a page of a window and forget what this processor knew of it. */
void window_set_page(unsigned window, unsigned page, uint64_t entry);

/* Show nothing of a guest at a page of a window. */
void window_clear_page(unsigned window, unsigned page);
