/* SPDX-License-Identifier: MIT */
/*
 * Device initialisation (section 3.1.1) by the common configuration (4.1.4.3), interrupts, and the configuration of a
 * type.  The registers are found in virtio_pci.c.
 */
#include <guest/address.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/mmio.h>
#include <backend/virtio.h>
#include <backend/virtio_pci.h>

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

#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER      0x02u
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u

#define NO_VECTOR 0xffffu

/* A device that answers at all answers long before; a read of it takes at least a hundred nanoseconds. */
#define RESET_READS      1000000u
#define GENERATION_READS 100u

static uint8_t status(const struct virtio_device *device)
{
    return mmio_read8(device->common + DEVICE_STATUS);
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
    mmio_write8(device->common + DEVICE_STATUS, status(device) | bits);
}

/* ---- The beginning. */

/* Entry 0 of MSI-X for the configuration and 1 for the queues, 0 for both, or the line. */
static bool bind_interrupts(struct virtio_device *device)
{
    device->config_interrupt = interrupt_bind_msix(&device->function, 0);
    device->queue_interrupt = device->config_interrupt ? interrupt_bind_msix(&device->function, 1) : NULL;
    if (!device->config_interrupt)
        device->config_interrupt = interrupt_bind_line(&device->function);
    if (!device->queue_interrupt)
        device->queue_interrupt = device->config_interrupt;
    return device->config_interrupt && (!device->config_interrupt->is_line || device->isr);
}

bool virtio_open(struct virtio_device *device, const struct pci_function *function)
{
    const char *trouble = NULL;

    *device = (struct virtio_device){.function = *function};
    pci_enable(function);
    if (!virtio_pci_map(device)) {
        trouble = "no registers as virtio 1 has them";
    } else {
        virtio_reset(device);
        if (!bind_interrupts(device))
            trouble = "no interrupt";
    }
    print("virtio device %x at %02x:%02x.%x: %s\n", function->device, function->bus, function->devfn >> 3,
          function->devfn & 7u,
          trouble                             ? trouble
          : device->config_interrupt->is_line ? "by its line"
                                              : "by MSI-X");
    return !trouble;
}

static uint64_t device_features(struct virtio_device *device)
{
    uint64_t features;

    mmio_write32(device->common + DEVICE_FEATURE_SELECT, 0);
    features = mmio_read32(device->common + DEVICE_FEATURE);
    mmio_write32(device->common + DEVICE_FEATURE_SELECT, 1);
    return features | (uint64_t)mmio_read32(device->common + DEVICE_FEATURE) << 32;
}

