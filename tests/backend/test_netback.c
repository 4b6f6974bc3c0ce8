/* SPDX-License-Identifier: MIT */
/* Interfaces by their keys: right ones carry packets, wrong ones leave nothing behind (XSA-526, 527, 528, 531, 532). */
/* links: backend/netback.c backend/nettx.c backend/netrx.c backend/netring.c backend/switch.c backend/queue.c */
/* links: backend/rate.c backend/packet.c backend/headers.c backend/checksum.c backend/segment.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/lender.c tests/backend/lib/front.c */
/* links: tests/backend/lib/frames.c tests/backend/lib/keys.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/time.h>
#include <backend/netback.h>
#include <backend/switch.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <backend/xenbus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/front.h>
#include <tests/backend/lib/keys.h>
#include <tests/backend/lib/pool.h>

#define GUESTS       2u
#define TX_REF       500u /* of guest n: TX_REF + n */
#define RX_REF       600u
#define FIRST_PORT   20u
#define LOCAL_OFFSET 1000u /* the back end's port for the front end's */

static struct guest_of {
    struct xenbus_device device;
    struct key front[KEYS_MAX], back[KEYS_MAX];
    struct front_tx tx;
    struct front_rx rx;
    unsigned told_tx, told_rx;
} guests[GUESTS];

static const struct xenbus_type *type;
static unsigned mapped, bound, written, failures;
static bool again;
static uint64_t now, timer;
static struct frame frame;
static char uplink_name[SWITCH_NAME_MAX + 1];
static uint8_t uplink_mac[MAC_SIZE];
static uint8_t got[NETIF_RING_SLOTS * PAGE_SIZE];

/*
 * ---- What the back end stands on.
 */

void xenbus_register(const struct xenbus_type *registered)
{
    type = registered;
}

void xenbus_fail(struct xenbus_device *device, const char *format, ...)
{
    (void)format;
    device->failed = true;
    failures++;
}

static struct guest_of *guest_of(struct xenbus_device *device)
{
    return (struct guest_of *)device;
}

int xenbus_read_back(struct xenbus_device *device, const char *key, char *value, size_t size)
{
    return keys_read(guest_of(device)->back, key, value, size);
}

int xenbus_read_front_number(struct xenbus_device *device, const char *key, uint64_t max, uint64_t *number)
{
    return keys_read_number(guest_of(device)->front, key, max, number);
}

int xenbus_write_number(struct xenbus_device *device, const char *key, uint64_t number)
{
    (void)device, (void)number;
    assert_true(!strncmp(key, "feature-", 8));
    written++;
    return 0;
}

int grant_map_pages(struct grant_pages *pages, unsigned domain, const grant_ref_t *refs, unsigned count)
{
    assert_int_equal(domain, LENDER_DOMAIN);
    assert_int_equal(count, 1);
    *pages = (struct grant_pages){0};
    for (unsigned i = 0; i < GUESTS; i++) {
        if (*refs == TX_REF + i)
            pages->start = &guests[i].tx.page;
        if (*refs == RX_REF + i)
            pages->start = &guests[i].rx.page;
    }
    if (!pages->start)
        return -XEN_EINVAL;
    mapped++;
    return 0;
}

void grant_unmap_pages(struct grant_pages *pages)
{
    mapped -= pages->start != NULL;
    *pages = (struct grant_pages){0};
}

int event_bind_interdomain(unsigned domain, evtchn_port_t remote, event_handler *handler, evtchn_port_t *port)
{
    assert_int_equal(domain, LENDER_DOMAIN);
    handler(1);
    if (remote < FIRST_PORT || remote >= FIRST_PORT + 2 * GUESTS)
        return -XEN_EINVAL;
    *port = remote + LOCAL_OFFSET;
    bound++;
    return 0;
}

int event_close(evtchn_port_t port)
{
    assert_in_range(port, LOCAL_OFFSET + FIRST_PORT, LOCAL_OFFSET + FIRST_PORT + 2 * GUESTS - 1);
    bound--;
    return 0;
}

