/* SPDX-License-Identifier: MIT */
/* The machine's network cards as ports of switches. */
#pragma once

#include <backend/nic.h>

#define UPLINKS_MAX 4u

/*
 * Join the card of this address to the switch called @name, where it stays.  0 also if it is there already.
 * -XEN_ENODEV: there is no such card, -XEN_EBUSY: another switch has it, -XEN_ENOSPC: there are too many; else as
 * switch_attach().
 */
int __must_check uplink_join(const uint8_t mac[MAC_SIZE], const char *name);

/* One turn: send what waits for the cards, and take what they have received. */
void uplink_turn(void);
