/* SPDX-License-Identifier: MIT */
/* The server, in order: one device; all of them, each time that something has changed; the end. */
#include <abi/sched.h>
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/served/served.h>

#define CLIENTS_MAX 8u /* numbers below that */
#define PATH_MAX    128u
#define MS          UINT64_C(1000000)

static struct client {
    unsigned visits; /* how often it has been new */
    struct grant_pages page;
} clients[CLIENTS_MAX];

/* "backend/test/N/7/@key", which stays until the next call. */
static const char *path_of(unsigned number, const char *key)
{
    static char path[PATH_MAX];

    (void)print_to(path, sizeof(path), "backend/%s/%u/%u/%s", DEVICE_TYPE, number, DEVICE_ID, key);
    return path;
}

static uint64_t read_state(const char *path)
{
    uint64_t state;

    return xenstore_read_number(0, path, STATE_MAX, &state) ? STATE_NONE : state;
}

/* The node @key of the front end's directory, as a number; @otherwise if there is none. */
static uint64_t read_front(unsigned number, const char *key, uint64_t otherwise)
{
    char front[PATH_MAX], path[PATH_MAX];
    uint64_t value;

    if (xenstore_read(0, path_of(number, "frontend"), front, sizeof(front)))
        return otherwise;
    (void)print_to(path, sizeof(path), "%s/%s", front, key);
    return xenstore_read_number(0, path, UINT32_MAX, &value) ? otherwise : value;
}

/* A client may be gone at each step, and its directory with it: then there is nothing to say. */
static void set_state(unsigned number, uint64_t state)
{
    (void)!xenstore_write_number(0, path_of(number, "state"), state);
}

static void greet(unsigned number)
{
    struct client *client = &clients[number];
    char word[32] = "";

    test_need(xenstore_read(0, path_of(number, "word"), word, sizeof(word)), "what the bundle says");
    test_check(strcmp(word, "of the back") == 0, "what the bundle says to the server", "\"%s\"", word);
    grant_unmap_pages(&client->page);
    (void)!xenstore_write_number(0, path_of(number, "visits"), ++client->visits);
    set_state(number, STATE_INIT_WAIT);
}

static void connect(unsigned number)
{
    struct client *client = &clients[number];
    grant_ref_t ref = (grant_ref_t)read_front(number, "ring-ref", 0);
    uint64_t *words;

    if (client->page.start || grant_map_pages(&client->page, number, &ref, 1))
        return;
    words = client->page.start;
    test_equal("the word of a client", READ_ONCE(words[0]), WORD_OF_CLIENT);
    WRITE_ONCE(words[1], WORD_OF_SERVER);
    set_state(number, STATE_CONNECTED);
}

/*
 * ---- All of them.
 */

static void look_at(unsigned number)
{
    uint64_t state = read_state(path_of(number, "state"));

    if (state == STATE_NONE && !served_option("keep=1"))
        grant_unmap_pages(&clients[number].page);
    if (state == STATE_INITIALISING)
        greet(number);
    if (state == STATE_INIT_WAIT && read_front(number, "state", STATE_NONE) == STATE_INITIALISED)
        connect(number);
}

/* Somebody wants to see the server crash; it does when all are at work, so that each sees the same. */
static void crash_if_wanted(void)
{
    bool wanted = false;

    for (unsigned number = 1; number < CLIENTS_MAX; number++) {
        wanted |= read_front(number, "kill", 0) == 1;
        if (read_state(path_of(number, "state")) != STATE_NONE &&
            read_front(number, "state", STATE_NONE) != STATE_CONNECTED)
            return;
    }
    if (wanted)
        guest_shutdown(SHUTDOWN_crash);
}

static bool changed;

static void note(struct xenstore_watch *watch, const char *path)
{
    (void)watch;
    (void)path;
    changed = true;
}

static void look_at_all(void)
{
    changed = false;
    for (unsigned number = 1; number < CLIENTS_MAX; number++)
        look_at(number);
    crash_if_wanted();
}

/* Front ends' directories may be read, each with all that is in it, and so heard of. */
static void watch_all(void)
{
    static struct xenstore_watch own = {.path = "backend", .changed = note};
    static struct xenstore_watch others = {.path = "/local/domain", .changed = note};

    test_need(xenstore_watch(&own), "a watch of the own directory");
    test_need(xenstore_watch(&others), "a watch of the others'");
}

/*
 * ---- The end.
 */

static _Noreturn void stay_idle(void)
{
    for (;;)
        time_sleep(1000 * MS);
}

_Noreturn void be_server(void)
{
    bool more;

    if (served_option("crash=1"))
        guest_shutdown(SHUTDOWN_crash);
    if (served_option("idle=1"))
        stay_idle();
    print("the server begins\n");
    time_sleep(guest_option("delay", 0) * MS);
    watch_all();
    for (;;) {
        uint64_t seen = event_upcalls;

        test_need(xenstore_poll(&more), "the xenstore");
        if (changed)
            look_at_all();
        event_disable();
        if (seen == event_upcalls && !more && !changed)
            event_wait();
        event_enable();
    }
}
