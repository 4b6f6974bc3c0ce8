/* SPDX-License-Identifier: MIT */
/*
 * Device initialisation (section 3.1.1), interrupts, and the configuration of a type; what the registers are and where
 * is their transport's.
 */
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/mmio.h>
#include <backend/virtio.h>
#include <backend/virtio_mmio.h>
#include <backend/virtio_pci.h>

#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER      0x02u
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u

/* A device that answers at all answers long before; a read of it takes at least a hundred nanoseconds. */
#define RESET_READS      1000000u
#define GENERATION_READS 100u

static const struct virtio_transport *transport_of(const struct virtio_device *device)
{
    return device->place.transport;
}

static uint8_t status(const struct virtio_device *device)
{
    return transport_of(device)->status(device);
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
    transport_of(device)->set_status(device, status(device) | bits);
}

/* ---- The beginning. */

void virtio_scan(unsigned type, void (*found)(const struct virtio_place *place))
{
    struct virtio_place there;
    unsigned next = 0;

    while (virtio_mmio_next(&next, &there)) {
        if (there.type == type)
            found(&there);
    }
    for (const struct pci_function *function = pci_next(NULL); function; function = pci_next(function)) {
        const struct virtio_place place = {.transport = &virtio_pci, .function = *function};

        if (virtio_pci_type(function) == type)
            found(&place);
    }
}

void virtio_print(const struct virtio_place *place)
{
    place->transport->print(place);
}

static const char *open(struct virtio_device *device)
{
    if (!transport_of(device)->map(device))
        return "no registers as virtio 1 has them";
    virtio_reset(device);
    return transport_of(device)->bind(device) ? NULL : "no interrupt";
}

bool virtio_open(struct virtio_device *device, const struct virtio_place *place)
{
    const char *trouble;

    *device = (struct virtio_device){.place = *place};
    trouble = open(device);
    virtio_print(place);
    print(": %s\n", trouble ? trouble : device->config_interrupt->is_line ? "by its line" : "by MSI-X");
    return !trouble;
}

bool virtio_begin(struct virtio_device *device, uint64_t features, uint64_t required)
{
    uint64_t offered;

    if (status(device))
        return false; /* it does not reset, and stays cut off */
    if (!transport_of(device)->connect(device))
        return false;
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    offered = transport_of(device)->features(device);
    if (required & ~offered)
        return false;
    device->features = offered & (features | required);
    transport_of(device)->set_features(device, device->features);
    add_status(device, STATUS_FEATURES_OK);
    return status(device) & STATUS_FEATURES_OK;
}

void virtio_run(struct virtio_device *device)
{
    add_status(device, STATUS_DRIVER_OK);
}

/* ---- Queues. */

unsigned virtio_queue_size(const struct virtio_device *device, unsigned index)
{
    unsigned offered = transport_of(device)->queue_size(device, index), size = VIRTQUEUE_SIZE_MAX;

    while (size > offered)
        size /= 2;
    return size;
}

bool virtio_queue(struct virtio_device *device, struct virtio_queue *queue, unsigned index, unsigned size)
{
    virtqueue_reset(&queue->ring, size, device->features & VIRTIO_F_RING_EVENT_IDX,
                    device->features & VIRTIO_F_INDIRECT_DESC);
    queue->transport = transport_of(device);
    queue->index = (uint16_t)index;
    return queue->transport->enable(device, queue, size);
}

void virtio_kick(struct virtio_queue *queue)
{
    if (virtqueue_kick(&queue->ring))
        queue->transport->notify(queue);
}

/* ---- The end, and what happens in between. */

/* Sections 4.1.4.3.2 and 2.1.2: it is reset when the status reads 0. */
void virtio_reset(struct virtio_device *device)
{
    transport_of(device)->set_status(device, 0);
    for (unsigned i = 0; status(device); i++) {
        if (i == RESET_READS) {
            virtio_print(&device->place);
            print(": does not reset; cut off\n");
            transport_of(device)->cut_off(device);
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

enum virtio_news virtio_interrupts(struct virtio_device *device)
{
    bool of_queue = came(device->queue_interrupt, &device->queue_seen);
    bool of_config = came(device->config_interrupt, &device->config_seen);

    if (device->config_interrupt->is_line && (of_queue || of_config)) {
        transport_of(device)->acknowledge(device);
        interrupt_done(device->config_interrupt);
    }
    return of_config ? VIRTIO_CHANGED : of_queue ? VIRTIO_USED : VIRTIO_NO_NEWS;
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
        uint32_t before = transport_of(device)->generation(device);

        read_once(device, offset, to, size, width);
        if (transport_of(device)->generation(device) == before)
            return;
    }
}
