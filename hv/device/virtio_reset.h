/* SPDX-License-Identifier: MIT */
/* Virtio devices at rest. */
#pragma once

#include <hv/device/pci.h>

/*
 * Have @function, which has been measured and whose memory is decoded, finish or forget what it was asked for.  Turning
 * bus mastering off does not do that: a request that is under way may have its memory already.  A function that is no
 * virtio device, or an old one without these registers, is left alone.  False: it does not come to rest in a second.
 */
bool virtio_reset(const struct pci_function *function);

/* The same of the virtio device, if there is one, whose registers in memory are at @maddr: its transport is no bus. */
bool virtio_reset_mmio(uint64_t maddr);
