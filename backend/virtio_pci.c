/* SPDX-License-Identifier: MIT */
/*
 * In order: where the registers lie, by the capabilities of the function (section 4.1.4): each structure is named by a
 * vendor-specific one, of several of a type the first that can be used counts; interrupts; the common configuration
 * (4.1.4.3).
 */
#include <guest/address.h>
#include <guest/print.h>
#include <guest/region.h>
#include <guest/table.h>
#include <backend/mmio.h>
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

/* Offsets in the common configuration. */
#define DEVICE_FEATURE_SELECT 0u
#define DEVICE_FEATURE        4u
#define DRIVER_FEATURE_SELECT 8u
#define DRIVER_FEATURE        12u
#define CONFIG_MSIX_VECTOR    16u
#define DEVICE_STATUS         20u
#define CONFIG_GENERATION     21u
#define QUEUE_SELECT          22u
#define QUEUE_SIZE            24u
#define QUEUE_MSIX_VECTOR     26u
#define QUEUE_ENABLE          28u
#define QUEUE_NOTIFY_OFFSET   30u
#define QUEUE_DESC            32u
#define QUEUE_DRIVER          40u
#define QUEUE_DEVICE          48u

unsigned virtio_pci_type(const struct pci_function *function)
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

static bool map(struct virtio_device *device)
{
    const struct pci_function *function = &device->place.function;
    struct place common, notify, config;

    pci_enable(function);
    common = find(function, STRUCTURE_COMMON, COMMON_SIZE);
    notify = find(function, STRUCTURE_NOTIFY, NOTIFY_MAX);
    config = find(function, STRUCTURE_DEVICE, CONFIG_MAX);
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

static void print_place(const struct virtio_place *place)
{
    const struct pci_function *function = &place->function;

    print("virtio device %x at %02x:%02x.%x", function->device, function->bus, function->devfn >> 3,
          function->devfn & 7u);
}

/* ---- Interrupts. */

static struct interrupt *bind_line(const struct pci_function *function)
{
    if (pci_read8(function, PCI_INTERRUPT_PIN) == 0)
        return NULL;
    return interrupt_bind_line(pci_read8(function, PCI_INTERRUPT_LINE));
}

/* Entry 0 of MSI-X for the configuration and 1 for the queues, 0 for both, or the line. */
static bool bind(struct virtio_device *device)
{
    const struct pci_function *function = &device->place.function;

    device->config_interrupt = interrupt_bind_msix(function, 0);
    device->queue_interrupt = device->config_interrupt ? interrupt_bind_msix(function, 1) : NULL;
    if (!device->config_interrupt)
        device->config_interrupt = bind_line(function);
    if (!device->queue_interrupt)
        device->queue_interrupt = device->config_interrupt;
    return device->config_interrupt && (!device->config_interrupt->is_line || device->isr);
}

/* The vector of @interrupt, written to a register and read back: a device without room for it says so there. */
static bool set_vector(struct virtio_device *device, unsigned offset, const struct interrupt *interrupt)
{
    uint16_t vector = interrupt == device->config_interrupt ? 0 : 1;

    if (interrupt->is_line)
        return true;
    mmio_write16(device->common + offset, vector);
    return mmio_read16(device->common + offset) == vector;
}

static bool connect(struct virtio_device *device)
{
    pci_enable(&device->place.function);
    return set_vector(device, CONFIG_MSIX_VECTOR, device->config_interrupt);
}

static void cut_off(struct virtio_device *device)
{
    pci_quiet(&device->place.function);
}

/* The line is held up by the device until its ISR status is read, section 4.1.4.5. */
static void acknowledge(struct virtio_device *device)
{
    (void)mmio_read8(device->isr);
}

/* ---- The common configuration. */

static uint8_t status(const struct virtio_device *device)
{
    return mmio_read8(device->common + DEVICE_STATUS);
}

static void set_status(struct virtio_device *device, uint8_t value)
{
    mmio_write8(device->common + DEVICE_STATUS, value);
}

static uint64_t features(struct virtio_device *device)
{
    uint64_t low;

    mmio_write32(device->common + DEVICE_FEATURE_SELECT, 0);
    low = mmio_read32(device->common + DEVICE_FEATURE);
    mmio_write32(device->common + DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)mmio_read32(device->common + DEVICE_FEATURE) << 32;
}

static void set_features(struct virtio_device *device, uint64_t value)
{
    for (uint32_t half = 0; half < 2; half++) {
        mmio_write32(device->common + DRIVER_FEATURE_SELECT, half);
        mmio_write32(device->common + DRIVER_FEATURE, (uint32_t)(value >> (32 * half)));
    }
}

static unsigned queue_size(const struct virtio_device *device, unsigned index)
{
    mmio_write16(device->common + QUEUE_SELECT, (uint16_t)index);
    return mmio_read16(device->common + QUEUE_SIZE);
}

static void write_address(struct virtio_device *device, unsigned offset, const volatile void *page)
{
    uint64_t maddr = virt_to_maddr(page);

    mmio_write32(device->common + offset, (uint32_t)maddr);
    mmio_write32(device->common + offset + 4, (uint32_t)(maddr >> 32));
}

static bool enable(struct virtio_device *device, struct virtio_queue *queue, unsigned size)
{
    uint64_t offset;

    mmio_write16(device->common + QUEUE_SELECT, queue->index);
    mmio_write16(device->common + QUEUE_SIZE, (uint16_t)size);
    offset = (uint64_t)mmio_read16(device->common + QUEUE_NOTIFY_OFFSET) * device->notify_multiplier;
    if (mmio_read16(device->common + QUEUE_SIZE) != size || offset + 2 > device->notify_size || offset % 2 ||
        !set_vector(device, QUEUE_MSIX_VECTOR, device->queue_interrupt))
        return false;
    queue->notify = device->notify + offset;
    write_address(device, QUEUE_DESC, queue->ring.desc);
    write_address(device, QUEUE_DRIVER, queue->ring.avail);
    write_address(device, QUEUE_DEVICE, queue->ring.used);
    mmio_write16(device->common + QUEUE_ENABLE, 1);
    return true;
}

static void notify(const struct virtio_queue *queue)
{
    mmio_write16(queue->notify, queue->index);
}

static uint32_t generation(const struct virtio_device *device)
{
    return mmio_read8(device->common + CONFIG_GENERATION);
}

const struct virtio_transport virtio_pci = {
    .print = print_place,
    .map = map,
    .bind = bind,
    .connect = connect,
    .cut_off = cut_off,
    .status = status,
    .set_status = set_status,
    .features = features,
    .set_features = set_features,
    .queue_size = queue_size,
    .enable = enable,
    .notify = notify,
    .acknowledge = acknowledge,
    .generation = generation,
};
