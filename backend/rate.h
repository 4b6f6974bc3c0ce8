/* SPDX-License-Identifier: MIT */
/*
 * A limit on what somebody may send: so many bytes in each period, as xl's rate= has it.  What was not used is lost
 * with the period; a packet larger than what is left goes, and the next periods pay for it.
 */
#pragma once

#include <guest/types.h>

struct rate {
    uint64_t bytes;  /* of a period; 0: no limit */
    uint64_t period; /* nanoseconds */
    uint64_t end;    /* of the running period, as system time */
    int64_t left;    /* bytes of it; negative: owed */
};

/* Read "BYTES,MICROSECONDS", both from 1 to 10^9.  -XEN_EINVAL: it is something else; *@rate is no limit then. */
int __must_check rate_parse(struct rate *rate, const char *text);

/* May something be sent at @now?  If not, then perhaps at rate->end. */
bool rate_allows(struct rate *rate, uint64_t now);

/* @size bytes, at most 65535, have been sent. */
void rate_charge(struct rate *rate, unsigned size);