int event_send(evtchn_port_t port)
{
    struct guest_of *one = &guests[(port - LOCAL_OFFSET - FIRST_PORT) / 2];

    if ((port - LOCAL_OFFSET - FIRST_PORT) % 2)
        one->told_rx++;
    else
        one->told_tx++;
    return 0;
}

int timer_init(event_handler *handler)
{
    handler(1);
    return 0;
}

int timer_set(uint64_t deadline)
{
    timer = deadline;
    return 0;
}

uint64_t time_now(void)
{
    return now;
}

void work_again(void)
{
    again = true;
}

int uplink_join(const uint8_t mac[MAC_SIZE], const char *name)
{
    memcpy(uplink_mac, mac, MAC_SIZE);
    strcpy(uplink_name, name);
    return 0;
}

const char *errno_name(long error)
{
    (void)error;
    return "";
}

_Noreturn void guest_panic(const char *format, ...)
{
    (void)format;
    abort();
}

/*
 * ---- The guests.
 */

/* The keys of a front end that can do everything, with a port for each direction. */
static void start_guest(unsigned number)
{
    static char texts[GUESTS][4][8];
    struct guest_of *one = &guests[number];

    memset(one, 0, sizeof(*one));
    one->device.domain = LENDER_DOMAIN;
    front_tx_start(&one->tx, 0);
    front_rx_start(&one->rx, 0);
    sprintf(texts[number][0], "%u", TX_REF + number);
    sprintf(texts[number][1], "%u", RX_REF + number);
    sprintf(texts[number][2], "%u", FIRST_PORT + 2 * number);
    sprintf(texts[number][3], "%u", FIRST_PORT + 2 * number + 1);
    memcpy(one->front,
           (struct key[]){{"tx-ring-ref", texts[number][0]},
                          {"rx-ring-ref", texts[number][1]},
                          {"event-channel-tx", texts[number][2]},
                          {"event-channel-rx", texts[number][3]},
                          {"request-rx-copy", "1"},
                          {"feature-sg", "1"},
                          {"feature-gso-tcpv4", "1"},
                          {"feature-gso-tcpv6", "1"},
                          {"feature-ipv6-csum-offload", "1"},
                          {"feature-no-csum-offload", NULL},
                          {"event-channel", NULL}},
           11 * sizeof(struct key));
    one->back[0] = (struct key){"bridge", "net"};
    assert_int_equal(type->create(&one->device), 0);
}

static void connect_all(void)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        assert_int_equal(type->publish(&guests[i].device), 0);
        assert_int_equal(type->connect(&guests[i].device), 0);
        guests[i].device.open = true;
    }
}

static void run(void)
{
    do {
        again = false;
        for (unsigned i = 0; i < GUESTS; i++) {
            if (guests[i].device.open && !guests[i].device.failed)
                type->turn(&guests[i].device);
        }
    } while (again);
}

/* Guest @from sends a frame to all; gives what the other one has got. */
static int exchange(unsigned from, struct netif_rx_response *first, struct netif_extra_info *gso)
{
    struct guest_of *to = &guests[1 - from];
    int size;

    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = (uint8_t)(2 + from * 4);
    front_tx_send(&guests[from].tx, frame.bytes, frame.size, 1 + frame.size / PAGE_SIZE, NETTXF_csum_blank,
                  frame.version == 4 && frame.protocol == 6 ? 1 : 0, 1000);
    run();
    size = front_rx_take(&to->rx, got, first, gso);
    return size;
}

static void test_exchange(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;

    (void)state;
    connect_all();
    assert_int_equal(mapped, 4);
    assert_int_equal(bound, 4);
    assert_true(written > 4);
    for (unsigned i = 0; i < 20; i++) {
        front_rx_post(&guests[1 - i % 2].rx, 6);
        frame_make(&frame, 4, 6, 0, 20000);
        assert_int_equal(exchange(i % 2, &first, &gso), frame.size);
        assert_memory_equal(got, frame.bytes, frame.size);
        assert_int_equal(gso.u.gso.size, 1000);
        assert_int_equal(guests[1 - i % 2].rx.page.head.rsp_prod, guests[1 - i % 2].rx.produced);
    }
    assert_true(guests[0].told_tx && guests[0].told_rx && guests[1].told_tx && guests[1].told_rx);
    assert_int_equal(failures, 0);
}

