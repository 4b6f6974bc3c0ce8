/* SPDX-License-Identifier: MIT */
/*
 * Configuration mechanism 1: PCI Local Bus Specification 3.0, section 3.2.2.3.2.  The port of the address is written by
 * 32 bits only: its second byte is a reset register on some machines.
 */
#include <hv/base/asm.h>
#include <hv/device/pci_config.h>

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
    uint16_t port = select(place, offset);

    switch (bytes) {
    case 1:
        return asm_in8(port);
    case 2:
        return asm_in16(port);
    default:
        return asm_in32(port);
    }
}

void pci_config_write(pci_place_t place, unsigned offset, unsigned bytes, uint32_t value)
{
    uint16_t port = select(place, offset);

    switch (bytes) {
    case 1:
        asm_out8(port, (uint8_t)value);
        break;
    case 2:
        asm_out16(port, (uint16_t)value);
        break;
    default:
        asm_out32(port, value);
        break;
    }
}
