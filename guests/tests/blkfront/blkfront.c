/* SPDX-License-Identifier: MIT */
/*
 * Disks by way of a back end: what is written is read again, by requests of every kind; what is not allowed is refused;
 * a front end that comes and goes, and a hostile one, by the seed of the word "seed=N".  The disks are the guest's: the
 * first may be written, and what is on it is lost; the second may not.
 *
 * With "steady=N" there is one disk, which is used for N rounds by what does not take no for an answer.
 */
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

#define NO_REF       1999u /* which is not lent */
#define INDIRECT     14u   /* segments of an indirect request */
#define CONNECTIONS  20u
#define NOT_ANSWERED 99

static struct front writable, readonly;

static uint8_t byte_of(unsigned word, unsigned page, unsigned at)
{
    return (uint8_t)(word + page * 31 + at * 7 + at / 512);
}

static void fill(struct front *front, unsigned nr_pages, unsigned word)
{
    for (unsigned page = 0; page < nr_pages; page++) {
        for (unsigned at = 0; at < PAGE_SIZE; at++)
            front->pages[page][at] = byte_of(word, page, at);
    }
}

static bool is_filled(struct front *front, unsigned nr_pages, unsigned word)
{
    for (unsigned page = 0; page < nr_pages; page++) {
        for (unsigned at = 0; at < PAGE_SIZE; at++) {
            if (front->pages[page][at] != byte_of(word, page, at))
                return false;
        }
    }
    return true;
}

static void clear(struct front *front)
{
    for (unsigned page = 0; page < FRONT_PAGES; page++)
        memset(front->pages[page], 0, PAGE_SIZE);
}

/* Show what was put, and its status. */
static int finish(struct front *front)
{
    struct blkif_response response;

    front_send(front);
    return front_take(front, &response) ? response.status : NOT_ANSWERED;
}

static void is(const char *name, int status, int wanted)
{
    test_check(status == wanted, name, "status %d, not %d", status, wanted);
}

static void data(void)
{
    fill(&writable, 11, 1);
    is("write 44 KiB", front_do(&writable, BLKIF_OP_WRITE, 100, 11), 0);
    clear(&writable);
    is("read them", front_do(&writable, BLKIF_OP_READ, 100, 11), 0);
    test_check(is_filled(&writable, 11, 1), "they are the same", "they are not");
    is("flush", front_do(&writable, BLKIF_OP_FLUSH_DISKCACHE, 0, 0), 0);
}

static void sectors(void)
{
    struct blkif_request *request = front_put(&writable, BLKIF_OP_READ, 103);

    clear(&writable);
    front_add(&writable, request, 5, 2, 2);
    front_add(&writable, request, 6, 7, 7);
    is("read two sectors into two pages", finish(&writable), 0);
    test_equal("the first", writable.pages[5][2 * 512], byte_of(1, 0, 3 * 512));
    test_equal("the second", writable.pages[6][7 * 512], byte_of(1, 0, 4 * 512));
    test_check(!writable.pages[5][2 * 512 - 1] && !writable.pages[5][3 * 512], "and nothing beside them", "something");
}

static int do_indirect(struct front *front, uint8_t operation, uint64_t sector)
{
    struct blkif_request_indirect *request =
        (struct blkif_request_indirect *)front_put(front, BLKIF_OP_INDIRECT, sector);
    struct blkif_request_segment *segments = (struct blkif_request_segment *)(void *)front->pages[FRONT_PAGES - 1];
    struct blkif_response response;

    request->indirect_op = operation;
    request->nr_segments = INDIRECT;
    request->indirect_grefs[0] = front->readonly_refs[FRONT_PAGES - 1];
    for (unsigned i = 0; i < INDIRECT; i++)
        segments[i] = (struct blkif_request_segment){.gref = front->refs[i], .last_sect = 7};
    front_send(front);
    if (!front_take(front, &response))
        return NOT_ANSWERED;
    test_equal("the response names the operation", response.operation, operation);
    return response.status;
}

static void indirect(void)
{
    fill(&writable, INDIRECT, 2);
    is("write indirectly", do_indirect(&writable, BLKIF_OP_WRITE, 1000), 0);
    clear(&writable);
    is("read so", do_indirect(&writable, BLKIF_OP_READ, 1000), 0);
    test_check(is_filled(&writable, INDIRECT, 2), "they are the same", "they are not");
}

static int do_discard(struct front *front, uint64_t sector, uint64_t count)
{
    ((struct blkif_request_discard *)front_put(front, BLKIF_OP_DISCARD, sector))->nr_sectors = count;
    return finish(front);
}

static void discard(void)
{
    if (!device_back_number(&writable.device, "feature-discard")) {
        test_note("no discard is offered");
        return;
    }
    is("discard", do_discard(&writable, 1000, 8), 0);
    is("discard behind the end", do_discard(&writable, writable.sectors, 1), BLKIF_RSP_ERROR);
    is("discard more than there is", do_discard(&writable, 8, UINT64_MAX), BLKIF_RSP_ERROR);
}

