/* SPDX-License-Identifier: MIT */
/*
 * What happens when an operation on page tables fails, or is used wrongly: it is reported with the place in the source
 * that asked for it, which may have been long before, where updates were queued.
 */
#pragma once

#include <guest/types.h>

#define MMU_STRING(text) #text
#define MMU_LINE(line)   MMU_STRING(line)
/* The place in the source where this stands: "guests/paravirt/space.c:42". */
#define MMU_HERE         __FILE__ ":" MMU_LINE(__LINE__)

struct mmu_failure {
    const char *where; /* who asked for the operation: a MMU_HERE */
    const char *what;  /* a sentence */
    uint64_t subject;  /* the address or frame that it is about; 0 where there is none */
    uint64_t value;    /* what was to be done with it */
    long error;        /* of the hypercall; 0 where none was made */
};

/* May return: then the operation that failed has not happened, and everything else goes on. */
typedef void mmu_failure_handler(const struct mmu_failure *failure);

/*
 * Who is told of failures from now on; NULL: they are printed and the guest panics, which is also the beginning.
 * Returns the old one.
 */
mmu_failure_handler *mmu_set_failure_handler(mmu_failure_handler *handler);

/* Report a failure. */
void mmu_fail(const struct mmu_failure *failure);

/* Report wrong use of the library, found before anything was done. */
void mmu_misuse(const char *where, const char *what, const volatile void *subject);
