/* SPDX-License-Identifier: MIT */
/*
 * The descriptor windows: 32 pages at an address that never changes, in which a vCPU's GDT (pages 0 to 15) and LDT
 * (pages 16 to 31) show.  Pages 0 to 13 are the guest's frames; page 14 is the processor's, hv/descriptor.h; page 15 is
 * empty.  Each processor has a window too, for while it runs no guest.
 */
#pragma once

#include <stdint.h>

#define WINDOW_PAGES    32u
#define WINDOWS_MAX     1024u
#define WINDOW_OF_CPU   0u  /* the window of processor n is WINDOW_OF_CPU + n */
#define WINDOW_OF_VCPUS 64u /* those from here on are for vCPUs */

/* Provide the tables of all windows. */
void window_init(void);

/* Where a window begins. */
uint64_t window_base(unsigned window);

/* Set the entry of a page of a window and forget what this processor knew of it. */
void window_set_page(unsigned window, unsigned page, uint64_t entry);
