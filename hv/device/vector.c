/* SPDX-License-Identifier: MIT */
/*
 * A table of all vectors.  The first of those that are no exceptions are left out: controllers that firmware has set up
 * may use them.
 */
#include <stddef.h>
#include <stdint.h>

#include <hv/cpu/trap.h>
#include <hv/device/vector.h>

#define VECTOR_FIRST 0x30u

static struct {
    struct hv_domain *domain; /* NULL: free */
    unsigned pirq;
} vectors[VECTOR_INTERRUPTS];

unsigned vector_take(struct hv_domain *domain, unsigned pirq)
{
    for (unsigned i = VECTOR_FIRST; i < VECTOR_INTERRUPTS; i++) {
        if (i != VECTOR_INT80 && i != VECTOR_HYPERCALL32 && !vectors[i].domain) {
            vectors[i].domain = domain;
            vectors[i].pirq = pirq;
            return i;
        }
    }
    return 0;
}

void vector_give(unsigned vector)
{
    vectors[vector].domain = NULL;
}

bool vector_find(unsigned vector, struct hv_domain **domain, unsigned *pirq)
{
    if (vector >= VECTOR_INTERRUPTS || !vectors[vector].domain)
        return false;
    *domain = vectors[vector].domain;
    *pirq = vectors[vector].pirq;
    return true;
}
