/* SPDX-License-Identifier: MIT */
/*
 * The guests, for whoever asks for them on a multiplexed line: on the hypervisor's own console a line for each domain
 * whose guest lives and one that ends the list, "end".  A line has, with a space between them: its number; its name;
 * what it is at, "running" (or it would run), "waiting" (for an event), "down", or "for-devices": it is ready, and
 * waits for back ends to look at its devices; its vCPUs; its memory in KiB; how long its vCPUs have run, in
 * microseconds; how often it has been started anew.  Back ends are no guests.
 */
#pragma once

#include <stdint.h>

struct hv_domain;
struct machine;

void console_list_send(const struct machine *machine);

/* What a domain is at, a word as above; and how long its vCPUs have run, in ns. */
const char *console_list_state(const struct hv_domain *domain);
uint64_t console_list_time(const struct hv_domain *domain);
