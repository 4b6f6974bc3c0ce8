/* SPDX-License-Identifier: MIT */
/*
 * A hostile front end: keys, states, requests and indexes that cannot be, pages taken back in the middle.  What
 * it is owed is an answer to each request, or a disk again that it can connect.
 *
 * In order: chance; keys; states; requests; the ring.
 */
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

#define ROUNDS 50u /* rings full of requests */
#define WALKS  40u /* through states */
#define MS     UINT64_C(1000000)

static struct front *disk, *other;
static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((state >> 33) % limit);
}

/*
 * ---- Keys.
 */

static const struct bad_key {
    const char *key, *value; /* NULL: it is not there */
} bad_keys[] = {
    {"ring-ref", NULL},
    {"ring-ref", ""},
    {"ring-ref", "abc"},
    {"ring-ref", "-1"},
    {"ring-ref", "1999"}, /* not lent */
    {"ring-ref", "4294967295"},
    {"ring-ref", "4294967296"},
    {"ring-ref", "99999999999999999999999"},
    {"event-channel", NULL},
    {"event-channel", ""},
    {"event-channel", "0"},
    {"event-channel", "1"},   /* the xenstore's or the console's */
    {"event-channel", "100"}, /* nobody's */
    {"event-channel", "131073"},
    {"event-channel", "18446744073709551616"},
    {"protocol", ""},
    {"protocol", "ia64-abi"},
    {"protocol", "x86_64-abi-and-more-than-fits"},
    {"ring-page-order", ""},
    {"ring-page-order", "x"},
    {"ring-page-order", "5"},
    {"ring-page-order", "32"},
    {"ring-page-order", "4294967295"},
    {"ring-page-order", "18446744073709551615"},
};

/* A front end that closes and begins anew can connect, and has all pages of its ring. */
static bool recover(void)
{
    bool good = true;

    device_set_state(&disk->device, 6);
    good = device_await_state(&disk->device, 6);
    device_set_state(&disk->device, 1);
    good = device_await_state(&disk->device, 2) && good;
    test_need(event_close(disk->port), "close");
    for (unsigned i = 0; i < ARRAY_SIZE(disk->ring_refs); i++) {
        good = grant_end(disk->ring_refs[i]) == 0 && good;
        test_need(grant_access(disk->device.back_domain, (char *)disk->ring + i * PAGE_SIZE, 0, &disk->ring_refs[i]),
                  "a grant");
    }
    return good;
}

/* With what is in the xenstore now. */
static bool is_refused(void)
{
    bool closed;

    device_set_state(&disk->device, 3);
    closed = device_await_state(&disk->device, 5);
    return recover() && closed;
}

static void refused_keys(void)
{
    unsigned good = 0;

    test_check(front_close(disk), "closed", "not");
    device_remove(&disk->device, "ring-ref0"); /* as good as ring-ref */
    for (unsigned i = 0; i < ARRAY_SIZE(bad_keys); i++) {
        bool fared_well;

        front_prepare(disk, 0);
        if (bad_keys[i].value)
            device_write(&disk->device, bad_keys[i].key, bad_keys[i].value);
        else
            device_remove(&disk->device, bad_keys[i].key);
        fared_well = is_refused();
        good += fared_well;
        if (!fared_well)
            test_note("%s = %s", bad_keys[i].key, bad_keys[i].value ? bad_keys[i].value : "(absent)");
    }
    test_equal("each bad key is refused, and the disk waits again", good, ARRAY_SIZE(bad_keys));
    front_prepare(disk, 3);
    device_remove(&disk->device, "ring-ref7");
    test_check(is_refused(), "so is a ring without its last page", "it is not");
    front_prepare(disk, 3);
    device_write_number(&disk->device, "ring-ref7", disk->readonly_refs[0]);
    test_check(is_refused(), "and one with a page that cannot be written", "it is not");
    test_check(front_connect(disk, 0, 4), "connected again", "not");
}

/*
 * ---- States.
 */

static void walk(void)
{
    front_prepare(disk, below(RING_ORDER_MAX + 1));
    for (unsigned i = 1 + below(10); i; i--) {
        if (below(8))
            device_set_state(&disk->device, below(10));
        else if (below(2))
            device_write(&disk->device, "state", bad_keys[1 + below(7)].value);
        else
            device_remove(&disk->device, "state");
        if (below(2))
            time_sleep(below(2) * MS);
    }
}

static void states(void)
{
    unsigned good = 0;

    test_check(front_close(disk), "closed", "not");
    for (unsigned i = 0; i < WALKS; i++) {
        walk();
        good += recover();
    }
    test_equal("after states in any order the disk waits again", good, WALKS);
    test_check(front_connect(disk, 0, 4), "connected again", "not");
}

/*
 * ---- Requests.
 */

/* A slot of anything, but for what would be written where the test reads later. */
static void put_anything(void)
{
    struct blkif_request *request = front_put(disk, 0, 0);
    uint64_t id = request->id;
    uint8_t *bytes = (uint8_t *)request;

    for (unsigned i = 0; i < sizeof(*request); i++)
        bytes[i] = (uint8_t)below(256);
    request->operation = (uint8_t)below(8);
    request->id = id;
    request->sector_number %= 2 * disk->sectors;
    for (unsigned i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST && below(4); i++)
        request->seg[i] = (struct blkif_request_segment){
            .gref = disk->refs[below(FRONT_PAGES)], .first_sect = (uint8_t)below(3), .last_sect = (uint8_t)below(10)};
}

/* Requests name it already, and some have it in use: those keep it. */
static void take_back(void)
{
    for (unsigned i = below(4); i; i--) {
        unsigned which = below(FRONT_PAGES);

        if (below(2))
            time_sleep(MS / 10);
        if (!grant_end(disk->refs[which]))
            test_need(grant_access(disk->device.back_domain, disk->pages[which], 0, &disk->refs[which]), "a grant");
    }
}

static void hostile_requests(void)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct blkif_response response;

        for (unsigned j = 0; j < FRONT_SLOTS; j++)
            put_anything();
        front_send(disk);
        take_back();
        for (unsigned j = 0; j < FRONT_SLOTS && front_take(disk, &response); j++)
            answered++;
    }
    test_equal("every request is answered", answered, ROUNDS * FRONT_SLOTS);
}

/*
 * ---- The ring.
 */

static void hostile_ring(void)
{
    static const uint32_t distances[] = {FRONT_SLOTS + 1, 1000, UINT32_MAX, UINT32_C(1) << 31};
    unsigned good = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(distances); i++) {
        disk->producer += distances[i];
        front_send(disk);
        good += device_await_state(&disk->device, 5) && front_close(disk) && front_connect(disk, 0, 4);
    }
    test_equal("a ring that cannot be is closed, and another one served", good, ARRAY_SIZE(distances));
    test_equal("the other disk still reads", (uint64_t)front_do(other, BLKIF_OP_READ, 0, 1), 0);
    test_equal("and this one", (uint64_t)front_do(disk, BLKIF_OP_READ, 0, 1), 0);
}

void be_hostile(struct front *writable, struct front *readonly, uint64_t seed)
{
    disk = writable;
    other = readonly;
    state = seed;
    refused_keys();
    states();
    hostile_requests();
    hostile_ring();
}
