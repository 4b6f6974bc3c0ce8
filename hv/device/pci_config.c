/* SPDX-License-Identifier: MIT */
/*
 * Configuration mechanism 1: PCI Local Bus Specification 3.0, section 3.2.2.3.2.  The port of the address is written by
 * 32 bits only: its second byte is a reset register on some machines.
 */
#include <hv/base/asm.h>
#include <hv/device/pci_config.h>
#include <hv/device/port_io.h>

#define ADDRESS_PORT   0xcf8u
#define DATA_PORT      0xcfcu
#define ADDRESS_ENABLE 0x80000000u

bool pci_config_exists(void)
{
    asm_out32(ADDRESS_PORT, ADDRESS_ENABLE);
    return asm_in32(ADDRESS_PORT) == ADDRESS_ENABLE;
}

/* The port through which @offset is then reached. */
static uint16_t select(pci_place_t place, unsigned offset)
{
    asm_out32(ADDRESS_PORT, ADDRESS_ENABLE | (uint32_t)place.v << 8 | (offset & 0xfc));
    return (uint16_t)(DATA_PORT + (offset & 3));
}

uint32_t pci_config_read(pci_place_t place, unsigned offset, unsigned bytes)
{
    return port_io_read(select(place, offset), bytes);
}

void pci_config_write(pci_place_t place, unsigned offset, unsigned bytes, uint32_t value)
{
    port_io_write(select(place, offset), bytes, value);
}
