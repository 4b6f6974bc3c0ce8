/* SPDX-License-Identifier: MIT */
/* In no order: a list is looked through for each packet to a group, and few interfaces have more than a handful. */
#include <abi/errno.h>
#include <guest/string.h>
#include <backend/groups.h>

bool groups_is_group(const uint8_t *mac)
{
    static const uint8_t all[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return groups_is_shared(mac) && memcmp(mac, all, MAC_SIZE) != 0;
}

/* Where it is; groups->count: it is not there. */
static unsigned place_of(const struct groups *groups, const uint8_t *mac)
{
    unsigned place = 0;

    while (place < groups->count && memcmp(groups->macs[place], mac, MAC_SIZE) != 0)
        place++;
    return place;
}

int groups_add(struct groups *groups, const uint8_t *mac)
{
    if (!groups_is_group(mac))
        return -XEN_EINVAL;
    if (groups_has(groups, mac))
        return 0;
    if (groups->count == GROUPS_MAX)
        return -XEN_ENOSPC;
    memcpy(groups->macs[groups->count++], mac, MAC_SIZE);
    return 0;
}

void groups_remove(struct groups *groups, const uint8_t *mac)
{
    unsigned place = place_of(groups, mac);

    if (place < groups->count)
        memmove(groups->macs[place], groups->macs[--groups->count], MAC_SIZE);
}

bool groups_has(const struct groups *groups, const uint8_t *mac)
{
    return place_of(groups, mac) < groups->count;
}
