/* SPDX-License-Identifier: MIT */
/* What of its function's configuration space a domain may change. */
#pragma once

#include <stdint.h>

/*
 * The bits of the byte @offset that a write reaches.  The rest is the hypervisor's: whatever would move the function in
 * memory, stop its decoding, let it interrupt, or has a meaning that the hypervisor does not know.
 */
uint8_t pci_filter(unsigned offset);
