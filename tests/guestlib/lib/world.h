/* SPDX-License-Identifier: MIT */
/*
 * A guest in the hosted machine for the library in guest/ to be the inside of.  The library's pages are the frames of
 * that guest; a pointer to a page is one into the machine's RAM, whatever the engine thinks of writing there:
 * world_can_write() asks.
 *
 * Only plain types here: the two sides have types of the same names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WORLD_PAGES 400u /* of the guest */

void world_create(uint64_t seed);

/* Every page must be free again or the guest's own business; everything must be in order, and go. */
void world_destroy(void);

/* The audit of the engine and the rule of the TLBs hold, or the test fails. */
void world_check(void);

/* A page of zeroes, writable for the guest; give it back as it came. */
uint64_t *world_page_alloc(void);
void world_page_free(uint64_t *page);

/* Can the guest write it, where it has all its pages mapped? */
bool world_can_write(const void *page);

/* An L1 table in use, all of whose entries are free, and the address that it maps first. */
uint64_t *world_l1(void);

/* Frames and pages of the guest; UINT64_MAX: none. */
uint64_t world_mfn(const volatile void *page);
uint64_t world_pfn(const volatile void *page);
uint64_t world_pfn_of_mfn(uint64_t mfn); /* what the M2P says */
uint64_t world_mfn_of_pfn(uint64_t pfn);
uint64_t *world_page_of_mfn(uint64_t mfn);
uint64_t *world_l1_entry(const void *page); /* of the guest's own mapping of it */

/* The level of the table that the engine takes a page for, 1 to 4; 0: for none. */
unsigned world_type_level(const void *page);

/* Let the next call of the port fail as a whole. */
void world_fail_next_call(long error);
