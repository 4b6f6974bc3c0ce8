/* SPDX-License-Identifier: MIT */
/*
 * Virtual I/O Device specification 1.1: 4.1.4 and 4.2.2 for where the registers are, 2.1 and 4.1.4.3.1 for the
 * reset.  That is all that the hypervisor knows of any device.
 */
#include <hv/device/device_page.h>
#include <hv/device/virtio_reset.h>
#include <hv/time/time.h>

#define VIRTIO_VENDOR     0x1af4u
#define CAPABILITY_VENDOR 0x09u
#define CAPABILITIES_MOST 48u

/* Of the capability. */
#define PART_TYPE   3u
#define PART_BAR    4u
#define PART_OFFSET 8u
#define TYPE_COMMON 1u

/* The registers in memory, of 32 bits each. */
enum {
    MMIO_MAGIC = 0x000 / 4,
    MMIO_DEVICE = 0x008 / 4,
    MMIO_STATUS = 0x070 / 4,
};
#define MAGIC 0x74726976u

#define STATUS      20u /* of the common configuration */
#define PATIENCE_NS UINT64_C(1000000000)

/* The machine address of its status register; 0: there is none. */
static uint64_t find_status(const struct pci_function *function)
{
    unsigned at = pci_capability(function, CAPABILITY_VENDOR, 0);

    for (unsigned i = 0; at && i < CAPABILITIES_MOST; i++) {
        unsigned bar = pci_config_read(function->place, at + PART_BAR, 1);
        uint64_t offset = (uint64_t)pci_config_read(function->place, at + PART_OFFSET, 4) + STATUS;

        if (pci_config_read(function->place, at + PART_TYPE, 1) == TYPE_COMMON)
            return bar < PCI_BARS && offset < function->bars[bar].size ? function->bars[bar].maddr + offset : 0;
        at = pci_capability(function, CAPABILITY_VENDOR, at);
    }
    return 0;
}

static bool is_late(uint64_t began)
{
    return time_now() - began > PATIENCE_NS;
}

bool virtio_reset(const struct pci_function *function)
{
    uint64_t status = function->vendor == VIRTIO_VENDOR ? find_status(function) : 0, began = time_now();
    volatile uint8_t *reg;

    if (status == 0)
        return true;
    reg = device_page_map(status);
    *reg = 0;
    do {
        if (is_late(began))
            return false;
    } while (*reg != 0);
    return true;
}

/* A place without a device has the magic and no number of a device. */
bool virtio_reset_mmio(uint64_t maddr)
{
    volatile uint32_t *registers = device_page_map(maddr);
    uint64_t began = time_now();

    if (registers[MMIO_MAGIC] != MAGIC || registers[MMIO_DEVICE] == 0)
        return true;
    registers[MMIO_STATUS] = 0;
    do {
        if (is_late(began))
            return false;
    } while (registers[MMIO_STATUS] != 0);
    return true;
}
