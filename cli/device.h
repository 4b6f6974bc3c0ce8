/* SPDX-License-Identifier: MIT */
/* The devices of a guest, as whoever runs it wants them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DEVICES_MAX     16u /* of a guest; the hypervisor takes no more */
#define DISK_NAME_MAX   15u
#define BRIDGE_NAME_MAX 31u
#define FORWARDS_MAX    8u  /* of a network */
#define FORWARD_MAX     63u /* characters */
#define MAC_SIZE        6u
#define SHARE_TAG_MAX   31u
#define MACHINE_SLOTS   28u                  /* for devices, on the machine's first bus */
#define MICROVM_PLACES  24u                  /* the same of a microvm */
#define BACKEND_KIB     ((uint64_t)32 << 10) /* memory of the domain that serves them */

struct disk_options {
    const char *path;             /* of the image */
    const char *format;           /* as QEMU calls it; NULL: to be found out */
    char name[DISK_NAME_MAX + 1]; /* "xvda"; empty: the next that is free */
    unsigned number;              /* of that name, as front ends know it; 0 until it has one */
    bool read_only, is_cdrom;
    bool keeps_zeroes; /* what the guest discards stays allocated */
};

/* A directory of the host's. */
struct share_options {
    const char *path;
    char tag[SHARE_TAG_MAX + 1]; /* what the guest mounts it by; empty: the next that is free */
    bool read_only;
};

/* What a network reaches, beside the guests that are on it. */
enum uplink { UPLINK_UNSAID, UPLINK_USER, UPLINK_TAP, UPLINK_NONE };

struct nic_options {
    enum uplink uplink;
    char bridge[BRIDGE_NAME_MAX + 1]; /* the network that it is on: all of that name are on one */
    const char *ifname;               /* of UPLINK_TAP; NULL: QEMU chooses */
    unsigned nr_forwards;             /* of UPLINK_USER, as QEMU takes them */
    const char *forwards[FORWARDS_MAX];
    bool has_mac;
    uint8_t mac[MAC_SIZE]; /* zero until there is one */
    unsigned mtu;          /* 0: not said */
    uint64_t rate_bytes;   /* that many at most in @rate_us; 0: any number */
    uint32_t rate_us;
};

/* A switch in the back end, with the card of the machine that leads out of it, if any does. */
struct network {
    char bridge[BRIDGE_NAME_MAX + 1];
    enum uplink uplink;
    const char *ifname;
    unsigned nr_forwards;
    const char *forwards[FORWARDS_MAX];
    uint8_t mac[MAC_SIZE]; /* of the card */
};

/* What the back end finds a disk, and a guest's share at @place, by, as QEMU and the bundle are told; a MAC as text. */
#define DISK_SERIAL_MAX 20u
#define SHARE_NAME_MAX  31u /* of QEMU's */
#define MAC_TEXT_SIZE   18u
void device_serial(unsigned domain, const struct disk_options *disk, char serial[DISK_SERIAL_MAX + 1]);
void device_share_name(unsigned domain, unsigned place, char name[SHARE_NAME_MAX + 1]);
void device_mac_text(const uint8_t mac[MAC_SIZE], char text[MAC_TEXT_SIZE]);
