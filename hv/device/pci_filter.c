/* SPDX-License-Identifier: MIT */
/*
 * A list of what is harmless: a capability of the maker's own may be a way to anything, the table of interrupts
 * included.
 */
#include <engine/types.h>
#include <hv/device/pci_config.h>
#include <hv/device/pci_filter.h>

#define COMMAND (PCI_COMMAND_MASTER | PCI_COMMAND_MWI | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_NO_INTX)

static const uint8_t writable[] = {
    [PCI_COMMAND] = COMMAND & 0xff, [PCI_COMMAND + 1] = COMMAND >> 8, [PCI_CACHE_LINE] = 0xff,
    [PCI_LATENCY] = 0xff,           [PCI_INTERRUPT_LINE] = 0xff,
};

uint8_t pci_filter(unsigned offset)
{
    return offset < ARRAY_SIZE(writable) ? writable[offset] : 0;
}