/* What a front end cannot do is done for it. */
static void test_simple_front_end(void **state)
{
    static const char *const absent[] = {"feature-sg", "feature-gso-tcpv4", "feature-ipv6-csum-offload",
                                         "event-channel-tx", "event-channel-rx"};
    struct netif_rx_response first;
    struct netif_extra_info gso;
    unsigned done;

    (void)state;
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        keys_set(guests[1].front, absent[i], NULL);
    keys_set(guests[1].front, "event-channel", "22");
    connect_all();
    assert_int_equal(bound, 3);
    front_rx_post(&guests[1].rx, 100);
    frame_make(&frame, 4, 6, 0, 3500);
    assert_in_range(exchange(0, &first, &gso), frame.data + 1, frame.data + 1000);
    assert_int_equal(first.flags, NETRXF_data_validated);
    assert_true(frame_is_right(&frame, got, (unsigned)first.status));
    for (done = 1; front_rx_take(&guests[1].rx, got, &first, &gso); done++)
        assert_true(frame_is_right(&frame, got, (unsigned)first.status));
    assert_int_equal(done, 4);
    frame_make(&frame, 4, 17, 0, 5000); /* more than a page, and not to be cut */
    assert_int_equal(exchange(0, &first, &gso), 0);
    frame_make(&frame, 4, 17, 0, 1000);
    assert_int_equal(exchange(0, &first, &gso), frame.size);
    assert_int_equal(first.flags, NETRXF_data_validated);
    assert_true(frame_is_right(&frame, got, frame.size));
}

/* Each key with each value, then keys and values at random: an error leaves nothing, and the next connect is good. */
static const char *const values[] = {NULL, "",       "0",      "1",          "2",          "-1",
                                     "x",  "500",    "501",    "601",        "20",         "21",
                                     "24", "131072", "131073", "4294967295", "4294967296", "99999999999999999999999"};

static bool try_connect(void)
{
    int error = type->connect(&guests[0].device);

    if (!error) {
        type->turn(&guests[0].device);
        assert_true(type->disconnect(&guests[0].device));
    }
    assert_int_equal(mapped, 0);
    assert_int_equal(bound, 0);
    return !error;
}

static void xsa_526_illegal_keys(void **state)
{
    struct key good[KEYS_MAX];
    unsigned connected = 0;

    (void)state;
    memcpy(good, guests[0].front, sizeof(good));
    assert_int_equal(type->publish(&guests[0].device), 0);
    for (unsigned key = 0; good[key].name; key++) {
        for (unsigned value = 0; value < sizeof(values) / sizeof(values[0]); value++) {
            guests[0].front[key].value = values[value];
            connected += try_connect();
            guests[0].front[key].value = good[key].value;
            assert_true(try_connect());
        }
    }
    for (unsigned seed = 0; seed < 3000; seed++) {
        draw_seed(seed);
        for (unsigned n = 1 + draw_below(4); n--;)
            guests[0].front[draw_below(11)].value = DRAW_OF(values);
        connected += try_connect();
        memcpy(guests[0].front, good, sizeof(good));
        assert_true(try_connect());
    }
    assert_in_range(connected, 100, 2000);
    connect_all();
}

/* No pages to receive into by exchange, which nobody offers. */
static void test_flip(void **state)
{
    (void)state;
    assert_int_equal(type->publish(&guests[0].device), 0);
    keys_set(guests[0].front, "request-rx-copy", "0");
    assert_int_equal(type->connect(&guests[0].device), -XEN_EOPNOTSUPP);
    keys_set(guests[0].front, "request-rx-copy", NULL);
    assert_int_equal(type->connect(&guests[0].device), -XEN_EOPNOTSUPP);
}