static void refused(void)
{
    struct blkif_request *request;

    is("behind the end", front_do(&writable, BLKIF_OP_READ, writable.sectors - 7, 1), BLKIF_RSP_ERROR);
    is("before it", front_do(&writable, BLKIF_OP_READ, writable.sectors - 8, 1), 0);
    is("no segments", front_do(&writable, BLKIF_OP_READ, 0, 0), BLKIF_RSP_ERROR);
    is("a barrier, which is not offered", front_do(&writable, BLKIF_OP_WRITE_BARRIER, 0, 1), BLKIF_RSP_EOPNOTSUPP);
    front_add(&writable, front_put(&writable, BLKIF_OP_READ, 0), 0, 0, 8);
    is("over the end of a page", finish(&writable), BLKIF_RSP_ERROR);
    request = front_put(&writable, BLKIF_OP_READ, 0);
    front_add(&writable, request, 0, 0, 7);
    front_add(&writable, request, 1, 0, 7);
    request->seg[1].gref = NO_REF;
    is("a page that is not lent", finish(&writable), BLKIF_RSP_ERROR);
    request = front_put(&writable, BLKIF_OP_READ, 0);
    front_add(&writable, request, 0, 0, 7);
    request->seg[0].gref = writable.readonly_refs[0];
    is("a page that may not be written", finish(&writable), BLKIF_RSP_ERROR);
}

static void read_only(void)
{
    test_equal("it is said to be read-only", readonly.info & VDISK_READONLY, VDISK_READONLY);
    is("read it", front_do(&readonly, BLKIF_OP_READ, 0, 1), 0);
    is("write it", front_do(&readonly, BLKIF_OP_WRITE, 0, 1), BLKIF_RSP_ERROR);
    is("write it indirectly", do_indirect(&readonly, BLKIF_OP_WRITE, 0), BLKIF_RSP_ERROR);
    is("flush with data", front_do(&readonly, BLKIF_OP_FLUSH_DISKCACHE, 0, 1), BLKIF_RSP_ERROR);
    is("discard it", do_discard(&readonly, 0, 8), BLKIF_RSP_EOPNOTSUPP);
}

/* As many at once as there are slots: each has its response, in whatever order. */
static unsigned answered_at_once(void)
{
    bool seen[FRONT_SLOTS << RING_ORDER_MAX] = {0};
    unsigned good = 0;

    for (unsigned i = 0; i < writable.nr_slots; i++)
        front_add(&writable, front_put(&writable, BLKIF_OP_READ, i * 100), i % FRONT_PAGES, 0, 7);
    front_send(&writable);
    for (unsigned i = 0; i < writable.nr_slots; i++) {
        struct blkif_response response;

        if (!front_take(&writable, &response) || response.status || response.id % writable.nr_slots >= ARRAY_SIZE(seen))
            break;
        good += !seen[response.id % writable.nr_slots];
        seen[response.id % writable.nr_slots] = true;
    }
    return good;
}

static void many(void)
{
    test_equal("each of 32 requests has a response", answered_at_once(), FRONT_SLOTS);
}

/* Twice, so that the indexes go round. */
static void rings(void)
{
    for (unsigned order = 1; order <= RING_ORDER_MAX; order++) {
        if (!test_check(front_close(&writable) && front_connect(&writable, order, 4), "a larger ring", "order %u",
                        order))
            return;
        test_equal("each of its requests has a response", answered_at_once(), FRONT_SLOTS << order);
        test_equal("again", answered_at_once(), FRONT_SLOTS << order);
        is("write indirectly there", do_indirect(&writable, BLKIF_OP_WRITE, 1000), 0);
    }
    test_check(front_close(&writable) && front_connect(&writable, 0, 4), "a small ring again", "no");
}

static void come_and_go(void)
{
    unsigned good = 0;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        (void)front_put(&writable, BLKIF_OP_FLUSH_DISKCACHE, 0); /* in flight, maybe, when the end comes */
        front_send(&writable);
        good += front_close(&writable) && front_connect(&writable, 0, 4);
    }
    test_equal("closed and connected again", good, CONNECTIONS);
    is("it still reads", front_do(&writable, BLKIF_OP_READ, 100, 11), 0);
}

static void connect(struct front *front, const char *id)
{
    front_init(front, id);
    test_check(device_await_state(&front->device, 2), "the back end waits", "it is in state %u",
               device_back_state(&front->device));
    if (!test_check(front_connect(front, 0, 4), "connected", "the back end is in state %u",
                    device_back_state(&front->device)))
        test_error("there is no disk to test");
    test_equal("sectors of 512 bytes", front->sector_size, 512);
}

void test_main(void)
{
    unsigned rounds = (unsigned)guest_option("steady", 0);
    static char names[256];

    if (xenstore_init() || device_list("vbd", names, sizeof(names)) < (rounds ? 1 : 2))
        test_skip("there are not two disks");
    test_need(grant_init(), "grants");
    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    connect(&writable, names);
    if (rounds) {
        be_steady(&writable, rounds);
        return;
    }
    connect(&readonly, names + strlen(names) + 1);
    data();
    sectors();
    indirect();
    discard();
    refused();
    read_only();
    many();
    rings();
    come_and_go();
    be_hostile(&writable, &readonly, guest_option("seed", 1));
    test_check(front_close(&writable), "closed", "not");
    be_queued(names, guest_option("seed", 1));
}
