/* SPDX-License-Identifier: MIT */
/* Free descriptors in a private list, chains in private records; the rings are only written, but for what is used. */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/virtqueue.h>

/* Stores before it are seen before loads behind it are done: where each side writes one word and reads the other's. */
static void fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The word behind the avail ring: interrupt when this entry is used.  Section 2.7.7. */
static volatile uint16_t *used_event(const struct virtqueue *queue)
{
    return &queue->avail->ring[queue->size];
}

/* The word behind the used ring: tell the device when this entry is available.  Section 2.7.10. */
static const volatile uint16_t *avail_event(const struct virtqueue *queue)
{
    return (const volatile uint16_t *)&queue->used->ring[queue->size];
}

void virtqueue_create(struct virtqueue *queue, unsigned size, unsigned table_entries)
{
    unsigned per_page = table_entries ? VIRTQUEUE_SIZE_MAX / table_entries : 1;
    struct virtq_desc *page = NULL;

    queue->desc = page_alloc();
    queue->avail = page_alloc();
    queue->used = page_alloc();
    queue->table_entries = table_entries;
    for (unsigned i = 0; table_entries && i < size; i++) {
        if (i % per_page == 0)
            page = page_alloc();
        queue->tables[i] = &page[(size_t)(i % per_page) * table_entries];
    }
    virtqueue_reset(queue, size, false, false);
}

void virtqueue_reset(struct virtqueue *queue, unsigned size, bool event_index, bool indirect)
{
    memset(queue->desc, 0, PAGE_SIZE);
    memset(queue->avail, 0, PAGE_SIZE);
    memset(queue->used, 0, PAGE_SIZE);
    memset(queue->chains, 0, sizeof(queue->chains));
    queue->size = size;
    queue->event_index = event_index;
    queue->indirect = indirect && queue->table_entries;
    queue->broken = false;
    queue->avail_next = queue->avail_told = queue->used_next = 0;
    queue->free_first = 0;
    queue->nr_free = (uint16_t)size;
    for (unsigned i = 0; i < size; i++)
        queue->next[i] = (uint16_t)(i + 1);
}

static uint16_t take_free(struct virtqueue *queue)
{
    uint16_t taken = queue->free_first;

    queue->free_first = queue->next[taken];
    queue->nr_free--;
    return taken;
}

static uint32_t bytes(const struct virtqueue_buffer *buffers, unsigned count)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += buffers[i].size;
    return sum;
}

static struct virtq_desc describe(const struct virtqueue_buffer *buffer, bool write, bool more, unsigned next)
{
    return (struct virtq_desc){
        .addr = buffer->maddr,
        .len = buffer->size,
        .flags = (uint16_t)((write ? VIRTQ_DESC_WRITE : 0) | (more ? VIRTQ_DESC_NEXT : 0)),
        .next = (uint16_t)(more ? next : 0),
    };
}

/* One descriptor of the ring, which refers to its table.  Returns it. */
static uint16_t add_indirect(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned nr_out,
                             unsigned count)
{
    uint16_t head = take_free(queue);
    struct virtq_desc *table = queue->tables[head];

    for (unsigned i = 0; i < count; i++)
        table[i] = describe(&buffers[i], i >= nr_out, i + 1 < count, i + 1);
    queue->desc[head] = (struct virtq_desc){
        .addr = virt_to_maddr(table),
        .len = count * (uint32_t)sizeof(*table),
        .flags = VIRTQ_DESC_INDIRECT,
    };
    queue->chains[head].last = head;
    queue->chains[head].length = 1;
    return head;
}

/* A descriptor of the ring for each buffer.  Returns the first. */
static uint16_t add_chain(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned nr_out,
                          unsigned count)
{
    uint16_t head = queue->free_first, last = head;

    for (unsigned i = 0; i < count; i++) {
        last = take_free(queue);
        queue->desc[last] = describe(&buffers[i], i >= nr_out, i + 1 < count, queue->next[last]);
    }
    queue->chains[head].last = last;
    queue->chains[head].length = (uint16_t)count;
    return head;
}

int virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned nr_out, unsigned nr_in,
                  void *token)
{
    unsigned count = nr_out + nr_in;
    bool indirect = queue->indirect && count > 1 && count <= queue->table_entries;
    uint16_t head;

    if (queue->broken)
        return -XEN_EIO;
    if (count == 0 || count > queue->size)
        return -XEN_EINVAL;
    if ((indirect ? 1 : count) > queue->nr_free)
        return -XEN_EAGAIN;
    head = indirect ? add_indirect(queue, buffers, nr_out, count) : add_chain(queue, buffers, nr_out, count);
    queue->chains[head].token = token;
    queue->chains[head].writable = bytes(buffers + nr_out, nr_in);
    queue->avail->ring[queue->avail_next % queue->size] = head;
    barrier();
    WRITE_ONCE(queue->avail->idx, ++queue->avail_next);
    return 0;
}

/* Section 2.7.10: with the event index the device names the entry that it wants to be told of. */
bool virtqueue_kick(struct virtqueue *queue)
{
    uint16_t added = (uint16_t)(queue->avail_next - queue->avail_told);

    if (added == 0 || queue->broken)
        return false;
    queue->avail_told = queue->avail_next;
    fence();
    if (queue->event_index)
        return (uint16_t)(queue->avail_next - *avail_event(queue) - 1) < added;
    return !(READ_ONCE(queue->used->flags) & VIRTQ_USED_NO_NOTIFY);
}

static bool break_queue(struct virtqueue *queue)
{
    queue->broken = true;
    return false;
}

/* The descriptors of the chain go back to the free ones. */
static void *release(struct virtqueue *queue, unsigned head)
{
    struct virtqueue_chain *chain = &queue->chains[head];
    void *token = chain->token;

    queue->next[chain->last] = queue->free_first;
    queue->free_first = (uint16_t)head;
    queue->nr_free = (uint16_t)(queue->nr_free + chain->length);
    *chain = (struct virtqueue_chain){0};
    return token;
}

bool virtqueue_take(struct virtqueue *queue, void **token, uint32_t *written)
{
    uint16_t ahead = (uint16_t)(READ_ONCE(queue->used->idx) - queue->used_next);
    struct virtq_used_elem *place = &queue->used->ring[queue->used_next % queue->size];
    struct virtq_used_elem seen;

    if (queue->broken || ahead == 0)
        return false;
    barrier();
    seen.id = READ_ONCE(place->id);
    seen.len = READ_ONCE(place->len);
    if (ahead > queue->size || seen.id >= queue->size || !queue->chains[seen.id].token ||
        seen.len > queue->chains[seen.id].writable)
        return break_queue(queue);
    queue->used_next++;
    *token = release(queue, seen.id);
    *written = seen.len;
    return true;
}

void *virtqueue_detach(struct virtqueue *queue)
{
    for (unsigned head = 0; head < queue->size; head++) {
        if (queue->chains[head].token)
            return release(queue, head);
    }
    return NULL;
}

bool virtqueue_arm(struct virtqueue *queue)
{
    *used_event(queue) = queue->used_next;
    fence();
    return !queue->broken && READ_ONCE(queue->used->idx) != queue->used_next;
}
