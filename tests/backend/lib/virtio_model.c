/* SPDX-License-Identifier: MIT */
/* In order: the beginning; queues; the end, and what happens in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tests/backend/lib/virtio_model.h>

struct virtio_model model;

void virtio_scan(unsigned type, void (*found)(const struct virtio_place *place))
{
    const struct virtio_place place = {.transport = NULL};

    assert_int_equal(type, model.type);
    found(&place);
}

void virtio_print(const struct virtio_place *place)
{
    assert_null(place->transport);
}

bool virtio_open(struct virtio_device *device, const struct virtio_place *place)
{
    device->place = *place;
    return true;
}

bool virtio_begin(struct virtio_device *device, uint64_t features, uint64_t required)
{
    assert_false(model.running);
    if (model.refuses || (required & ~model.features))
        return false;
    model.accepted = device->features = model.features & (features | required);
    return true;
}

unsigned virtio_queue_size(const struct virtio_device *device, unsigned index)
{
    (void)device;
    return index < model.nr_queues ? model.queue_max : 0;
}

bool virtio_queue(struct virtio_device *device, struct virtio_queue *queue, unsigned index, unsigned size)
{
    assert_true(index < model.nr_queues);
    model.rings[index] = (struct ring_device){.queue = &queue->ring};
    virtqueue_reset(&queue->ring, size, device->features & VIRTIO_F_RING_EVENT_IDX,
                    device->features & VIRTIO_F_INDIRECT_DESC);
    return true;
}

void virtio_run(struct virtio_device *device)
{
    (void)device;
    model.running = true;
}

void virtio_reset(struct virtio_device *device)
{
    (void)device;
    model.running = model.needs_reset = false;
    model.resets++;
}

enum virtio_news virtio_interrupts(struct virtio_device *device)
{
    enum virtio_news news = model.interrupt ? VIRTIO_CHANGED : VIRTIO_NO_NEWS;

    (void)device;
    model.interrupt = false;
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        if (model.rings[i].interrupt && !news)
            news = VIRTIO_USED;
        model.rings[i].interrupt = false;
    }
    return news;
}

bool virtio_failed(const struct virtio_device *device)
{
    (void)device;
    return model.needs_reset;
}