static void write_features(struct virtio_device *device, uint64_t features)
{
    for (uint32_t half = 0; half < 2; half++) {
        mmio_write32(device->common + DRIVER_FEATURE_SELECT, half);
        mmio_write32(device->common + DRIVER_FEATURE, (uint32_t)(features >> (32 * half)));
    }
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

bool virtio_begin(struct virtio_device *device, uint64_t features, uint64_t required)
{
    uint64_t offered;

    if (status(device))
        return false; /* it does not reset, and stays cut off */
    pci_enable(&device->function);
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    offered = device_features(device);
    if (required & ~offered)
        return false;
    device->features = offered & (features | required);
    write_features(device, device->features);
    add_status(device, STATUS_FEATURES_OK);
    return (status(device) & STATUS_FEATURES_OK) && set_vector(device, CONFIG_MSIX_VECTOR, device->config_interrupt);
}

void virtio_run(struct virtio_device *device)
{
    add_status(device, STATUS_DRIVER_OK);
}

/* ---- Queues. */

unsigned virtio_queue_size(const struct virtio_device *device, unsigned index)
{
    unsigned offered, size = VIRTQUEUE_SIZE_MAX;

    mmio_write16(device->common + QUEUE_SELECT, (uint16_t)index);
    offered = mmio_read16(device->common + QUEUE_SIZE);
    while (size > offered)
        size /= 2;
    return size;
}

static void write_address(struct virtio_device *device, unsigned offset, const volatile void *page)
{
    uint64_t maddr = virt_to_maddr(page);

    mmio_write32(device->common + offset, (uint32_t)maddr);
    mmio_write32(device->common + offset + 4, (uint32_t)(maddr >> 32));
}

bool virtio_queue(struct virtio_device *device, struct virtio_queue *queue, unsigned index, unsigned size)
{
    uint64_t notify;

    virtqueue_reset(&queue->ring, size, device->features & VIRTIO_F_RING_EVENT_IDX,
                    device->features & VIRTIO_F_INDIRECT_DESC);
    mmio_write16(device->common + QUEUE_SELECT, (uint16_t)index);
    mmio_write16(device->common + QUEUE_SIZE, (uint16_t)size);
    notify = (uint64_t)mmio_read16(device->common + QUEUE_NOTIFY_OFFSET) * device->notify_multiplier;
    if (mmio_read16(device->common + QUEUE_SIZE) != size || notify + 2 > device->notify_size || notify % 2 ||
        !set_vector(device, QUEUE_MSIX_VECTOR, device->queue_interrupt))
        return false;
    queue->index = (uint16_t)index;
    queue->notify = device->notify + notify;
    write_address(device, QUEUE_DESC, queue->ring.desc);
    write_address(device, QUEUE_DRIVER, queue->ring.avail);
    write_address(device, QUEUE_DEVICE, queue->ring.used);
    mmio_write16(device->common + QUEUE_ENABLE, 1);
    return true;
}

void virtio_kick(struct virtio_queue *queue)
{
    if (virtqueue_kick(&queue->ring))
        mmio_write16(queue->notify, queue->index);
}

/* ---- The end, and what happens in between. */

/* Section 4.1.4.3.2: it is reset when the status reads 0. */
void virtio_reset(struct virtio_device *device)
{
    mmio_write8(device->common + DEVICE_STATUS, 0);
    for (unsigned i = 0; status(device); i++) {
        if (i == RESET_READS) {
            print("virtio %x: does not reset; cut off\n", device->function.device);
            pci_quiet(&device->function);
            return;
        }
        cpu_relax();
    }
}

static bool came(const struct interrupt *interrupt, unsigned *seen)
{
    unsigned count = READ_ONCE(interrupt->count);
    bool new = count != *seen;

    *seen = count;
    return new;
}

/* The line is held up by the device until its ISR status is read, section 4.1.4.5. */
bool virtio_interrupts(struct virtio_device *device)
{
    bool of_queue = came(device->queue_interrupt, &device->queue_seen);
    bool of_config = came(device->config_interrupt, &device->config_seen);

    if (device->config_interrupt->is_line && (of_queue || of_config)) {
        (void)mmio_read8(device->isr);
        interrupt_done(device->config_interrupt);
    }
    return of_config;
}

bool virtio_failed(const struct virtio_device *device)
{
    return status(device) & STATUS_NEEDS_RESET;
}

static void read_once(const struct virtio_device *device, unsigned offset, uint8_t *to, unsigned size, unsigned width)
{
    for (unsigned done = 0; done + width <= size; done += width) {
        const volatile uint8_t *from = device->config + offset + done;
        uint32_t value = 0;

        if (offset + done + width <= device->config_size)
            value = width == 1 ? mmio_read8(from) : width == 2 ? mmio_read16(from) : mmio_read32(from);
        memcpy(to + done, &value, width);
    }
}

/* Section 2.5.1: what was read while the generation stayed the same belongs together. */
void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width)
{
    for (unsigned i = 0; i < GENERATION_READS; i++) {
        uint8_t before = mmio_read8(device->common + CONFIG_GENERATION);

        read_once(device, offset, to, size, width);
        if (mmio_read8(device->common + CONFIG_GENERATION) == before)
            return;
    }
}
