/* SPDX-License-Identifier: MIT */
/*
 * One disk by several rings: all are served at once; numbers of rings and keys of them that cannot be are refused; one
 * ring that cannot be closes the disk, which answers what the others have asked for.
 */
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

#define QUEUES 4u
#define ROUNDS 20u
#define ALL    (QUEUES * FRONT_SLOTS)

static struct front queues[QUEUES];
static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((state >> 33) % limit);
}

/*
 * ---- Connecting.
 */

static void prepare(unsigned order)
{
    for (unsigned i = 0; i < QUEUES; i++)
        front_prepare(&queues[i], order);
    device_write_number(&queues[0].device, "multi-queue-num-queues", QUEUES);
}

static void close_ports(void)
{
    for (unsigned i = 0; i < QUEUES; i++)
        test_need(event_close(queues[i].port), "close");
}

/* It is in state 2 then, with all of its pages back. */
static bool begin_anew(void)
{
    const struct device *device = &queues[0].device;
    bool good;

    device_set_state(device, 6);
    good = device_await_state(device, 6);
    device_set_state(device, 1);
    good = device_await_state(device, 2) && good;
    close_ports();
    for (unsigned i = 0; i < QUEUES; i++) {
        struct front *queue = &queues[i];

        for (unsigned page = 0; page < ARRAY_SIZE(queue->ring_refs); page++) {
            good = grant_end(queue->ring_refs[page]) == 0 && good;
            test_need(grant_access(queue->device.back_domain, (char *)queue->ring + page * PAGE_SIZE, 0,
                                   &queue->ring_refs[page]),
                      "a grant");
        }
    }
    return good;
}

static bool connect(unsigned order)
{
    const struct device *device = &queues[0].device;
    bool good;

    prepare(order);
    device_set_state(device, 3);
    good = device_await_state(device, 4);
    device_set_state(device, 4);
    queues[0].sectors = device_back_number(device, "sectors");
    return good;
}

static bool is_refused(void)
{
    bool closed;

    device_set_state(&queues[0].device, 3);
    closed = device_await_state(&queues[0].device, 5);
    return begin_anew() && closed;
}

/*
 * ---- Requests.
 */

/* Each ring of them full, of one page each; all shown before one answer is taken. */
static unsigned answered_at_once(void)
{
    unsigned good = 0;

    for (unsigned i = 0; i < QUEUES; i++) {
        for (unsigned slot = 0; slot < queues[i].nr_slots; slot++)
            front_add(&queues[i], front_put(&queues[i], BLKIF_OP_READ, (i * 100 + slot) * 8), slot % FRONT_PAGES, 0, 7);
    }
    for (unsigned i = 0; i < QUEUES; i++)
        front_send(&queues[i]);
    for (unsigned i = 0; i < QUEUES; i++) {
        struct blkif_response response;
        uint32_t id = queues[i].consumer;

        for (unsigned slot = 0; slot < queues[i].nr_slots && front_take(&queues[i], &response); slot++)
            good += response.id == id++ && !response.status;
    }
    return good;
}

/* What one has written the next one reads. */
static bool passes_on(unsigned from, unsigned to)
{
    unsigned word = from * 16 + to + 1;

    memset(queues[from].pages[0], (int)word, PAGE_SIZE);
    memset(queues[to].pages[0], 0, PAGE_SIZE);
    return front_do(&queues[from], BLKIF_OP_WRITE, 800 + from * 8, 1) == 0 &&
           front_do(&queues[to], BLKIF_OP_READ, 800 + from * 8, 1) == 0 && queues[to].pages[0][0] == word &&
           queues[to].pages[0][PAGE_SIZE - 1] == word;
}

/* Shows blkif.queues. */
static void use(unsigned order)
{
    unsigned passed = 0;

    if (!test_check(connect(order), "connected by four rings", "of order %u", order))
        return;
    test_equal("each request of each ring has its response", answered_at_once(), ALL << order);
    test_equal("again", answered_at_once(), ALL << order);
    for (unsigned i = 0; i < QUEUES; i++)
        passed += passes_on(i, (i + 1) % QUEUES);
    test_equal("what one ring writes the next one reads", passed, QUEUES);
    test_check(begin_anew(), "closed", "not");
}

