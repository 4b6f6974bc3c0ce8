/* SPDX-License-Identifier: MIT */
/* In order: connecting; requests and responses. */
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

/*
 * ---- Connecting.
 */

static void lend_pages(struct front *front)
{
    front->ring = pages_alloc(ARRAY_SIZE(front->ring_refs));
    for (unsigned i = 0; i < ARRAY_SIZE(front->ring_refs); i++)
        test_need(grant_access(front->device.back_domain, (char *)front->ring + i * PAGE_SIZE, 0, &front->ring_refs[i]),
                  "a grant of the ring");
    for (unsigned i = 0; i < FRONT_PAGES; i++) {
        front->pages[i] = page_alloc();
        test_need(grant_access(front->device.back_domain, front->pages[i], 0, &front->refs[i]), "a grant");
        test_need(grant_access(front->device.back_domain, front->pages[i], GTF_readonly, &front->readonly_refs[i]),
                  "a grant");
    }
}

void front_init(struct front *front, const char *id)
{
    memset(front, 0, sizeof(*front));
    device_find(&front->device, "vbd", id);
    front->ring_keys = front->device;
    lend_pages(front);
}

void front_init_queue(struct front *front, const char *id, unsigned which)
{
    front_init(front, id);
    (void)print_to(front->ring_keys.front, sizeof(front->ring_keys.front), "%s/queue-%u", front->device.front, which);
}

/* One page has a name of its own. */
static void write_ring_refs(const struct front *front, unsigned order)
{
    const struct device *device = &front->device;
    char key[12];

    if (order == 0) {
        device_write_number(&front->ring_keys, "ring-ref", front->ring_refs[0]);
        device_remove(device, "ring-page-order");
        return;
    }
    device_write_number(device, "ring-page-order", order);
    device_remove(&front->ring_keys, "ring-ref");
    for (unsigned i = 0; i < 1u << order; i++) {
        (void)print_to(key, sizeof(key), "ring-ref%u", i);
        device_write_number(&front->ring_keys, key, front->ring_refs[i]);
    }
}

void front_prepare(struct front *front, unsigned order)
{
    const struct device *device = &front->device;

    memset(front->ring, 0, PAGE_SIZE << order);
    front->ring->req_event = front->ring->rsp_event = 1;
    front->producer = front->consumer = 0;
    front->nr_slots = FRONT_SLOTS << order;
    test_need(event_alloc_unbound(device->back_domain, event_only_wakes, &front->port), "a port");
    write_ring_refs(front, order);
    device_write_number(&front->ring_keys, "event-channel", front->port);
    device_write(device, "protocol", XEN_IO_PROTO_ABI_NATIVE);
}

bool front_connect(struct front *front, unsigned order, unsigned wanted)
{
    const struct device *device = &front->device;

    front_prepare(front, order);
    device_set_state(device, 3);
    if (!device_await_state(device, wanted))
        return false;
    front->sectors = device_back_number(device, "sectors");
    front->sector_size = device_back_number(device, "sector-size");
    front->info = device_back_number(device, "info");
    device_set_state(device, 4);
    return true;
}

bool front_close(struct front *front)
{
    bool good = device_close(&front->device);

    test_need(event_close(front->port), "close");
    return good;
}

/*
 * ---- Requests.
 */

static void *slot(struct front *front, uint32_t index)
{
    return (struct blkif_request *)(front->ring + 1) + index % front->nr_slots;
}

struct blkif_request *front_put(struct front *front, uint8_t operation, uint64_t sector)
{
    struct blkif_request *request = slot(front, front->producer);

    memset(request, 0, sizeof(*request));
    request->operation = operation;
    request->id = front->producer++;
    request->sector_number = sector;
    return request;
}

void front_add(struct front *front, struct blkif_request *request, unsigned page, unsigned first, unsigned last)
{
    bool readonly = request->operation == BLKIF_OP_WRITE;

    request->seg[request->nr_segments++] =
        (struct blkif_request_segment){.gref = readonly ? front->readonly_refs[page] : front->refs[page],
                                       .first_sect = (uint8_t)first,
                                       .last_sect = (uint8_t)last};
}

void front_send(struct front *front)
{
    __atomic_store_n(&front->ring->req_prod, front->producer, __ATOMIC_SEQ_CST);
    test_need(event_send(front->port), "send");
}

bool front_poll(struct front *front, struct blkif_response *response)
{
    if (READ_ONCE(front->ring->rsp_prod) == front->consumer)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(response, slot(front, front->consumer++), sizeof(*response));
    WRITE_ONCE(front->ring->rsp_event, front->consumer + 1);
    return true;
}

bool front_take(struct front *front, struct blkif_response *response)
{
    uint64_t end = time_now() + DEVICE_PATIENCE;

    while (!front_poll(front, response)) {
        if (time_now() > end)
            return false;
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}

int front_do(struct front *front, uint8_t operation, uint64_t sector, unsigned nr_pages)
{
    struct blkif_request *request = front_put(front, operation, sector);
    struct blkif_response response;

    for (unsigned i = 0; i < nr_pages; i++)
        front_add(front, request, i, 0, 7);
    front_send(front);
    return front_take(front, &response) ? response.status : 99;
}
