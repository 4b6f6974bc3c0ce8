/* SPDX-License-Identifier: MIT */
/* All pages of the machine that nobody else has: taken, shared, given back. */
#pragma once

#include <guest/types.h>

/* The library has taken what it wants; the pool takes all that is left. */
void pool_init(void);

/* A page with any contents, with one user; NULL: there is none left. */
void *pool_take(void);

/* One more user; one fewer: with the last one the page returns, and must be mapped writable. */
void pool_share(void *page);
void pool_put(void *page);

/* Users of a page; 0: it is free, or not of the pool. */
unsigned pool_users(const void *page);

/* Pages that are free; of these, pool_take() leaves the last @reserve alone. */
uint64_t pool_count(void);
void pool_set_reserve(uint64_t reserve);

/* Free pages that were written to while they were free, since the start. */
uint64_t pool_spoilt(void);

void page_zero(void *page);
void page_copy(void *to, const void *from);
