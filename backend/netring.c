/* SPDX-License-Identifier: MIT */
/* Indices of a ring, and the order in which both sides see them. */
#include <abi/errno.h>
#include <backend/netring.h>

void netring_init(struct netring *ring, void *page)
{
    *ring = (struct netring){.head = page};
    ring->taken = ring->answered = ring->published = __atomic_load_n(&ring->head->rsp_prod, __ATOMIC_RELAXED);
}

int netring_count(const struct netring *ring, unsigned *count)
{
    uint32_t produced = __atomic_load_n(&ring->head->req_prod, __ATOMIC_ACQUIRE);

    if (produced - ring->answered > NETIF_RING_SLOTS || produced - ring->taken > NETIF_RING_SLOTS)
        return -XEN_EINVAL;
    *count = produced - ring->taken;
    return 0;
}

void netring_copy_out(uint32_t *to, const volatile uint32_t *slot, unsigned size)
{
    for (unsigned i = 0; i < size / sizeof(*to); i++)
        to[i] = slot[i];
}

void netring_copy_in(volatile uint32_t *slot, const uint32_t *from, unsigned size)
{
    for (unsigned i = 0; i < size / sizeof(*from); i++)
        slot[i] = from[i];
}

bool netring_publish(struct netring *ring)
{
    uint32_t old = ring->published, new = ring->answered, event;

    if (old == new)
        return false;
    __atomic_store_n(&ring->head->rsp_prod, new, __ATOMIC_RELEASE);
    ring->published = new;
    /* The front end writes rsp_event and then looks at rsp_prod; here it is the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event = __atomic_load_n(&ring->head->rsp_event, __ATOMIC_RELAXED);
    return new - event < new - old;
}

bool netring_await(struct netring *ring, unsigned wanted)
{
    unsigned count;

    __atomic_store_n(&ring->head->req_event, ring->taken + wanted, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return netring_count(ring, &count) || count >= wanted;
}
