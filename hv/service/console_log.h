/* SPDX-License-Identifier: MIT */
/*
 * What a back end says, line by line in the hypervisor's log: it has no console that anybody looks at.  The log has to
 * stay one that people read, whatever it says: some lines at once, then some a second, and how many were left out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hv_domain;

#define CONSOLE_LOG_AT_ONCE    100u
#define CONSOLE_LOG_PER_SECOND 10u

/* How much more may be said, all zero at the beginning. */
struct console_log {
    uint64_t said;     /* lines for which time has not passed yet, in ns */
    uint64_t when;     /* time_now() of that */
    uint64_t left_out; /* lines, since the last that was said */
};

/* @domain says @bytes: its lines go out as they end.  What is not printable does not go into the log. */
void console_log(struct hv_domain *domain, const char *bytes, size_t count);

/* The line that has not ended goes out, and how many were left out: nothing will follow. */
void console_log_end(struct hv_domain *domain);
