/* SPDX-License-Identifier: MIT */
/* Who gets which RAM while booting, for good: page tables, and tables with an entry for each frame. */
#pragma once

#include <stdint.h>

#include <hv/base/ranges.h>

/*
 * @whole: what the loader calls RAM, whole frames; @kept: the part of it, in bytes, that has to stay as it is (the
 * bundle), empty if there is none.  The hypervisor's image is kept as well.  EXIT_UNSUPPORTED and the reason where the
 * loader has put either where it cannot be.
 */
void early_init(const struct ranges *whole, struct range kept);

/* @size bytes, a multiple of @align, for @purpose.  Ends with EXIT_UNSUPPORTED if they are not there in a row. */
uint64_t early_take(uint64_t size, uint64_t align, const char *purpose);

/* A frame for a page table of the hypervisor's own, not cleared; below EARLY_END until early_reach_all(). */
uint64_t early_take_table(void);

/* All RAM can be reached from now on. */
void early_reach_all(void);

/* The image, in whole frames. */
struct range early_image(void);

/* All that will be in the frame table as RAM; of it, what nobody has taken; how many bytes have been. */
const struct ranges *early_ram(void);
const struct ranges *early_left(void);
uint64_t early_taken(void);
