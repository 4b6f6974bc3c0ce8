/* SPDX-License-Identifier: MIT */
/*
 * A virtio device (virtio 1.x), from finding it to its queues, whatever its transport is.
 *
 * A driver's order: virtio_scan(); virtio_open() once; then virtio_begin(), virtio_queue() for each queue,
 * virtio_run(), and the same again after virtio_reset() where the device has failed.
 */
#pragma once

#include <backend/interrupt.h>
#include <backend/virtqueue.h>

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_NET    1u
#define VIRTIO_BLK    2u
#define VIRTIO_9P     9u

/* Feature bits of every device; the numbers of those of a type stand in its section of chapter 5. */
#define VIRTIO_F_INDIRECT_DESC   (UINT64_C(1) << 28)
#define VIRTIO_F_RING_EVENT_IDX  (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

struct virtio_device;
struct virtio_queue;
struct virtio_place;

/* How the registers of a device are reached.  What their bits mean is the same for each. */
struct virtio_transport {
    /* Say what is where, without an end of the line. */
    void (*print)(const struct virtio_place *place);
    /* Let the device answer, find and map its registers.  False: one that is needed is missing or cannot be mapped. */
    bool (*map)(struct virtio_device *device);
    /* Set the interrupts of @device.  False: it has none. */
    bool (*bind)(struct virtio_device *device);
    /* Let the device reach memory and raise the interrupts.  False: it has no room for them. */
    bool (*connect)(struct virtio_device *device);
    /* Cut a device that does not come to rest off from memory, if there is a way to. */
    void (*cut_off)(struct virtio_device *device);
    uint8_t (*status)(const struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status);
    uint64_t (*features)(struct virtio_device *device);
    void (*set_features)(struct virtio_device *device, uint64_t features);
    /* The most entries of queue @index, 0: there is none. */
    unsigned (*queue_size)(const struct virtio_device *device, unsigned index);
    /* Let it have the ring of @queue, of @size entries, from now on.  False: the device refuses. */
    bool (*enable)(struct virtio_device *device, struct virtio_queue *queue, unsigned size);
    void (*notify)(const struct virtio_queue *queue);
    /* Have the device take its interrupt line down. */
    void (*acknowledge)(struct virtio_device *device);
    uint32_t (*generation)(const struct virtio_device *device);
};

struct virtio_place {
    const struct virtio_transport *transport;
    struct pci_function function; /* of PCI */
    unsigned type;                /* from here on of registers in memory */
    unsigned line;
    uint64_t maddr;
    volatile uint8_t *registers;
};

struct virtio_device {
    struct virtio_place place;
    volatile uint8_t *common, *isr, *config, *notify; /* its registers, by structure; isr, config: NULL if absent */
    uint32_t config_size, notify_size;                /* bytes */
    uint32_t notify_multiplier;
    uint64_t features; /* agreed on */

    /* Of the queues, and of changes of the configuration; they may be one and the same. */
    struct interrupt *queue_interrupt, *config_interrupt;
    unsigned queue_seen, config_seen;
};

struct virtio_queue {
    struct virtqueue ring;
    const struct virtio_transport *transport;
    volatile uint8_t *notify;
    uint16_t index;
};

/* Call @found for each device of type @type, in the order of their places. */
void virtio_scan(unsigned type, void (*found)(const struct virtio_place *place));

/* Say where it is, without an end of the line. */
void virtio_print(const struct virtio_place *place);

/*
 * Find the registers of the device at @place, bind its interrupts, and reset it.  @device must stay where it is.
 * False: it cannot be driven, which has been said.
 */
bool __must_check virtio_open(struct virtio_device *device, const struct virtio_place *place);

/*
 * Agree on those of @features that the device has, and on all of @required.  False: it has not all of them, or does not
 * agree, or is not reset.
 */
bool __must_check virtio_begin(struct virtio_device *device, uint64_t features, uint64_t required);

/* How many entries queue @index can have: a power of two up to VIRTQUEUE_SIZE_MAX; 0: there is no such queue. */
unsigned virtio_queue_size(const struct virtio_device *device, unsigned index);

/* Reset @queue and make it queue @index of the device, with @size entries.  False: the device refuses. */
bool __must_check virtio_queue(struct virtio_device *device, struct virtio_queue *queue, unsigned index, unsigned size);

/* From now on the device works. */
void virtio_run(struct virtio_device *device);

/* Tell the device of what has been added to the queue, if it wants to be told. */
void virtio_kick(struct virtio_queue *queue);

/*
 * Reset the device: when this returns it uses no memory of the queues, nor any that was in them, and all of that is the
 * driver's again.  A device that does not come to rest is cut off from memory.
 */
void virtio_reset(struct virtio_device *device);

/* Of what interrupts tell; the greater goes with the lesser where both have one. */
enum virtio_news {
    VIRTIO_NO_NEWS,
    VIRTIO_USED,    /* something may have come back in a queue that was armed */
    VIRTIO_CHANGED, /* the configuration may have changed, or the device failed: virtio_failed() is to be asked */
};

/* See to the interrupts that have come.  What came back before this is seen by who looks at the queues behind it. */
enum virtio_news __must_check virtio_interrupts(struct virtio_device *device);

/* Does the device say that it needs a reset? */
bool virtio_failed(const struct virtio_device *device);

/*
 * Read @size bytes at @offset of the configuration of its type, all as of one moment, by accesses of 1, 2 or 4 bytes as
 * @width says.  What lies behind the end of the configuration reads as zeroes.
 */
void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width);
