/* SPDX-License-Identifier: MIT */
/* A 32-bit guest's kernel and its programs come to each other by the processor's own ways. */
#include <guests/costs/costs.h>

void ways_measure(unsigned rounds)
{
    (void)rounds;
}
