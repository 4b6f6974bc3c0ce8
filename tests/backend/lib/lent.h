/* SPDX-License-Identifier: MIT */
/*
 * Pages that a front end lends, as guest/grant.h maps and copies them, on the host: the machine address of a page is
 * its address in this program.  Every mapping is accounted for.
 */
#pragma once

#include <guest/grant.h>

#define LENT_PAGES 32u

/* The front end's pages; reference i is page i.  Those that are read-only must not be mapped to be written. */
extern uint8_t lent_pages[LENT_PAGES][PAGE_SIZE];
extern bool lent_readonly[LENT_PAGES];

/* Nothing mapped, nothing read-only.  One in @failing of the elements of a call fails, none if it is 0. */
void lent_start(unsigned failing);

/* Called before and after each copy, so that a test can write meanwhile; NULL for none. */
extern void (*lent_between)(void);

unsigned lent_mapped(void);

/* Is the memory within one page that is mapped now, to be written or at least to be read? */
bool lent_is_mapped(uint64_t maddr, uint32_t size, bool to_write);
