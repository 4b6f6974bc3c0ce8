/* SPDX-License-Identifier: MIT */
/* One device of a bundle's guest, from the settings to the directories of both ends (hv/service/store_device.h). */
#pragma once

#include <hv/kernel/bundle.h>
#include <hv/service/store_device.h>

struct hv_domain;

/* @device as the xenstore takes it; @nodes, of BUNDLE_NODES_MAX, are what it points to, with the bundle's own bytes. */
struct store_device directories_as_stored(const struct bundle_device *device, struct store_device_node *nodes);

/* Say of a device of the guest's what becomes of it: "domain 1 (name): @start vbd/51712@end". */
void directories_say(const struct bundle_domain *description, const struct bundle_device *device, const char *start,
                     const char *end);

/* Write both directories, of domains that live.  If the xenstore has no room for them, that is said. */
void directories_write(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                       const struct bundle_device *device);
