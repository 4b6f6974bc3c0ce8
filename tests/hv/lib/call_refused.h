/* SPDX-License-Identifier: MIT */
/* call_refuse() for tests of the calls: nothing is noted but the last of them. */
#pragma once

#include <hv/domain/call_refuse.h>

extern enum call_reason call_refused; /* why; CALL_REASON_NONE: none since the test has set it to that */
extern uint64_t call_refused_value;
