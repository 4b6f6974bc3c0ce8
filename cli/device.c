/* SPDX-License-Identifier: MIT */
/* What devices are called. */
#include <stdio.h>

#include <cli/device.h>

void device_serial(unsigned domain, const struct disk_options *disk, char serial[DISK_SERIAL_MAX + 1])
{
    snprintf(serial, DISK_SERIAL_MAX + 1, "vbd-%u-%u", domain, disk->number);
}

void device_share_name(unsigned domain, unsigned place, char name[SHARE_NAME_MAX + 1])
{
    snprintf(name, SHARE_NAME_MAX + 1, "share-%u-%u", domain, place);
}

void device_mac_text(const uint8_t mac[MAC_SIZE], char text[MAC_TEXT_SIZE])
{
    snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}
