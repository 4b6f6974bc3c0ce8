/* SPDX-License-Identifier: MIT */
/* The domains' connections with the xenstore: the wire protocol of abi/io.h over their rings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/service/store_text.h>

struct hv_domain;
struct store_device;     /* hv/service/store_device.h */
struct store_connection; /* hv/service/xenstore.c */

struct domain_store {
    mfn_t frame;
    void *ring; /* struct xenstore_domain_interface as the hypervisor reaches it; NULL: no ring */
    uint32_t port;
    struct store_connection *connection;
};

/*
 * Serve the ring in @frame, RAM that the caller holds for as long as the domain exists.
 * -XEN_ENOMEM, -XEN_ENOSPC (no port is free); nothing is held then.
 */
int __must_check xenstore_create(struct hv_domain *domain, mfn_t frame);

/*
 * All is known of the domain now: its directory is filled in, and those who may hear of it.  -XEN_ENOSPC: it does not
 * fit.
 */
int __must_check xenstore_introduce(struct hv_domain *domain);

/* All that is the domain's goes, and those who may hear of it. */
void xenstore_destroy(struct hv_domain *domain);

/* Answer what the ring holds, as far as there is room: called for notifications of the guest. */
void xenstore_run(struct hv_domain *domain);

/*
 * Devices of @front that @back serves, both of which live: store_device_write(), store_device_write_back(),
 * store_device_close(), store_device_remove(), store_device_remove_front(), store_device_is_there(),
 * store_device_is_new(), store_device_is_closed().  Those who watch hear of it.
 */
int __must_check xenstore_write_device(struct hv_domain *front, struct hv_domain *back,
                                       const struct store_device *device);
int __must_check xenstore_write_back_device(struct hv_domain *front, struct hv_domain *back,
                                            const struct store_device *device, bool online);
int __must_check xenstore_close_device(struct hv_domain *front, struct hv_domain *back,
                                       const struct store_device *device);
void xenstore_unplug_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device);
void xenstore_remove_device(struct hv_domain *front, const struct store_device *device);
bool xenstore_device_is_there(const struct hv_domain *front, const struct hv_domain *back,
                              const struct store_device *device);
bool xenstore_device_is_new(const struct hv_domain *front, const struct hv_domain *back,
                            const struct store_device *device);
bool xenstore_device_is_closed(const struct hv_domain *front, const struct hv_domain *back,
                               const struct store_device *device);

/* The same of one that domain @back served, which lives no more: store_device_give_up(). */
void xenstore_give_up_device(struct hv_domain *front, unsigned back, const struct store_device *device);

/*
 * Write @value at @name, below the directory of @domain, which lives; those who watch hear of it.  The same for its
 * vCPUs, of which the first @online are to be online.  -XEN_ENOSPC: there is no room.  -XEN_EIO: it has no connection.
 */
int __must_check xenstore_write(struct hv_domain *domain, const char *name, struct store_text value);
int __must_check xenstore_write_vcpus(struct hv_domain *domain, unsigned online);

/* Is "1" written at @name, below the directory of @domain, which lives? */
bool xenstore_is_one(const struct hv_domain *domain, const char *name);

/* The same of a number below 10^9, and of a domain that has ended as well, before its release. */
bool xenstore_read_number(const struct hv_domain *domain, const char *name, uint32_t *number);

/* Call @changed from now on when a guest has changed anything, or may have; never inside a request. */
void xenstore_listen(void (*changed)(void));
