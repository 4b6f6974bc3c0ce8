/* SPDX-License-Identifier: MIT */
/* Configuration space of PCI functions, 256 bytes each: PCI Local Bus Specification 3.0, chapter 6. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE 256u

/* Where a function is: bus << 8 | device << 3 | function. */
typedef struct {
    uint16_t v;
} pci_place_t;

#define PCI_PLACE(n) ((pci_place_t){(uint16_t)(n)})

static inline unsigned pci_bus(pci_place_t place)
{
    return place.v >> 8;
}

/* Device and function. */
static inline unsigned pci_devfn(pci_place_t place)
{
    return place.v & 0xff;
}

/* Registers. */
#define PCI_VENDOR           0x00u
#define PCI_DEVICE           0x02u
#define PCI_COMMAND          0x04u
#define PCI_STATUS           0x06u
#define PCI_CACHE_LINE       0x0cu
#define PCI_LATENCY          0x0du
#define PCI_HEADER           0x0eu
#define PCI_BAR0             0x10u
#define PCI_SECONDARY_BUS    0x19u
#define PCI_CAPABILITIES     0x34u
#define PCI_INTERRUPT_LINE   0x3cu
#define PCI_INTERRUPT_PIN    0x3du
#define PCI_CAPABILITY_FIRST 0x40u

#define PCI_COMMAND_IO      (1u << 0)
#define PCI_COMMAND_MEMORY  (1u << 1)
#define PCI_COMMAND_MASTER  (1u << 2)
#define PCI_COMMAND_MWI     (1u << 4)
#define PCI_COMMAND_PARITY  (1u << 6)
#define PCI_COMMAND_SERR    (1u << 8)
#define PCI_COMMAND_NO_INTX (1u << 10)

#define PCI_STATUS_CAPABILITIES (1u << 4)

#define PCI_HEADER_TYPE   0x7fu
#define PCI_HEADER_DEVICE 0x00u
#define PCI_HEADER_BRIDGE 0x01u
#define PCI_HEADER_MULTI  0x80u

#define PCI_VENDOR_NONE 0xffffu

/* Does the machine have configuration space, by the ports of mechanism 1? */
bool pci_config_exists(void);

/*
 * Read or write @bytes, 1, 2 or 4, at @offset, a multiple of it.  Where there is no function all bits read as ones, and
 * what is written is lost.
 */
uint32_t pci_config_read(pci_place_t place, unsigned offset, unsigned bytes);
void pci_config_write(pci_place_t place, unsigned offset, unsigned bytes, uint32_t value);
