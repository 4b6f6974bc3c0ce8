/* SPDX-License-Identifier: MIT */
/* One device of a bundle's guest, from the settings to the directories of both ends (hv/service/store_device.h). */
#pragma once

#include <hv/kernel/bundle.h>
#include <hv/service/store_device.h>

struct hv_domain;

/* @device as the xenstore takes it; @nodes, of BUNDLE_NODES_MAX, are what it points to, with the bundle's own bytes. */
struct store_device directories_as_stored(const struct bundle_device *device, struct store_device_node *nodes);

/*
 * Does the back end of @device, in another life, take the front end's ring as it finds it?  So it is where the back
 * end's directory has `reattach`, which says 1 or 2.
 */
bool directories_outlive(const struct bundle_device *device);

/*
 * And if there is no other life that serves it: is it closed, by states, or do its directories go?  The latter is for a
 * front end that goes on asking after it has closed: `reattach` = 2.
 */
bool directories_close(const struct bundle_device *device);

/* Say of a device of the guest's what becomes of it: "domain 1 (name): @start vbd/51712@end". */
void directories_say(const struct bundle_domain *description, const struct bundle_device *device, const char *start,
                     const char *end);

/*
 * Write both directories, of domains that live; or the back end's alone, where the front end still has its own and its
 * ring outlives the back end; or only in that case, for a back end that is to close the device.  If the xenstore has no
 * room for them, that is said.
 */
void directories_write(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                       const struct bundle_device *device);
void directories_write_again(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                             const struct bundle_device *device);
void directories_write_end(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                           const struct bundle_device *device);
