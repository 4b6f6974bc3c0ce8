/* SPDX-License-Identifier: MIT */
/* The guest library's client of the xenstore, against servers that do what they should, nothing, or anything. */
/* links: tests/backend/lib/print_to.c */
/* links: guest/xenstore.c guest/xenstore_ring.c guest/errno.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/address.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <tests/backend/lib/draw.h>

#define MS UINT64_C(1000000)

static struct start_info start_info = {.store_evtchn = 1, .store_mfn = 1};
static struct xenstore_domain_interface ring;
static uint64_t now;

/* One chance of the server's: when it is told, and each time the client sleeps. */
static void (*server)(void);
static bool asleep;

/* Called when the client is about to sleep; NULL for nothing. */
static void (*just_before)(void);

static bool pending;
static unsigned sleeps, upcalls;

struct guest guest = {.start = &start_info};

void *mfn_to_virt(mfn_t mfn)
{
    (void)mfn;
    return &ring;
}

uint64_t time_now(void)
{
    return now += MS; /* so that nothing can go on for ever without noticing */
}

int event_send(evtchn_port_t port)
{
    (void)port;
    if (server)
        server();
    return 0;
}

void event_poll(evtchn_port_t port, uint64_t deadline)
{
    (void)port;
    (void)deadline;
    sleeps++;
    now += 100 * MS;
    asleep = true;
    if (server)
        server();
    asleep = false;
    pending = true;
}

void event_mask(evtchn_port_t port)
{
    (void)port;
    if (just_before)
        just_before();
}

void event_unmask(evtchn_port_t port)
{
    (void)port;
    upcalls += pending;
    pending = false;
}

void event_clear(evtchn_port_t port)
{
    (void)port;
    pending = false;
}

bool event_enabled(void)
{
    return true;
}

void event_set_handler(evtchn_port_t port, event_handler *handler)
{
    (void)port;
    (void)handler;
}

/*
 * ---- Servers.
 */

static uint8_t requests[8192];
static size_t nr_requested;
static const char *answer;
static uint32_t answer_type;

static void answer_with(uint32_t type, uint32_t id, const void *payload, uint32_t size)
{
    struct xsd_sockmsg head = {type, id, 0, size};

    for (uint32_t i = 0; i < sizeof(head); i++)
        ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = ((const char *)&head)[i];
    for (uint32_t i = 0; i < size; i++)
        ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = ((const char *)payload)[i];
}

/* Take what there is; true when a whole request is there, whose head *@head receives. */
static bool take_request(struct xsd_sockmsg *head)
{
    while (ring.req_cons != ring.req_prod && nr_requested < sizeof(requests))
        requests[nr_requested++] = (uint8_t)ring.req[MASK_XENSTORE_IDX(ring.req_cons++)];
    memcpy(head, requests, sizeof(*head));
    if (nr_requested < sizeof(*head) || nr_requested < sizeof(*head) + head->len)
        return false;
    nr_requested = 0;
    return true;
}

static void serve(void)
{
    struct xsd_sockmsg head;

    if (take_request(&head))
        answer_with(answer_type == XS_INVALID ? head.type : answer_type, head.req_id, answer, (uint32_t)strlen(answer));
}

/* The request is taken at once, and answered later. */
static void serve_slowly(void)
{
    static struct xsd_sockmsg head;
    static bool taken;

    taken = take_request(&head) || taken;
    if (taken && asleep)
        answer_with(head.type, head.req_id, answer, (uint32_t)strlen(answer));
    taken = taken && !asleep;
}

static void serve_others(void)
{
    struct xsd_sockmsg head;

    (void)take_request(&head);
    if (ring.rsp_prod - ring.rsp_cons < 512)
        answer_with(XS_READ, 123456, "x", 1);
}

static void serve_events(void)
{
    struct xsd_sockmsg head;

    (void)take_request(&head);
    if (ring.rsp_prod - ring.rsp_cons < 512)
        answer_with(XS_WATCH_EVENT, 0, "path\0007", 7);
}

static void serve_too_long(void)
{
    struct xsd_sockmsg head;

    if (!take_request(&head))
        return;
    answer_with(XS_READ, head.req_id, "", 0);
    head.len = XENSTORE_PAYLOAD_MAX + 1;
    memcpy(&ring.rsp[0], &head, sizeof(head));
}

static void serve_index(void)
{
    ring.rsp_prod = ring.rsp_cons + XENSTORE_RING_SIZE + 1;
}

static void serve_noise(void)
{
    draw_bytes(&ring.rsp, sizeof(ring.rsp));
    if (draw_below(4) == 0)
        memset(&ring.rsp[8 + draw_below(1000)], 0, 12); /* so that a length can be right */
    ring.rsp_prod += draw_below(100);
    if (draw_below(50) == 0)
        ring.rsp_prod = (uint32_t)draw();
    ring.req_cons += draw_below(20);
}

/* An empty ring, with this server at its other end. */
static void start(void (*how)(void), uint32_t type, const char *text)
{
    memset(&ring, 0, sizeof(ring));
    assert_int_equal(xenstore_init(), 0);
    server = how;
    answer_type = type;
    answer = text;
    nr_requested = 0;
}

/*
 * ---- Tests.
 */

