/* SPDX-License-Identifier: MIT */
/* Copies that may go over the end of a stream, and indexes of this side's that the front end cannot reach. */
#include <abi/errno.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/ninepring.h>

void ninepring_init(struct ninepring *ring, struct xen_9pfs_data_intf *shared, void *data, unsigned order)
{
    uint32_t size = (uint32_t)XEN_FLEX_RING_SIZE(order);

    *ring = (struct ninepring){.shared = shared, .in = data, .out = (uint8_t *)data + size, .size = size};
    ring->in_prod = READ_ONCE(shared->in_prod);
    ring->out_cons = ring->taken = READ_ONCE(shared->out_cons);
}

/* How many of the @count bytes from @index on lie before the end of the stream. */
static uint32_t before_end(const struct ninepring *ring, uint32_t index, uint32_t count)
{
    uint32_t rest = ring->size - (index & (ring->size - 1));

    return count < rest ? count : rest;
}

static void copy_out(const struct ninepring *ring, uint32_t index, uint8_t *to, uint32_t count)
{
    uint32_t first = before_end(ring, index, count);

    memcpy(to, ring->out + (index & (ring->size - 1)), first);
    memcpy(to + first, ring->out, count - first);
}

static void copy_in(struct ninepring *ring, uint32_t index, const uint8_t *from, uint32_t count)
{
    uint32_t first = before_end(ring, index, count);

    memcpy(ring->in + (index & (ring->size - 1)), from, first);
    memcpy(ring->in, from + first, count - first);
}

/* The header is copied once and not again with the rest, so that its size stays what was checked. */
int ninepring_take(struct ninepring *ring, uint8_t *message, uint32_t most, uint32_t *size, uint32_t *entry)
{
    uint32_t produced = __atomic_load_n(&ring->shared->out_prod, __ATOMIC_ACQUIRE), there = produced - ring->taken;

    if (there > ring->size || produced - ring->out_cons > ring->size)
        return -XEN_EINVAL;
    if (there < NINEP_HEADER)
        return 0;
    copy_out(ring, ring->taken, message, NINEP_HEADER);
    barrier(); /* so that the copy is what is looked at */
    *size = ninep_size(message);
    if (*size < NINEP_HEADER || *size > most || *size > ring->size)
        return -XEN_EINVAL;
    if (there < *size)
        return 0;
    copy_out(ring, ring->taken + NINEP_HEADER, message + NINEP_HEADER, *size - NINEP_HEADER);
    ring->taken += *size;
    *entry = ring->next++;
    ring->entries[*entry % NINEPRING_ENTRIES] = (struct ninepring_entry){.size = *size};
    return 1;
}

void ninepring_retire(struct ninepring *ring, uint32_t entry)
{
    ring->entries[entry % NINEPRING_ENTRIES].is_done = true;
    for (; ring->first != ring->next && ring->entries[ring->first % NINEPRING_ENTRIES].is_done; ring->first++)
        ring->out_cons += ring->entries[ring->first % NINEPRING_ENTRIES].size;
    __atomic_store_n(&ring->shared->out_cons, ring->out_cons, __ATOMIC_RELEASE);
}

int ninepring_put(struct ninepring *ring, const uint8_t *message, uint32_t size)
{
    uint32_t unread = ring->in_prod - __atomic_load_n(&ring->shared->in_cons, __ATOMIC_ACQUIRE);

    if (unread > ring->size || size > ring->size)
        return -XEN_EINVAL;
    if (ring->size - unread < size)
        return 0;
    copy_in(ring, ring->in_prod, message, size);
    ring->in_prod += size;
    __atomic_store_n(&ring->shared->in_prod, ring->in_prod, __ATOMIC_RELEASE);
    return 1;
}
