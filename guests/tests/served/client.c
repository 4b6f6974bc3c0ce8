/* SPDX-License-Identifier: MIT */
/* A client, in order: what it finds; the device; ends. */
#include <abi/errno.h>
#include <abi/sched.h>
#include <guest/errno.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/served/served.h>

#define PATH_MAX     128u
#define MS           UINT64_C(1000000)
#define WAITS_MOST   20000u /* of a millisecond */
#define HELD_AT_MOST UINT64_C(10000000000)

static uint64_t *page;
static grant_ref_t ref;

/* "device/test/7/@key", which stays until the next call. */
static const char *path_of(const char *key)
{
    static char path[PATH_MAX];

    (void)print_to(path, sizeof(path), "device/%s/%u/%s", DEVICE_TYPE, DEVICE_ID, key);
    return path;
}

/* The number at @key of the back end's directory; @otherwise if it is not there. */
static uint64_t read_back(const char *key, uint64_t otherwise)
{
    char back[PATH_MAX], path[PATH_MAX];
    uint64_t value;

    if (xenstore_read(0, path_of("backend"), back, sizeof(back)))
        return otherwise;
    (void)print_to(path, sizeof(path), "%s/%s", back, key);
    return xenstore_read_number(0, path, UINT32_MAX, &value) ? otherwise : value;
}

static uint64_t own_state(void)
{
    uint64_t state;

    return xenstore_read_number(0, path_of("state"), STATE_MAX, &state) ? STATE_NONE : state;
}

static void write_number(const char *key, uint64_t number)
{
    test_need(xenstore_write_number(0, path_of(key), number), key);
}

static void wait_for(uint64_t (*read)(void), uint64_t wanted, const char *what)
{
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        if (read() == wanted)
            return;
        time_sleep(MS);
    }
    test_error("%s: %" PRIu64 ", and never %" PRIu64, what, read(), wanted);
}

static uint64_t back_state(void)
{
    return read_back("state", STATE_NONE);
}

/*
 * ---- The device.
 */

static void look_at_directory(void)
{
    char word[32] = "";

    test_equal("the device is new", own_state(), STATE_INITIALISING);
    test_need(xenstore_read(0, path_of("word"), word, sizeof(word)), "what the bundle says");
    test_check(strcmp(word, "of the front") == 0, "what the bundle says to the client", "\"%s\"", word);
}

static void use_device(void)
{
    if (!page) {
        page = page_alloc();
        memset(page, 0, PAGE_SIZE);
        test_need(grant_access((unsigned)guest_option("server", 0), page, 0, &ref), "a grant");
    }
    page[0] = WORD_OF_CLIENT;
    page[1] = 0;
    write_number("ring-ref", ref);
    write_number("state", STATE_INITIALISED);
    wait_for(back_state, STATE_CONNECTED, "state of the back end");
    test_equal("the word of the server", READ_ONCE(page[1]), WORD_OF_SERVER);
    test_equal("whose page is in use", (uint64_t)(int64_t)grant_end(ref), (uint64_t)(int64_t)-XEN_EBUSY);
    write_number("state", STATE_CONNECTED);
}

/* The back end domain has gone, and come back: the directory is new, and nobody has the page any more. */
static void use_again(void)
{
    wait_for(own_state, STATE_INITIALISING, "own state");
    wait_for(back_state, STATE_INIT_WAIT, "state of the back end");
    look_at_directory();
    test_equal("a new server knows nobody", read_back("visits", 0), 1);
    test_need(grant_end(ref), "the page is given back");
    page_free(page);
    page = NULL;
    use_device();
}

/*
 * ---- Ends.
 */

static void end_of_life(void)
{
    if (served_option("early=1") && time_now() < HELD_AT_MOST)
        guest_shutdown(SHUTDOWN_reboot);
    if (read_back("visits", 0) < guest_option("lives", 1))
        guest_shutdown(SHUTDOWN_reboot);
    if (served_option("end=crash"))
        guest_shutdown(SHUTDOWN_crash);
}

static void go_without(void)
{
    if (served_option("none=1"))
        test_equal("there is no such device", own_state(), STATE_NONE);
    else
        test_equal("nobody has looked at the device", back_state(), STATE_INITIALISING);
    if (served_option("alone=1"))
        test_check(time_now() >= HELD_AT_MOST, "it has waited", "%" PRIu64 " ns", time_now());
}

void be_client(void)
{
    test_need(grant_init(), "grants");
    if (served_option("none=1") || served_option("alone=1")) {
        go_without();
        return;
    }
    test_equal("the back end is ready before its guest starts", back_state(), STATE_INIT_WAIT);
    look_at_directory();
    use_device();
    if (served_option("kill=1"))
        write_number("kill", 1);
    if (served_option("kill=1") || served_option("again=1"))
        use_again();
    end_of_life();
}
