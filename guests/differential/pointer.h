/* SPDX-License-Identifier: MIT */
/*
 * Where the arguments of a call lie: in memory that is good, or in one of the places that are not.
 */
#pragma once

#include <guest/types.h>

enum pointer_kind {
    POINTER_GOOD,
    POINTER_NULL,
    POINTER_READONLY, /* the same memory, seen read-only */
    POINTER_EDGE,     /* the second half of it lies in a page that is not mapped */
    POINTER_UNMAPPED,
    POINTER_NONCANONICAL,
    POINTER_HYPERVISOR, /* of the hypervisor, not readable */
    POINTER_WRAP,       /* behind it the address space ends */
    NR_POINTERS
};

/* Memory for an argument, or an array; each has a page of its own. */
enum place { PLACE_ARGUMENT, PLACE_LIST, PLACE_DONE, NR_PLACES };

void pointer_init(void);

/* Mostly a good one, else another; for NULL means no argument in some calls, and is chosen more often. */
enum pointer_kind pointer_choose(void);

/*
 * Memory for the caller to fill, @size bytes (a multiple of 2) of UNTOUCHED, for an argument at @place; *@address is
 * what to hand over.  pointer_put() stores it where the hypervisor sees it, as far as that can be; pointer_get() reads
 * back what is there.
 */
void *pointer_make(enum place place, enum pointer_kind kind, size_t size, uint64_t *address);
void pointer_put(enum place place);
void pointer_get(enum place place);

/* The same memory again. */
void *pointer_memory(enum place place);

/* How the record tells it. */
const char *pointer_name(enum pointer_kind kind);
