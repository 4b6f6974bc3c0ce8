/* SPDX-License-Identifier: MIT */
/* The multicast groups of one interface, as its front end adds and removes them: a bounded list. */
#pragma once

#include <backend/packet.h>

#define GROUPS_MAX 64u

struct groups {
    uint8_t macs[GROUPS_MAX][MAC_SIZE];
    unsigned count;
};

/* Is this the address of a group, or of all?  Of a group alone? */
static inline bool groups_is_shared(const uint8_t *mac)
{
    return mac[0] & 1;
}
bool groups_is_group(const uint8_t *mac);

/* One that is there stays once.  -XEN_EINVAL: it is no group's address; -XEN_ENOSPC: there are GROUPS_MAX others. */
int __must_check groups_add(struct groups *groups, const uint8_t *mac);

/* Nothing if it is not there. */
void groups_remove(struct groups *groups, const uint8_t *mac);

bool groups_has(const struct groups *groups, const uint8_t *mac);
