/* SPDX-License-Identifier: MIT */
/* Chains are followed by the rules of virtio 1.x, section 2.7, from what stands in the rings alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <guest/address.h>
#include <guest/memory.h>
#include <tests/backend/lib/ring_device.h>

#define PAGES_MAX 8192u

static char *pages[PAGES_MAX];
static unsigned nr_pages;

/* Pages in a row of virtual addresses have frames that are far apart. */
static uint64_t frame_of(unsigned page)
{
    return 0x1000 + page * 7;
}

void *pages_alloc(size_t count)
{
    char *first;

    assert_true(nr_pages + count <= PAGES_MAX);
    first = aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
    assert_non_null(first);
    memset(first, 0, count * PAGE_SIZE);
    for (size_t i = 0; i < count; i++)
        pages[nr_pages++] = first + i * PAGE_SIZE;
    return first;
}

void *page_alloc(void)
{
    return pages_alloc(1);
}

void ring_memory_release(void)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        if (i == 0 || pages[i] != pages[i - 1] + PAGE_SIZE)
            free(pages[i]);
    }
    nr_pages = 0;
}

uint64_t virt_to_maddr(const volatile void *address)
{
    uintptr_t at = (uintptr_t)address;

    for (unsigned i = 0; i < nr_pages; i++) {
        if (at / PAGE_SIZE == (uintptr_t)pages[i] / PAGE_SIZE)
            return frame_of(i) * PAGE_SIZE + at % PAGE_SIZE;
    }
    fail_msg("%lx: not in a page that was handed out", (unsigned long)at);
    return 0;
}

void *ring_memory_at(uint64_t maddr)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        if (maddr / PAGE_SIZE == frame_of(i))
            return pages[i] + maddr % PAGE_SIZE;
    }
    fail_msg("%lx: the device uses a frame that is not the kernel's", (unsigned long)maddr);
    return NULL;
}

static void walk(const struct virtq_desc *table, unsigned entries, unsigned at, struct ring_chain *chain)
{
    for (;;) {
        assert_true(at < entries);
        assert_true(chain->count < CHAIN_MAX);
        assert_false(table[at].flags & VIRTQ_DESC_INDIRECT);
        if (!(table[at].flags & VIRTQ_DESC_WRITE)) {
            assert_int_equal(chain->nr_out, chain->count);
            chain->nr_out++;
        }
        chain->buffers[chain->count++] = (struct virtqueue_buffer){table[at].addr, table[at].len};
        if (!(table[at].flags & VIRTQ_DESC_NEXT))
            return;
        at = table[at].next;
    }
}

bool ring_device_get(struct ring_device *device, struct ring_chain *chain)
{
    const struct virtqueue *queue = device->queue;
    const struct virtq_desc *first;

    if (device->avail == queue->avail->idx)
        return false;
    *chain = (struct ring_chain){.head = queue->avail->ring[device->avail++ % queue->size]};
    first = &queue->desc[chain->head];
    chain->indirect = first->flags & VIRTQ_DESC_INDIRECT;
    if (chain->indirect) {
        assert_int_equal(first->flags, VIRTQ_DESC_INDIRECT);
        assert_int_equal(first->len % sizeof(*first), 0);
        assert_true(first->addr % PAGE_SIZE + first->len <= PAGE_SIZE);
        walk(ring_memory_at(first->addr), first->len / (uint32_t)sizeof(*first), 0, chain);
    } else {
        walk(queue->desc, queue->size, chain->head, chain);
    }
    return true;
}

/* Section 2.7.7: the word behind the avail ring names the entry that raises an interrupt. */
void ring_device_put(struct ring_device *device, uint32_t id, uint32_t len)
{
    struct virtqueue *queue = device->queue;

    queue->used->ring[device->used % queue->size].id = id;
    queue->used->ring[device->used % queue->size].len = len;
    queue->used->idx = ++device->used;
    if (!queue->event_index || queue->avail->ring[queue->size] == (uint16_t)(device->used - 1))
        device->interrupt = true;
}
