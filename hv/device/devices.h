/* SPDX-License-Identifier: MIT */
/*
 * What a domain with PCI functions has beside their memory: their configuration space, and interrupts.  Other domains
 * have none of this; each function says so.
 */
#pragma once

#include <hv/device/pci.h>
#include <hv/device/pirq.h>
#include <hv/time/timer.h>

struct domain_devices {
    struct timer pause; /* of interrupts that came too often */
    bool storm_reported;
    uint32_t config_address; /* what the domain has written to the address port last */
    struct pirq pirqs[PIRQS];
};

/* Make what @domain needs to have functions.  -XEN_ENOMEM: nothing has changed. */
int __must_check devices_create(struct hv_domain *domain);

/*
 * @function, which has been measured, is @domain's from now on: still, with its memory decoded and all of its
 * interrupts masked.
 */
void devices_give(struct hv_domain *domain, struct pci_function *function);

/*
 * Take all functions of @domain away: none of them reads or writes memory any more, or interrupts.  Before any frame
 * that they might know goes.
 */
void devices_destroy(struct hv_domain *domain);
