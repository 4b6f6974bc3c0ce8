/* SPDX-License-Identifier: MIT */
/*
 * A virtio device of any type, in the place of backend/virtio.c: it is found once, agrees on features, and has rings.
 * Its configuration, and what it does when it is told of a chain, are each test's: virtio_config_read(), virtio_kick().
 */
#pragma once

#include <backend/virtio.h>
#include <tests/backend/lib/ring_device.h>

#define MODEL_QUEUES 3u

extern struct virtio_model {
    unsigned type;               /* as virtio_scan() must ask for it */
    uint64_t features, accepted; /* that it has, that were agreed on */
    unsigned nr_queues, queue_max;
    bool refuses; /* virtio_begin() fails */
    bool needs_reset, interrupt;
    bool running;
    unsigned resets;
    struct ring_device rings[MODEL_QUEUES];
} model;
