/* SPDX-License-Identifier: MIT */
/*
 * What a domain with devices has beside their memory: the configuration space of its PCI functions, ports, and
 * interrupts.  Other domains have none of this; each function says so.
 */
#pragma once

#include <hv/device/pci.h>
#include <hv/device/pirq.h>
#include <hv/time/timer.h>

#define DEVICE_PORTS 16u
#define DEVICE_LINES 64u

struct port_range {
    uint16_t first, last;
};

struct domain_devices {
    struct timer pause; /* of interrupts that came too often */
    bool storm_reported;
    uint32_t config_address; /* what the domain has written to the address port last */
    struct port_range ports[DEVICE_PORTS];
    unsigned nr_ports;
    uint64_t lines;      /* bit n: interrupt line n, beside those of its functions */
    uint64_t transports; /* the machine address of virtio devices with registers in memory */
    unsigned nr_transports;
    struct pirq pirqs[PIRQS];
};

/* Make what @domain needs to have devices; it has none yet.  -XEN_ENOMEM: nothing has changed. */
int __must_check devices_create(struct hv_domain *domain);

/*
 * @function, which has been measured, is @domain's from now on: still, with its memory decoded and all of its
 * interrupts masked.
 */
void devices_give(struct hv_domain *domain, struct pci_function *function);

/* Virtio transports, @count of them one behind the other from @maddr on, are @domain's from now on: still. */
void devices_give_transports(struct hv_domain *domain, uint64_t maddr, unsigned count);

/*
 * Take all devices of @domain away that are known as such: none of them reads or writes memory any more.  None of its
 * interrupts comes any more.  Before any frame that they might know goes.
 */
void devices_destroy(struct hv_domain *domain);
