/* SPDX-License-Identifier: MIT */
/*
 * The bundle: a cpio archive (newc, uncompressed) with a directory for each domain, named by its number in decimal:
 *
 *   N/settings   lines of key=value: name, memory (KiB), maxmem (KiB: as much as it may come to, memory without it),
 *                vcpus (1 to 32: online at its start), maxvcpus (as many as it has; vcpus without it), weight (1 to
 *                65535), privileged (0 or 1), on_reboot (restart, which is so without it, or destroy); extent_order (0
 *                to 9: its pages lie in a row by 2 to that many, as far as the machine has such frames); uuid (32
 *                digits with hyphens, small letters; no two domains have the same); linear_tables (0 or 1: its tables
 *                may refer to tables of their own level); cpus (the processors that its vCPUs may run on, as in 0-1,3,
 *                up to 63; all without it); rights; backend, device, front, back
 *   N/kernel     an ELF file
 *   N/ramdisk    if there is one
 *   N/cmdline    text of at most 1023 bytes, if there is any
 *
 * What of the machine a domain has to itself, numbers in hexadecimal but that of irq:
 *
 *   iomem=START,COUNT              that many frames of device memory from this one on; 16 such lines at most
 *   ioports=FIRST-LAST             these ports, or one alone; 16 such lines at most
 *   irq=LINE                       an interrupt line of the I/O APICs, numbered through, in decimal
 *   pci=VVVV                       all PCI functions of this vendor, with their memory and lines; 4 such lines at most
 *   virtio-mmio=START,COUNT,LINE   that many frames from this one on, full of registers of virtio devices, 512 bytes
 *                                  each, and the lines from this one on, one for each; once at most
 *
 * Of devices that have no line but iomem, ioports and irq nothing is known: what they do at the domain's end they go on
 * doing.  Virtio devices are reset before and after.
 *
 * A domain with backend=1 serves others (docs/devices.md).  What it serves to a domain stands in that one's settings:
 *
 *   device=TYPE/ID BACKEND   a device, 16 at most, and the number of the domain that serves it
 *   front=KEY VALUE          a node of the front end's directory of the device named last,
 *   back=KEY VALUE           and one of the back end's; 12 such lines at most for a device
 *
 * Parsing needs nothing of the rest of the hypervisor and believes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/start.h>
#include <engine/types.h>
#include <hv/base/blob.h>

#define BUNDLE_NAME_MAX    31u
#define BUNDLE_DOMAINS_MAX 17u /* 16 guests, and one that serves them */
#define BUNDLE_IOMEM_MAX   16u
#define BUNDLE_PORTS_MAX   16u
#define BUNDLE_PCI_MAX     4u
#define BUNDLE_LINES       64u
#define BUNDLE_WEIGHT      256u /* of a domain that names none: hv/domain/fair.h */
#define BUNDLE_WEIGHT_MAX  65535u
#define BUNDLE_ORDER_MAX   9u
#define BUNDLE_CPUS        64u
#define BUNDLE_UUID_SIZE   16u

#define BUNDLE_TRANSPORTS_PER_FRAME 8u

#define BUNDLE_DEVICES_MAX    16u
#define BUNDLE_NODES_MAX      12u /* of a device, both ends together */
#define BUNDLE_NODE_NAME_MAX  31u
#define BUNDLE_NODE_VALUE_MAX 127u

struct bundle_frames {
    uint64_t first, count;
};

struct bundle_ports {
    uint16_t first, last;
};

/* A node of the xenstore: see below. */
struct bundle_node {
    const uint8_t *line; /* key, a space, value */
    uint8_t key_size, value_size;
    bool back; /* of the back end's directory */
};

struct bundle_device {
    struct blob type; /* like the nodes in the memory of the archive: a name of 1 to 31 letters, digits, '-' and '_' */
    unsigned id, backend;
    unsigned nr_nodes;
    struct bundle_node nodes[BUNDLE_NODES_MAX];
};

struct bundle_domain {
    unsigned id;
    char name[BUNDLE_NAME_MAX + 1];
    uint64_t memory_kib, maxmem_kib; /* the second at least as much */
    unsigned nr_vcpus, max_vcpus;    /* online at the start; made: at least as many */
    uint64_t cpus;                   /* bit n: processor n; 0: all */
    unsigned extent_order;
    unsigned weight;
    uint8_t uuid[BUNDLE_UUID_SIZE]; /* zeroes: none has been chosen */
    bool privileged;
    bool linear_tables;
    bool ends_by_reboot; /* on_reboot=destroy */
    struct bundle_frames iomem[BUNDLE_IOMEM_MAX];
    unsigned nr_iomem;
    struct bundle_ports ports[BUNDLE_PORTS_MAX];
    unsigned nr_ports;
    struct bundle_frames transports; /* of virtio-mmio; count 0: none */
    uint64_t lines;                  /* bit n: line n, those of the transports among them */
    bool is_back_end;                /* backend=1 */
    unsigned nr_devices;
    struct bundle_device devices[BUNDLE_DEVICES_MAX];
    uint16_t pci[BUNDLE_PCI_MAX]; /* vendors */
    unsigned nr_pci;
    struct blob kernel, ramdisk; /* ramdisk: size 0 for none */
    char command_line[MAX_GUEST_CMDLINE];
};

struct bundle {
    unsigned nr_domains;
    struct bundle_domain domains[BUNDLE_DOMAINS_MAX];
};

/* The name of a node, 1 to 31 characters as those of a type; its value, printable. */
static inline struct blob bundle_node_key(const struct bundle_node *node)
{
    return (struct blob){node->line, node->key_size};
}

static inline struct blob bundle_node_value(const struct bundle_node *node)
{
    return (struct blob){node->line + node->key_size + 1, node->value_size};
}

/* 0, or -XEN_EINVAL: *@problem says what is wrong with the archive. */
int __must_check bundle_parse(const uint8_t *bytes, uint64_t size, struct bundle *bundle, const char **problem);
