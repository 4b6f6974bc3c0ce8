/* SPDX-License-Identifier: MIT */
/*
 * A machine's PCI functions, made up: hv/device/pci_config.h for hosted tests.  Each has 256 bytes, of which a write
 * reaches those bits that the test says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/device/pci_config.h>

#define FAKE_FUNCTIONS 300u

struct fake_function {
    pci_place_t place;
    uint8_t config[PCI_CONFIG_SIZE], writable[PCI_CONFIG_SIZE];
    unsigned writes; /* so many have come, to whatever */
};

/* A machine without functions, with configuration space. */
void pci_host_begin(void);

/* A device of @vendor, with an interrupt pin routed to line 11; the caller adds the rest. */
struct fake_function *pci_host_add(unsigned place, unsigned vendor);

/* It has none at all. */
void pci_host_remove_space(void);

void fake_set(struct fake_function *function, unsigned offset, unsigned bytes, uint32_t value);
uint32_t fake_get(const struct fake_function *function, unsigned offset, unsigned bytes);

/* An area of memory at @maddr of @size, a power of two; of 64 bits it takes two BARs. */
void fake_bar(struct fake_function *function, unsigned bar, bool wide, uint64_t maddr, uint64_t size);

/* MSI-X, at 0x40, whose table has @entries and begins at @offset of BAR @bar. */
void fake_msix(struct fake_function *function, unsigned bar, uint32_t offset, unsigned entries);
