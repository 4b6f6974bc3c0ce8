/* SPDX-License-Identifier: MIT */
/*
 * The guest's free pages.  All are mapped where address.h says.
 */
#pragma once

#include <guest/address.h>
#include <guest/types.h>

/*
 * Find the free pages of the region that the builder mapped, and map the rest of the guest's pages behind it.
 * guest.start and guest.boot_stack_end must be set; guest.nr_mapped is.
 */
void memory_init(void);

/* For memory_init(): the pages from pfn @first on, below @end, are free; what was fresh before only if it adjoins. */
void memory_add(uint64_t first, uint64_t end);

/* A zeroed page, which is the caller's; without one the guest panics. */
void *page_alloc(void);

/* @count zeroed pages in a row of virtual addresses. */
void *pages_alloc(size_t count);

/* The page must be mapped writable, and be used for nothing any more. */
void page_free(void *page);

size_t pages_free_count(void);
