/* SPDX-License-Identifier: MIT */
/*
 * Ports of the machine that a domain has to itself, and configuration mechanism 1 for it: PCI Local Bus Specification
 * 3.0, section 3.2.2.3.2.  There are its own functions and no others.
 */
#include <stddef.h>

#include <hv/device/devices.h>
#include <hv/device/pci_filter.h>
#include <hv/device/port_io.h>
#include <hv/device/ports.h>
#include <hv/domain/domain.h>

#define ADDRESS_PORT   0xcf8u
#define DATA_PORT      0xcfcu
#define DATA_BYTES     4u
#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_BITS   0x80fffffcu
#define NOTHING_THERE  UINT32_MAX

/* Are all of them in one of its areas? */
static bool is_own(const struct hv_domain *domain, uint16_t port, unsigned bytes)
{
    for (unsigned i = 0; domain->devices && i < domain->devices->nr_ports; i++) {
        const struct port_range *range = &domain->devices->ports[i];

        if (port >= range->first && port + (bytes - 1) <= range->last)
            return true;
    }
    return false;
}

/* The function and the offset that the domain has chosen.  NULL: none of its own, or an access across the port. */
static const struct pci_function *find(const struct hv_domain *domain, uint16_t port, unsigned bytes, unsigned *offset)
{
    const struct pci_function *function;
    uint32_t address;

    if (!domain->devices || port < DATA_PORT || port - DATA_PORT + bytes > DATA_BYTES || port % bytes != 0)
        return NULL;
    address = domain->devices->config_address;
    if (!(address & ADDRESS_ENABLE))
        return NULL;
    function = pci_find(PCI_PLACE(address >> 8));
    *offset = (address & 0xfc) + (port - DATA_PORT);
    return function && function->owner == domain ? function : NULL;
}

uint32_t ports_read(const struct hv_domain *domain, uint16_t port, unsigned bytes)
{
    const struct pci_function *function;
    unsigned offset;

    if (domain->devices && port == ADDRESS_PORT && bytes == 4)
        return domain->devices->config_address;
    if (is_own(domain, port, bytes))
        return port_io_read(port, bytes);
    function = find(domain, port, bytes, &offset);
    return function ? pci_config_read(function->place, offset, bytes) : NOTHING_THERE;
}

/* By bytes, so that a register beside it that a write changes in another way is not touched. */
static void write_byte(const struct pci_function *function, unsigned offset, uint8_t value)
{
    uint8_t mask = pci_filter(offset);
    uint32_t before;

    if (mask == 0)
        return;
    before = pci_config_read(function->place, offset, 1);
    pci_config_write(function->place, offset, 1, (before & ~(uint32_t)mask) | (value & mask));
}

void ports_write(struct hv_domain *domain, uint16_t port, unsigned bytes, uint32_t value)
{
    const struct pci_function *function;
    unsigned offset;

    if (domain->devices && port == ADDRESS_PORT && bytes == 4)
        domain->devices->config_address = value & ADDRESS_BITS;
    if (is_own(domain, port, bytes)) {
        port_io_write(port, bytes, value);
        return;
    }
    function = find(domain, port, bytes, &offset);
    for (unsigned i = 0; function && i < bytes; i++)
        write_byte(function, offset + i, (uint8_t)(value >> 8 * i));
}
