/* SPDX-License-Identifier: MIT */
/*
 * The device's end of a virtqueue, and the memory of a kernel: pages whose machine frames do not lie in a row, so that
 * who takes a page's address for its frame's is found out.
 */
#pragma once

#include <backend/virtqueue.h>

#define CHAIN_MAX 80u /* buffers */

struct ring_device {
    struct virtqueue *queue;
    uint16_t avail, used; /* how far it has come in each ring */
    bool interrupt;       /* it has raised one */
};

/* What is available, as the device reads it. */
struct ring_chain {
    uint16_t head;
    unsigned count, nr_out;
    bool indirect;
    struct virtqueue_buffer buffers[CHAIN_MAX];
};

/* As guest/memory.h and guest/address.h have them: page_alloc(), pages_alloc(), virt_to_maddr().  Give all back. */
void ring_memory_release(void);

/* The byte at @maddr of a page that was handed out. */
void *ring_memory_at(uint64_t maddr);

/* The next chain.  False: there is none.  A chain that breaks a rule fails the test. */
bool ring_device_get(struct ring_device *device, struct ring_chain *chain);

/* Use it; @id may be anything.  The device raises an interrupt if the queue was armed for this. */
void ring_device_put(struct ring_device *device, uint32_t id, uint32_t len);
