/* SPDX-License-Identifier: MIT */
/*
 * A split virtqueue, the driver's side (virtio 1.x, section 2.7): buffers are given to the device and come back used.
 *
 * The device is not believed: what it writes into the used ring is compared with private records of what it was given,
 * and nothing is read back from the rings that it could have changed.  A queue whose device lies is broken until it is
 * reset.  The queue knows nothing of how the device is reached: telling it of new buffers is its owner's affair.
 *
 * Each of the three parts of the ring is a page of its own, since the frames of a guest do not lie in a row.
 */
#pragma once

#include <guest/types.h>

#define VIRTQUEUE_SIZE_MAX 256u /* so that the table of descriptors fills one page */

/* A piece of memory for the device: machine address and bytes, in one frame or in frames that do lie in a row. */
struct virtqueue_buffer {
    uint64_t maddr;
    uint32_t size;
};

/* As the device sees them: section 2.7.5, .6 and .8.  Both rings have one more word behind them: event(). */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtq_desc) * VIRTQUEUE_SIZE_MAX == PAGE_SIZE, "virtq_desc");

#define VIRTQ_DESC_NEXT     1u
#define VIRTQ_DESC_WRITE    2u /* the device writes it */
#define VIRTQ_DESC_INDIRECT 4u

struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem {
        uint32_t id;
        uint32_t len;
    } ring[];
};
_Static_assert(sizeof(struct virtq_used) + VIRTQUEUE_SIZE_MAX * sizeof(struct virtq_used_elem) + 2 <= PAGE_SIZE,
               "virtq_used");

#define VIRTQ_USED_NO_NOTIFY 1u

/* What the device has been given, by the first descriptor of its chain.  The device cannot reach this. */
struct virtqueue_chain {
    void *token;       /* NULL: nothing */
    uint32_t writable; /* bytes that the device may write */
    uint16_t last;     /* the last descriptor of the chain */
    uint16_t length;   /* descriptors of the ring that it takes */
};

struct virtqueue {
    unsigned size; /* descriptors: a power of two */
    bool event_index;
    bool indirect;
    bool broken;

    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;

    /* A table for each descriptor, of table_entries each; none where that is 0. */
    unsigned table_entries;
    struct virtq_desc *tables[VIRTQUEUE_SIZE_MAX];

    /* Free running, like the indices of the rings. */
    uint16_t avail_next;
    uint16_t avail_told; /* how far the device has been told of */
    uint16_t used_next;

    uint16_t free_first;
    uint16_t nr_free;
    uint16_t next[VIRTQUEUE_SIZE_MAX]; /* of a free one, or in its chain */
    struct virtqueue_chain chains[VIRTQUEUE_SIZE_MAX];
};

/*
 * Take the pages that a queue of @size descriptors needs, a power of two up to VIRTQUEUE_SIZE_MAX, with a table of
 * @table_entries descriptors for each: 0 or a divisor of a page's 256.  At the start of the kernel: they stay the
 * queue's, and page_alloc() panics where there is none.  The queue is reset then.
 */
void virtqueue_create(struct virtqueue *queue, unsigned size, unsigned table_entries);

/*
 * As a new queue again, of @size up to the one it was created with; what the device held is the caller's.  The device
 * must be reset, so that it uses the rings no more.  @event_index, @indirect: VIRTIO_F_RING_EVENT_IDX and
 * VIRTIO_F_INDIRECT_DESC have been agreed on.
 */
void virtqueue_reset(struct virtqueue *queue, unsigned size, bool event_index, bool indirect);

/*
 * Give the device @nr_out buffers to read, and behind them @nr_in to write.  @token, not NULL, comes back with them.
 * 0: they are the device's until virtqueue_take() gives the token back.
 * -XEN_EAGAIN: no room until something comes back.  -XEN_EINVAL: none, or more than queue->size, which a device need
 * not take (2.7.5.3.1).  -XEN_EIO: the queue is broken.
 */
int __must_check virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned nr_out,
                               unsigned nr_in, void *token);

/* Does the device want to be told of what was added since the last call?  Then the caller tells it. */
bool __must_check virtqueue_kick(struct virtqueue *queue);

/*
 * What has come back next: *@token, and *@written, the bytes that the device says it wrote, at most as many as it was
 * given.  False: nothing has, or the device said something that cannot be, and the queue is broken.
 */
bool __must_check virtqueue_take(struct virtqueue *queue, void **token, uint32_t *written);

/* After the device has been reset: a token that it held, which is the caller's again.  NULL: there is none left. */
void *virtqueue_detach(struct virtqueue *queue);

/*
 * Ask for an interrupt when something comes back that has not been taken yet.  True: something has already, and the
 * interrupt may never come.
 */
bool __must_check virtqueue_arm(struct virtqueue *queue);
