/* SPDX-License-Identifier: MIT */
/* What comes on the serial line, kept for the domain that it is for until that takes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_domain;
struct machine;

#define CONSOLE_INPUT_MAX 1024u /* a power of two */

/* What has come for a domain and not been taken: a ring, with indexes that count bytes. */
struct console_input {
    uint32_t taken, come;
    char bytes[CONSOLE_INPUT_MAX];
};

/* From now on the line has a console for each domain, as hv/base/multiplex.h says. */
void console_input_multiplex(void);

/*
 * Take what the line has, for @attached, which may be NULL, or multiplexed, for whom it says.  Where there is no room
 * for it, it waits in the line; only hurried bytes are thrown away after a while, and those for a domain that is not
 * there at once.
 */
void console_input_take(const struct machine *machine, struct hv_domain *attached);

/* The domain that a multiplexed line speaks to; NULL: it is not there, or the line has not said. */
struct hv_domain *console_input_selected(const struct machine *machine);

/* Has a list of the guests been asked for?  Once for each time, or for several at once. */
bool console_input_list_wanted(void);
