/* SPDX-License-Identifier: MIT */
/* In order: keys; states; connecting; requests and responses. */
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
#include <guest/xenstore.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

#define PATIENCE UINT64_C(20000000000)
#define MS       UINT64_C(1000000)

/*
 * ---- Keys.
 */

static const char *path(const char *directory, const char *key)
{
    static char text[192];

    (void)print_to(text, sizeof(text), "%s/%s", directory, key);
    return text;
}

static uint64_t read_number(const char *directory, const char *key)
{
    uint64_t number = 0;

    return xenstore_read_number(0, path(directory, key), UINT64_MAX, &number) ? 0 : number;
}

static void write_number(struct front *front, const char *key, uint64_t number)
{
    test_need(xenstore_write_number(0, path(front->device, key), number), key);
}

uint64_t front_feature(struct front *front, const char *key)
{
    return read_number(front->back, key);
}

unsigned front_list(char *names, size_t size)
{
    size_t used = 0;
    unsigned count = 0;

    if (xenstore_directory(0, "device/vbd", names, size, &used))
        return 0;
    for (size_t at = 0; at < used; at += strlen(names + at) + 1)
        count++;
    return count;
}

static void lend_pages(struct front *front)
{
    front->ring = page_alloc();
    test_need(grant_access(front->back_domain, front->ring, 0, &front->ring_ref), "a grant of the ring");
    for (unsigned i = 0; i < FRONT_PAGES; i++) {
        front->pages[i] = page_alloc();
        test_need(grant_access(front->back_domain, front->pages[i], 0, &front->refs[i]), "a grant");
        test_need(grant_access(front->back_domain, front->pages[i], GTF_readonly, &front->readonly_refs[i]), "a grant");
    }
}

void front_init(struct front *front, const char *id)
{
    memset(front, 0, sizeof(*front));
    (void)print_to(front->device, sizeof(front->device), "device/vbd/%s", id);
    test_need(xenstore_read(0, path(front->device, "backend"), front->back, sizeof(front->back)), "backend");
    front->back_domain = (unsigned)read_number(front->device, "backend-id");
    lend_pages(front);
}

/*
 * ---- States.
 */

void front_set_state(struct front *front, unsigned state)
{
    write_number(front, "state", state);
}

unsigned front_back_state(struct front *front)
{
    return (unsigned)front_feature(front, "state");
}

bool front_await_state(struct front *front, unsigned state)
{
    uint64_t end = time_now() + PATIENCE;

    while (front_back_state(front) != state) {
        if (time_now() > end)
            return false;
        time_sleep(MS);
    }
    return true;
}

/*
 * ---- Connecting.
 */

static void on_event(evtchn_port_t port)
{
    (void)port;
}

bool front_connect(struct front *front, unsigned wanted)
{
    memset(front->ring, 0, PAGE_SIZE);
    front->ring->req_event = front->ring->rsp_event = 1;
    front->producer = front->consumer = 0;
    test_need(event_alloc_unbound(front->back_domain, on_event, &front->port), "a port");
    write_number(front, "ring-ref", front->ring_ref);
    write_number(front, "event-channel", front->port);
    test_need(xenstore_write(0, path(front->device, "protocol"), XEN_IO_PROTO_ABI_X86_64), "protocol");
    front_set_state(front, 3);
    if (!front_await_state(front, wanted))
        return false;
    front->sectors = front_feature(front, "sectors");
    front->sector_size = front_feature(front, "sector-size");
    front->info = front_feature(front, "info");
    front_set_state(front, 4);
    return true;
}

bool front_close(struct front *front)
{
    bool good;

    front_set_state(front, 5);
    good = front_await_state(front, 5);
    front_set_state(front, 6);
    good = front_await_state(front, 6) && good;
    test_need(event_close(front->port), "close");
    front_set_state(front, 1);
    return front_await_state(front, 2) && good;
}

/*
 * ---- Requests.
 */

static void *slot(struct front *front, uint32_t index)
{
    return (struct blkif_request *)(front->ring + 1) + index % FRONT_SLOTS;
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

bool front_take(struct front *front, struct blkif_response *response)
{
    uint64_t end = time_now() + PATIENCE;

    while (READ_ONCE(front->ring->rsp_prod) == front->consumer) {
        if (time_now() > end)
            return false;
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(response, slot(front, front->consumer++), sizeof(*response));
    WRITE_ONCE(front->ring->rsp_event, front->consumer + 1);
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
