/* SPDX-License-Identifier: MIT */
/* call_refuse() for tests of the calls: nothing is noted but the last of them. */
#pragma once

#include <hv/domain/call_refuse.h>

extern enum call_reason call_refused; /* why; CALL_REASON_NONE: none since the test has set it to that */
extern uint64_t call_refused_value;

/* The last one noted is for that reason, and that value. */
void assert_refused(enum call_reason reason, uint64_t value);

/*
 * Around a call: call_refused_told() gives its @result, and fails unless an error has been noted, once, and nothing
 * else has, since call_refused_count() was @before.  In between there may be other calls, each watched likewise.
 */
unsigned call_refused_count(void);
int64_t call_refused_told(unsigned before, int64_t result);

/* @error, or 0, of a stand-in for what notes its errors itself, as the engine does. */
int call_refused_elsewhere(int error);