/*
 * ---- What cannot be.
 */

static const struct {
    const char *key, *value; /* NULL: it is not there */
} bad_keys[] = {
    {"multi-queue-num-queues", "0"},
    {"multi-queue-num-queues", "5"},
    {"multi-queue-num-queues", "4294967295"},
    {"multi-queue-num-queues", "4294967297"},
    {"multi-queue-num-queues", "-1"},
    {"multi-queue-num-queues", ""},
    {"multi-queue-num-queues", "x"},
    {"queue-0/ring-ref", NULL},
    {"queue-3/ring-ref", NULL},
    {"queue-3/ring-ref", "1999"},
    {"queue-2/ring-ref", "4294967296"},
    {"queue-1/event-channel", NULL},
    {"queue-3/event-channel", "1"},
    {"queue-3/event-channel", "131073"},
    {"ring-page-order", "1"}, /* of which the rings' other pages are not there */
};

static void refused_keys(void)
{
    const struct device *device = &queues[0].device;
    unsigned good = 0;

    for (unsigned i = 0; i < QUEUES; i++) {
        device_remove(&queues[i].ring_keys, "ring-ref0");
        device_remove(&queues[i].ring_keys, "ring-ref1");
    }
    for (unsigned i = 0; i < ARRAY_SIZE(bad_keys); i++) {
        bool fared_well;

        prepare(0);
        if (bad_keys[i].value)
            device_write(device, bad_keys[i].key, bad_keys[i].value);
        else
            device_remove(device, bad_keys[i].key);
        fared_well = is_refused();
        good += fared_well;
        if (!fared_well)
            test_note("%s = %s", bad_keys[i].key, bad_keys[i].value ? bad_keys[i].value : "(absent)");
    }
    test_equal("each bad key of a ring is refused, and nothing kept", good, ARRAY_SIZE(bad_keys));
    prepare(0);
    device_write_number(&queues[3].ring_keys, "event-channel", queues[2].port);
    test_check(is_refused(), "so is one port for two rings", "it is not");
}

static void put_anything(struct front *queue)
{
    struct blkif_request *request = front_put(queue, 0, 0);
    uint64_t id = request->id;

    for (unsigned i = 0; i < sizeof(*request); i++)
        ((uint8_t *)request)[i] = (uint8_t)below(256);
    request->operation = (uint8_t)below(8);
    request->id = id;
    request->sector_number %= 2 * queues[0].sectors;
    for (unsigned i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST && below(4); i++)
        request->seg[i] = (struct blkif_request_segment){
            .gref = queue->refs[below(FRONT_PAGES)], .first_sect = (uint8_t)below(3), .last_sect = (uint8_t)below(10)};
}

/* Slots of anything in all rings; in the end an index that cannot be in one: the others are answered all the same. */
static void hostile_rings(void)
{
    unsigned answered = 0, wrong = below(QUEUES);

    if (!test_check(connect(0), "connected by four rings again", "not"))
        return;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct blkif_response response;

        for (unsigned i = 0; i < QUEUES; i++) {
            for (unsigned slot = 0; slot < FRONT_SLOTS; slot++)
                put_anything(&queues[i]);
            front_send(&queues[i]);
        }
        for (unsigned i = 0; i < QUEUES; i++) {
            for (unsigned slot = 0; slot < FRONT_SLOTS && front_take(&queues[i], &response); slot++)
                answered++;
        }
    }
    test_equal("every request of every ring is answered", answered, ROUNDS * ALL);
    queues[wrong].producer += FRONT_SLOTS + 1;
    front_send(&queues[wrong]);
    test_check(device_await_state(&queues[0].device, 5), "one ring that cannot be closes all", "it does not");
    test_check(begin_anew(), "and all pages come back", "they do not");
}

void be_queued(const char *id, uint64_t seed)
{
    state = seed;
    for (unsigned i = 0; i < QUEUES; i++)
        front_init_queue(&queues[i], id, i);
    test_equal("so many rings are offered", device_back_number(&queues[0].device, "multi-queue-max-queues"), QUEUES);
    use(0);
    use(1);
    refused_keys();
    hostile_rings();
    use(0);
}
