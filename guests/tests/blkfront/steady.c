/* SPDX-License-Identifier: MIT */
/*
 * A disk in use: each round writes somewhere, and what has been acknowledged is read again, at once and at the end.
 * When the back end has died, or the disk was unplugged, what was not answered is sent again, to the next one.
 *
 *   lives=N    the guest reboots with requests in flight until it lives for the Nth time; the disk counts that
 *   deaths=N   so often the back end must have died, or the disk have been unplugged; more rounds are made until then;
 *              none: it may have died, but nothing is to be seen of it
 *   lost=1     the back end dies of each request, until it is given up: so there is only that
 */
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/blkfront/front.h>
#include <guests/tests/lib/test.h>

#define MS          UINT64_C(1000000)
#define PLACES      64u
#define PAGES       4u    /* of a place */
#define FIRST       1000u /* sector of the first one */
#define COUNT_AT    0u    /* where the lives are counted */
#define SCRATCH     8000u
#define PER_PAGE    (PAGE_SIZE / 512)
#define INITIALISED 1u
#define CLOSING     5u
#define CLOSED      6u
#define GOING_MS    2000u

static struct front *disk;
static unsigned deaths;
static uint32_t written[PLACES]; /* which round's words are there */

/*
 * ---- One request, as often as it takes.
 */

/* Is this the directory that was written anew, or none?  Who unplugs it waits until we have let go of it. */
static bool has_gone(void)
{
    if (device_back_state(&disk->device) == CLOSING)
        device_set_state(&disk->device, CLOSED);
    return device_front_number(&disk->device, "state") != 4;
}

static bool connect_again(void)
{
    deaths++;
    test_need(event_close(disk->port), "close");
    while (device_front_number(&disk->device, "state") != INITIALISED)
        time_sleep(MS);
    return device_await_state(&disk->device, 2) && front_connect(disk, 0, 4);
}

/* Its response; false: the back end has died before that. */
static bool await(struct blkif_response *response)
{
    for (unsigned tries = 1; !front_poll(disk, response); tries++) {
        if (tries % 8 == 0 && has_gone())
            return false;
        time_sleep(MS / 4);
    }
    return true;
}

/* A disk that is about to go answers what is on its ring with errors, maybe before that it goes can be seen. */
static bool is_going(const struct blkif_response *response)
{
    for (unsigned tries = 0; response->status == BLKIF_RSP_ERROR && tries < GOING_MS; tries++) {
        if (has_gone())
            return true;
        time_sleep(MS);
    }
    return false;
}

static void perform(uint8_t operation, uint64_t sector, unsigned nr_pages)
{
    struct blkif_response response;

    for (;;) {
        struct blkif_request *request = front_put(disk, operation, sector);

        for (unsigned i = 0; i < nr_pages; i++)
            front_add(disk, request, i, 0, PER_PAGE - 1);
        front_send(disk);
        if (await(&response) && !is_going(&response))
            break;
        if (!connect_again())
            test_error("the back end does not come again");
    }
    if (response.status)
        test_error("operation %u at sector %" PRIu64 ": status %d", operation, sector, response.status);
}

/*
 * ---- Rounds.
 */

static uint32_t word_of(uint32_t round, unsigned page, unsigned at)
{
    return round * 2654435761u + page * 4096 + at;
}

static void fill(uint32_t round)
{
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned at = 0; at < PAGE_SIZE / 4; at++)
            ((uint32_t *)(void *)disk->pages[page])[at] = word_of(round, page, at);
    }
}

static bool is_there(unsigned place)
{
    perform(BLKIF_OP_READ, FIRST + place * PAGES * PER_PAGE, PAGES);
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned at = 0; at < PAGE_SIZE / 4; at++) {
            if (((uint32_t *)(void *)disk->pages[page])[at] != word_of(written[place], page, at))
                return false;
        }
    }
    return true;
}

static void use(unsigned rounds)
{
    uint64_t wanted = guest_option("deaths", 0);
    unsigned good = 0, kept = 0, all = 0;

    for (unsigned round = 1; round <= rounds || deaths < wanted; round++, all++) {
        unsigned place = round * 37 % PLACES;

        fill(round);
        perform(BLKIF_OP_WRITE, FIRST + place * PAGES * PER_PAGE, PAGES);
        written[place] = round;
        good += is_there(place);
    }
    test_equal("what was written is read", good, all);
    for (unsigned place = 0; place < PLACES; place++)
        kept += !written[place] || is_there(place);
    test_equal("and is there at the end", kept, PLACES);
}

/*
 * ---- Lives.
 */

/* The disk is empty at first. */
static uint32_t count_lives(void)
{
    uint32_t *count = (uint32_t *)(void *)disk->pages[0];
    uint32_t lives;

    perform(BLKIF_OP_READ, COUNT_AT, 1);
    lives = ++*count;
    perform(BLKIF_OP_WRITE, COUNT_AT, 1);
    perform(BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
    return lives;
}

static _Noreturn void end_in_flight(void)
{
    for (unsigned i = 0; i < disk->nr_slots; i++)
        front_add(disk, front_put(disk, i % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE, SCRATCH + i * 8), i % FRONT_PAGES, 0,
                  7);
    front_send(disk);
    time_sleep(MS / 20); /* the back end has taken them, and the device has not */
    guest_shutdown(SHUTDOWN_reboot);
}

/* All that was asked for is answered, with errors, and then the disk is closed. */
static void be_lost(void)
{
    unsigned errors = 0;

    for (unsigned i = 0; i < disk->nr_slots; i++)
        front_add(disk, front_put(disk, BLKIF_OP_READ, i * PER_PAGE), i % FRONT_PAGES, 0, PER_PAGE - 1);
    front_send(disk);
    for (unsigned i = 0; i < disk->nr_slots; i++) {
        struct blkif_response response;

        while (!front_poll(disk, &response))
            time_sleep(MS);
        errors += response.id == i && response.status == BLKIF_RSP_ERROR;
    }
    test_equal("requests that are answered by errors", errors, disk->nr_slots);
    test_check(device_await_state(&disk->device, CLOSING), "it is closed", "state %u",
               device_back_state(&disk->device));
    device_set_state(&disk->device, CLOSED);
    test_check(device_await_state(&disk->device, CLOSED), "and stays so", "state %u", device_back_state(&disk->device));
}

void be_steady(struct front *front, unsigned rounds)
{
    uint64_t lives;

    disk = front;
    if (guest_option("lost", 0)) {
        be_lost();
        return;
    }
    lives = count_lives();
    use(rounds);
    if (lives < guest_option("lives", 1))
        end_in_flight();
    if (guest_option("deaths", 0))
        test_check(deaths >= guest_option("deaths", 0), "the disk has gone and come again", "%u times", deaths);
    else
        test_equal("how often it has gone and come again", deaths, 0);
    test_note("the disk has gone %u times; this is life %" PRIu64, deaths, lives);
}
