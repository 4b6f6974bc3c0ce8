/* SPDX-License-Identifier: MIT */
/* In the place of hv/domain/refusals.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <tests/hv/lib/call_refused.h>

enum call_reason call_refused;
uint64_t call_refused_value;
static _Thread_local unsigned nr_refused; /* but for those of calls that are over */

int call_refuse(int error, enum call_reason reason, uint64_t value)
{
    __atomic_store_n(&call_refused, reason, __ATOMIC_RELAXED); /* there may be threads */
    __atomic_store_n(&call_refused_value, value, __ATOMIC_RELAXED);
    nr_refused++;
    return error;
}

void assert_refused(enum call_reason reason, uint64_t value)
{
    assert_int_equal(call_refused, reason);
    assert_int_equal(call_refused_value, value);
}

unsigned call_refused_count(void)
{
    return nr_refused;
}

int64_t call_refused_told(unsigned before, int64_t result)
{
    if (nr_refused != before + (result < 0))
        fail_msg("%ld, and %u refusals have been noted", result, nr_refused - before);
    nr_refused = before;
    return result;
}

int call_refused_elsewhere(int error)
{
    nr_refused += error != 0;
    return error;
}