static void test_own_keys(void **state)
{
    static const char *const macs[] = {"52:54:00:12:34", "52:54:00:12:34:5g", "52-54-00-12-34-56",
                                       "52:54:00:12:34:56:"};

    (void)state;
    keys_set(guests[0].back, "uplink", "52:54:00:aB:34:5f");
    assert_int_equal(type->publish(&guests[0].device), 0);
    assert_memory_equal(uplink_mac, "\x52\x54\x00\xab\x34\x5f", MAC_SIZE);
    assert_string_equal(uplink_name, "net");
    for (unsigned i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
        keys_set(guests[0].back, "uplink", macs[i]);
        assert_true(type->publish(&guests[0].device) < 0);
    }
    keys_set(guests[0].back, "uplink", NULL);
    keys_set(guests[0].back, "rate", "1");
    assert_true(type->publish(&guests[0].device) < 0);
    keys_set(guests[0].back, "rate", NULL);
    keys_set(guests[0].back, "bridge", "a name that is longer than any switch has");
    assert_true(type->publish(&guests[0].device) < 0);
}

/* Two megabytes a second: what is over waits for the timer, and nothing else does. */
static void test_rate(void **state)
{
    uint64_t begin;
    unsigned sent = 0;

    (void)state;
    keys_set(guests[0].back, "rate", "20000,10000");
    connect_all();
    frame_make(&frame, 4, 17, 0, 1000);
    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = 2;
    now = begin = UINT64_C(5000000000);
    while (sent < 1000) {
        struct netif_rx_response first;
        struct netif_extra_info gso;

        while (guests[0].tx.produced - guests[0].tx.page.head.rsp_prod < 100)
            front_tx_send(&guests[0].tx, frame.bytes, frame.size, 1, 0, 0, 0);
        front_rx_post(&guests[1].rx, 200 - (guests[1].rx.produced - guests[1].rx.consumed));
        run();
        while (front_rx_take(&guests[1].rx, got, &first, &gso))
            sent++;
        assert_true(timer > now);
        now = timer;
    }
    assert_in_range((now - begin) / 1000000, 1000 * (uint64_t)frame.size / 2000 - 20,
                    1000 * (uint64_t)frame.size / 2000 + 20);
}

/* A ring that is not in order costs its interface, and nobody else anything. */
static void xsa_374_a_bad_ring_and_then_the_end(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;

    (void)state;
    connect_all();
    guests[0].tx.page.head.req_prod += 1000;
    run();
    assert_int_equal(failures, 1);
    assert_true(guests[0].device.failed && !guests[1].device.failed);
    assert_true(type->disconnect(&guests[0].device));
    type->destroy(&guests[0].device);
    start_guest(0);
    guests[0].device.open = false;
    assert_int_equal(type->publish(&guests[0].device), 0);
    assert_int_equal(type->connect(&guests[0].device), 0);
    guests[0].device.open = true;
    front_rx_post(&guests[1].rx, 10);
    frame_make(&frame, 4, 17, 0, 1000);
    assert_int_equal(exchange(0, &first, &gso), frame.size);
    guests[1].rx.page.head.req_prod -= 20;
    run();
    assert_int_equal(failures, 2);
}

static void destroy_all(void)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        if (guests[i].device.open)
            assert_true(type->disconnect(&guests[i].device));
        type->destroy(&guests[i].device);
    }
    assert_int_equal(mapped, 0);
    assert_int_equal(bound, 0);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    lender_start();
    if (!type)
        netback_init();
    failures = 0;
    for (unsigned i = 0; i < GUESTS; i++)
        start_guest(i);
    return 0;
}

static int end(void **state)
{
    (void)state;
    destroy_all();
    pool_assert_full();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exchange, begin, end),
        cmocka_unit_test_setup_teardown(test_simple_front_end, begin, end),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys, begin, end),
        cmocka_unit_test_setup_teardown(test_flip, begin, end),
        cmocka_unit_test_setup_teardown(test_own_keys, begin, end),
        cmocka_unit_test_setup_teardown(test_rate, begin, end),
        cmocka_unit_test_setup_teardown(xsa_374_a_bad_ring_and_then_the_end, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
