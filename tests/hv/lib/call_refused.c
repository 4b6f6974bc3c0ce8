/* SPDX-License-Identifier: MIT */
/* In the place of hv/domain/refusals.c. */
#include <tests/hv/lib/call_refused.h>

enum call_reason call_refused;
uint64_t call_refused_value;

int call_refuse(int error, enum call_reason reason, uint64_t value)
{
    __atomic_store_n(&call_refused, reason, __ATOMIC_RELAXED); /* there may be threads */
    __atomic_store_n(&call_refused_value, value, __ATOMIC_RELAXED);
    return error;
}
