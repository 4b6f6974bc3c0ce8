/* SPDX-License-Identifier: MIT */
/* Virtio devices that are PCI functions (virtio 1.x, section 4.1), modern ones. */
#pragma once

#include <backend/virtio.h>

extern const struct virtio_transport virtio_pci;

/* The number of the type of @function, 0 for one that is no virtio device. */
unsigned virtio_pci_type(const struct pci_function *function);
