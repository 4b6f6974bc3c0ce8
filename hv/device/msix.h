/* SPDX-License-Identifier: MIT */
/*
 * The MSI-X table of a PCI function, whose memory is decoded: PCI Local Bus Specification 3.0, section 6.8.2.  It is
 * the hypervisor's alone: who writes it sends any interrupt to any processor.
 */
#pragma once

#include <stdbool.h>

#include <hv/device/pci.h>

/* Mask each entry, with nothing in it, and have the function use the table, or none.  Where it has one. */
void msix_reset(const struct pci_function *function);
void msix_enable(const struct pci_function *function, bool enable);

/* Entry @entry, which there is, becomes interrupt @vector of this processor, masked. */
void msix_set(const struct pci_function *function, unsigned entry, unsigned vector);

/* What comes while it is masked is not lost, and comes when it no longer is. */
void msix_mask(const struct pci_function *function, unsigned entry, bool mask);
