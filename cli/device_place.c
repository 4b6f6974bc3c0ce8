/* SPDX-License-Identifier: MIT */
/* The order is that of device_nodes.c: disks, networks, directories. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cli/device_place.h>

_Static_assert(DEVICE_NAME_MAX >= DISK_NAME_MAX && DEVICE_NAME_MAX >= MAC_TEXT_SIZE, "names of devices");

static bool is_nic(const struct nic_options *nic, unsigned number, const char *name)
{
    char mac[MAC_TEXT_SIZE], own[16];

    device_mac_text(nic->mac, mac);
    snprintf(own, sizeof(own), "vif%u", number);
    return !strcmp(name, own) || !strcasecmp(name, mac);
}

bool device_place_name(const struct guest_options *guest, unsigned place, char name[DEVICE_NAME_MAX + 1])
{
    const unsigned nics = guest->nr_disks, shares = nics + guest->nr_nics;

    if (place < nics)
        snprintf(name, DEVICE_NAME_MAX + 1, "%s", guest->disks[place].name);
    else if (place < shares)
        snprintf(name, DEVICE_NAME_MAX + 1, "vif%u", place - nics);
    else if (place < shares + guest->nr_shares)
        snprintf(name, DEVICE_NAME_MAX + 1, "%s", guest->shares[place - shares].tag);
    return place < shares + guest->nr_shares;
}

bool device_place_find(const struct guest_options *guest, const char *name, unsigned *place)
{
    *place = 0;
    for (unsigned i = 0; i < guest->nr_disks; i++, ++*place) {
        if (!strcmp(guest->disks[i].name, name))
            return true;
    }
    for (unsigned i = 0; i < guest->nr_nics; i++, ++*place) {
        if (is_nic(&guest->nics[i], i, name))
            return true;
    }
    for (unsigned i = 0; i < guest->nr_shares; i++, ++*place) {
        if (!strcmp(guest->shares[i].tag, name))
            return true;
    }
    return false;
}
