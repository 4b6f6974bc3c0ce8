/* SPDX-License-Identifier: MIT */
/* Where the registers of a virtio device lie: the capabilities of its function (virtio 1.x, section 4.1.4). */
#pragma once

#include <backend/virtio.h>

/* Find and map the structures of @device->function.  False: one that is needed is missing or cannot be mapped. */
bool __must_check virtio_pci_map(struct virtio_device *device);
