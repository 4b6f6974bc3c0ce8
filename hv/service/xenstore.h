/* SPDX-License-Identifier: MIT */
/* A xenstore for one domain without devices: the wire protocol of abi/io.h over its ring, a small tree in memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>

struct hv_domain;
struct store; /* hv/service/xenstore.c */

struct domain_store {
    mfn_t frame;
    void *ring; /* struct xenstore_domain_interface as the hypervisor reaches it; NULL: no ring */
    uint32_t port;
    struct store *store;
};

/*
 * Serve the ring in @frame, RAM that the caller holds for as long as the domain exists.  At the guest's first
 * notification the tree is filled with what is known of the domain: its name, memory, vCPUs and console.
 * -XEN_ENOMEM, -XEN_ENOSPC (no port is free); nothing is held then.
 */
int __must_check xenstore_create(struct hv_domain *domain, mfn_t frame);
void xenstore_destroy(struct hv_domain *domain);

/* Answer what the ring holds, as far as there is room: called for notifications of the guest. */
void xenstore_run(struct hv_domain *domain);
