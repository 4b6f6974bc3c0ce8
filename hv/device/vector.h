/* SPDX-License-Identifier: MIT */
/* Which interrupt vector of the processor is which domain's device. */
#pragma once

#include <stdbool.h>

struct hv_domain;

/*
 * A vector of its own for interrupt @pirq of @domain; the hypervisor's are none of them, nor is any that an instruction
 * of a guest's could raise.  0: all are taken.
 */
unsigned vector_take(struct hv_domain *domain, unsigned pirq);
void vector_give(unsigned vector);

/* Whose is @vector?  False: nobody's. */
bool vector_find(unsigned vector, struct hv_domain **domain, unsigned *pirq);
