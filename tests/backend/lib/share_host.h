/* SPDX-License-Identifier: MIT */
/* The host's side of shares, as backend/share.h has it: it has what it was sent until a test answers. */
#pragma once

#include <backend/share.h>

#define HOST_SHARES 2u /* "share-1-0" and "share-1-1"; only one at a time is started */

extern struct share host_shares[HOST_SHARES];

/* What is under way, the oldest first. */
extern struct share_message *host_sent[SHARE_MESSAGES];
extern unsigned host_nr_sent;

extern unsigned host_starts;
extern bool host_running;
extern bool host_start_fails, host_has_failed; /* as the test wants it */

/* As at first: nothing is started, all messages are there. */
void host_begin(void);

/* Answer the oldest request by a reply of @size bytes with its type and tag. */
void host_answer(uint32_t size);

/*
 * The same as a server does: by the type that goes with it, or, unless @error is 0, by that error.  All names lead to
 * one file, the number of which is host_file.
 */
void host_serve(uint32_t error);
extern uint64_t host_file;
