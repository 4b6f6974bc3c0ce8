/* SPDX-License-Identifier: MIT */
/*
 * Which functions there are.  Firmware has given a bus behind a bridge a higher number than that of the bridge, so that
 * one pass through the buses in order finds all.
 */
#include <stddef.h>

#include <hv/base/print.h>
#include <hv/device/pci.h>

#define BUSES     256u
#define DEVICES   32u
#define FUNCTIONS 8u

static struct pci_function functions[PCI_FUNCTIONS];
static unsigned nr_functions;
static bool scanned;

static void add(pci_place_t place)
{
    struct pci_function *function = &functions[nr_functions];

    if (nr_functions == PCI_FUNCTIONS) {
        print("PCI function %02x:%02x.%x: one too many, no domain can have it\n", pci_bus(place), pci_devfn(place) >> 3,
              pci_devfn(place) & 7);
        return;
    }
    nr_functions++;
    *function = (struct pci_function){
        .place = place,
        .vendor = (uint16_t)pci_config_read(place, PCI_VENDOR, 2),
        .device = (uint16_t)pci_config_read(place, PCI_DEVICE, 2),
        .header = (uint8_t)(pci_config_read(place, PCI_HEADER, 1) & PCI_HEADER_TYPE),
        .line = 0xff,
    };
    if (pci_config_read(place, PCI_INTERRUPT_PIN, 1) != 0)
        function->line = (uint8_t)pci_config_read(place, PCI_INTERRUPT_LINE, 1);
}

static bool is_there(pci_place_t place)
{
    return pci_config_read(place, PCI_VENDOR, 2) != PCI_VENDOR_NONE;
}

static void scan_function(pci_place_t place, bool *reached)
{
    unsigned secondary;

    if (!is_there(place))
        return;
    add(place);
    if ((pci_config_read(place, PCI_HEADER, 1) & PCI_HEADER_TYPE) != PCI_HEADER_BRIDGE)
        return;
    secondary = pci_config_read(place, PCI_SECONDARY_BUS, 1);
    if (secondary > pci_bus(place))
        reached[secondary] = true;
}

static void scan_device(pci_place_t first, bool *reached)
{
    unsigned count = is_there(first) && (pci_config_read(first, PCI_HEADER, 1) & PCI_HEADER_MULTI) ? FUNCTIONS : 1;

    for (unsigned i = 0; i < count; i++)
        scan_function(PCI_PLACE(first.v + i), reached);
}

void pci_scan(void)
{
    bool reached[BUSES] = {true};

    if (scanned)
        return;
    scanned = true;
    if (!pci_config_exists())
        return;
    for (unsigned bus = 0; bus < BUSES; bus++) {
        for (unsigned device = 0; reached[bus] && device < DEVICES; device++)
            scan_device(PCI_PLACE(bus << 8 | device << 3), reached);
    }
}

struct pci_function *pci_next(const struct pci_function *previous)
{
    size_t next = previous ? (size_t)(previous - functions) + 1 : 0;

    return next < nr_functions ? &functions[next] : NULL;
}

struct pci_function *pci_find(pci_place_t place)
{
    struct pci_function *function = pci_next(NULL);

    while (function && function->place.v != place.v)
        function = pci_next(function);
    return function;
}
