/* SPDX-License-Identifier: MIT */
/* Each structure is named by a vendor-specific capability; of several of a type the first that can be used counts. */
#include <guest/region.h>
#include <guest/table.h>
#include <backend/virtio_pci.h>

/* Device numbers: from here on by type; below, of transitional devices, by a list. */
#define DEVICE_MODERN       0x1040u
#define DEVICE_MODERN_END   0x1080u
#define DEVICE_TRANSITIONAL 0x1000u
#define SUBSYSTEM           0x2eu /* of a transitional device its type */
#define DEVICE_LEGACY_END   0x1040u

/* The capability. */
#define CAPABILITY_TYPE   3u
#define CAPABILITY_BAR    4u
#define CAPABILITY_OFFSET 8u
#define CAPABILITY_LENGTH 12u
#define NOTIFY_MULTIPLIER 16u

enum structure { STRUCTURE_COMMON = 1, STRUCTURE_NOTIFY, STRUCTURE_ISR, STRUCTURE_DEVICE };

/* Bytes: what a structure must have, and as much of it as anybody looks at. */
#define COMMON_SIZE 56u
#define NOTIFY_MAX  (4 * PAGE_SIZE)
#define CONFIG_MAX  256u

unsigned virtio_type(const struct pci_function *function)
{
    if (function->vendor != VIRTIO_VENDOR || function->device < DEVICE_TRANSITIONAL)
        return 0;
    if (function->device < DEVICE_LEGACY_END)
        return pci_read16(function, SUBSYSTEM);
    return function->device < DEVICE_MODERN_END ? function->device - DEVICE_MODERN : 0;
}

struct place {
    volatile uint8_t *registers; /* NULL: not found */
    uint32_t size;
    unsigned capability;
};

/* A capability that lies about its BAR is as good as none. */
static struct place map_capability(const struct pci_function *function, unsigned capability, uint32_t max)
{
    uint64_t bar = pci_bar(function, pci_read8(function, capability + CAPABILITY_BAR));
    uint32_t offset = pci_read32(function, capability + CAPABILITY_OFFSET);
    uint32_t length = pci_read32(function, capability + CAPABILITY_LENGTH);
    struct place place = {.size = length < max ? length : max, .capability = capability};

    if (bar && offset % 4 == 0 && place.size)
        place.registers = region_map(bar + offset, place.size, PTE_KERNEL | PTE_PCD | PTE_PWT);
    return place;
}

static struct place find(const struct pci_function *function, enum structure structure, uint32_t max)
{
    unsigned capability;

    for (unsigned nth = 0; (capability = pci_capability(function, PCI_CAPABILITY_VENDOR, nth)); nth++) {
        struct place place;

        if (pci_read8(function, capability + CAPABILITY_TYPE) != structure)
            continue;
        place = map_capability(function, capability, max);
        if (place.registers)
            return place;
    }
    return (struct place){0};
}

bool virtio_pci_map(struct virtio_device *device)
{
    const struct pci_function *function = &device->function;
    struct place common = find(function, STRUCTURE_COMMON, COMMON_SIZE);
    struct place notify = find(function, STRUCTURE_NOTIFY, NOTIFY_MAX);
    struct place config = find(function, STRUCTURE_DEVICE, CONFIG_MAX);

    if (common.size < COMMON_SIZE || !notify.registers)
        return false;
    device->common = common.registers;
    device->notify = notify.registers;
    device->notify_size = notify.size;
    device->notify_multiplier = pci_read32(function, notify.capability + NOTIFY_MULTIPLIER);
    device->config = config.registers;
    device->config_size = config.size;
    device->isr = find(function, STRUCTURE_ISR, 1).registers;
    return true;
}