static void test_values(void **state)
{
    char value[8];
    uint64_t number;
    size_t used;

    (void)state;
    start(serve, XS_INVALID, "value");
    assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), 0);
    assert_string_equal(value, "value");
    assert_int_equal(xenstore_read(0, "a", value, 5), -XEN_E2BIG);
    assert_int_equal(xenstore_write(0, "a", "1"), 0);
    assert_int_equal(xenstore_directory(0, "a", value, sizeof(value), &used), -XEN_EIO); /* no zero byte at the end */
    start(serve, XS_ERROR, "ENOENT");
    assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), -XEN_ENOENT);
    start(serve, XS_ERROR, "EWHATEVER");
    assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), -XEN_EIO);
    start(serve, XS_WRITE, "OK"); /* of another type than was asked */
    assert_int_equal(xenstore_read_number(0, "a", 9, &number), -XEN_EIO);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, number;
        int error;
    } cases[] = {{"0", 0, 0, 0},
                 {"1", 0, 0, -XEN_EINVAL},
                 {"007", 9, 7, 0},
                 {"18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
                 {"18446744073709551616", UINT64_MAX, 0, -XEN_EINVAL},
                 {"99999999999999999999", UINT64_MAX, 0, -XEN_EINVAL},
                 {"4294967295", UINT32_MAX, UINT32_MAX, 0},
                 {"4294967296", UINT32_MAX, 0, -XEN_EINVAL},
                 {"", 9, 0, -XEN_EINVAL},
                 {"-1", 9, 0, -XEN_EINVAL},
                 {"1 ", 9, 0, -XEN_EINVAL},
                 {"0x1", 9, 0, -XEN_EINVAL},
                 {"1111111111111111111111111", UINT64_MAX, 0, -XEN_EINVAL}};

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t number = 0;

        start(serve, XS_READ, cases[i].text);
        assert_int_equal(xenstore_read_number(0, "a", cases[i].max, &number), cases[i].error);
        assert_int_equal(number, cases[i].number);
    }
}

static void begin_again(void)
{
    struct xsd_sockmsg head;

    if (take_request(&head)) {
        bool begins = head.type == XS_TRANSACTION_START;

        answer_with(begins ? head.type : XS_ERROR, head.req_id, begins ? "7" : "EAGAIN", begins ? 1 : 6);
    }
}

static int count(uint32_t transaction, void *argument)
{
    assert_int_equal(transaction, 7);
    ++*(unsigned *)argument;
    return 0;
}

static void test_conflict_without_end(void **state)
{
    unsigned tries = 0;

    (void)state;
    start(begin_again, 0, "");
    assert_int_equal(xenstore_transaction(count, &tries), -XEN_EAGAIN);
    assert_int_equal(tries, XENSTORE_TRIES);
}

static unsigned told;

static void on_change(struct xenstore_watch *watch, const char *path)
{
    (void)watch;
    assert_string_equal(path, "path");
    told++;
}

/* Only events of the watch's own token count, and none after it is gone. */
static void test_watch(void **state)
{
    struct xenstore_watch watch = {.path = "path", .changed = on_change};
    char event[32] = "path";
    bool more;

    (void)state;
    start(serve, XS_INVALID, "OK");
    assert_int_equal(xenstore_watch(&watch), 0);
    answer_with(XS_WATCH_EVENT, 0, "path\0other", 11);
    (void)snprintf(event + 5, sizeof(event) - 5, "%u", watch.token);
    answer_with(XS_WATCH_EVENT, 0, event, (uint32_t)(6 + strlen(event + 5)));
    assert_int_equal(xenstore_poll(&more), 0);
    assert_int_equal(told, 1);
    answer_with(XS_WATCH_EVENT, 0, "path", 4); /* without a token, but that of the last one is still there */
    assert_int_equal(xenstore_poll(&more), 0);
    assert_int_equal(told, 1);
    assert_int_equal(xenstore_unwatch(&watch), 0);
    answer_with(XS_WATCH_EVENT, 0, event, (uint32_t)(6 + strlen(event + 5)));
    assert_int_equal(xenstore_poll(&more), 0);
    assert_int_equal(told, 1);
}

/* Whatever comes instead of a reply, there is an end to waiting. */
static void test_no_reply(void **state)
{
    static void (*const servers[])(void) = {NULL, serve_others, serve_events};
    char value[8];

    (void)state;
    for (unsigned i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        uint64_t begun = now;

        start(servers[i], 0, "");
        assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), -XEN_ETIMEDOUT);
        assert_in_range(now - begun, XENSTORE_PATIENCE, 2 * XENSTORE_PATIENCE);
    }
}

static void test_noise(void **state)
{
    char value[64];

    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        uint64_t begun = now;

        draw_seed(seed);
        start(serve_noise, 0, "");
        assert_true(xenstore_read(0, "a", value, sizeof(value)) < 0);
        assert_true(now - begun <= 2 * XENSTORE_PATIENCE);
    }
}

/* That the server did something is seen by a main loop that looks for upcalls: it may have been more than the reply. */
static void test_upcall_after_sleep(void **state)
{
    char value[8];

    (void)state;
    start(serve_slowly, XS_INVALID, "value");
    sleeps = upcalls = 0;
    assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), 0);
    assert_int_equal(sleeps, 1);
    assert_int_equal(upcalls, 1);
}

/* What comes between the look into the ring and the sleep is not slept over. */
static void test_reply_before_sleep(void **state)
{
    char value[8];

    (void)state;
    start(NULL, XS_INVALID, "value");
    just_before = serve;
    sleeps = 0;
    assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), 0);
    just_before = NULL;
    assert_int_equal(sleeps, 0);
}

/* An index or a length that cannot be ends the connection for good: what comes behind means nothing. */
static void test_broken(void **state)
{
    static void (*const servers[])(void) = {serve_index, serve_too_long};
    char value[8];

    (void)state;
    for (unsigned i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        start(servers[i], 0, "");
        assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), -XEN_EIO);
        server = serve;
        assert_int_equal(xenstore_read(0, "a", value, sizeof(value)), -XEN_EIO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_conflict_without_end),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_no_reply),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_upcall_after_sleep),
        cmocka_unit_test(test_reply_before_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
