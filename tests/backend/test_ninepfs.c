/* SPDX-License-Identifier: MIT */
/*
 * Shares by their keys: right ones carry messages, wrong ones leave nothing behind; front ends that write what cannot
 * be, or disappear in the middle, cost themselves the device; and what the host's side does wrong costs no more.
 */
/* links: backend/ninepfs.c backend/ninepring.c backend/ninep.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/print.h>
#include <backend/ninepfs.h>
#include <backend/ninepring.h>
#include <backend/share.h>
#include <backend/xenbus.h>
#include <tests/backend/lib/draw.h>

#define DOMAIN       7u
#define RINGS        2u
#define ORDER_MAX    6u
#define HEAD_REF     100u /* of ring n: HEAD_REF + n */
#define DATA_REF     200u /* of its data: DATA_REF + 100 * n and on */
#define FIRST_PORT   20u
#define LOCAL_OFFSET 1000u
#define KEYS_MAX     16u

#define TVERSION 100u
#define TREAD    116u

static struct key {
    const char *name, *value; /* value NULL: absent */
} front[KEYS_MAX];

static const struct xenbus_type *type;
static struct xenbus_device device, other;
static const char *params;
static unsigned mapped, bound, failures, told[RINGS];
static unsigned refused; /* the nth mapping from now on fails; 0: none does */
static _Alignas(PAGE_SIZE) union {
    struct xen_9pfs_data_intf shared;
    uint8_t bytes[PAGE_SIZE];
} heads[RINGS];
static _Alignas(PAGE_SIZE) uint8_t data[RINGS][PAGE_SIZE << ORDER_MAX];

/*
 * ---- The xenstore, grants and events.
 */

void xenbus_register(const struct xenbus_type *registered)
{
    type = registered;
}

void xenbus_fail(struct xenbus_device *failed, const char *format, ...)
{
    (void)format;
    failed->failed = true;
    failures++;
}

int xenbus_read_back(struct xenbus_device *asked, const char *key, char *value, size_t size)
{
    (void)asked;
    assert_string_equal(key, "params");
    if (!params)
        return -XEN_ENOENT;
    if (strlen(params) >= size)
        return -XEN_E2BIG;
    strcpy(value, params);
    return 0;
}

static struct key *key_of(const char *name)
{
    struct key *key = front;

    while (key->name && strcmp(key->name, name) != 0)
        key++;
    return key;
}

int xenbus_read_front_number(struct xenbus_device *asked, const char *name, uint64_t max, uint64_t *number)
{
    const char *text = key_of(name)->value;
    char *end;

    (void)asked;
    if (!text)
        return -XEN_ENOENT;
    *number = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || *number > max ? -XEN_EINVAL : 0;
}

static unsigned offers;

int xenbus_write_number(struct xenbus_device *asked, const char *key, uint64_t number)
{
    static const struct {
        const char *key;
        unsigned number;
    } offered[] = {{"versions", 1}, {"max-rings", RINGS}, {"max-ring-page-order", ORDER_MAX}};

    (void)asked;
    for (unsigned i = 0; i < ARRAY_SIZE(offered); i++) {
        if (!strcmp(key, offered[i].key)) {
            assert_int_equal(number, offered[i].number);
            offers |= 1u << i;
        }
    }
    return 0;
}

size_t print_to(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buffer, size, format, args);
    va_end(args);
    assert_in_range(length, 1, size - 1);
    return (size_t)length;
}

int grant_map_pages(struct grant_pages *pages, unsigned domain, const grant_ref_t *refs, unsigned count)
{
    assert_int_equal(domain, DOMAIN);
    assert_in_range(count, 1, 1u << ORDER_MAX);
    *pages = (struct grant_pages){0};
    if (refused && --refused == 0)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < RINGS; i++) {
        if (count == 1 && *refs == HEAD_REF + i)
            pages->start = &heads[i];
        if (*refs == DATA_REF + 100 * i && refs[count - 1] == *refs + count - 1)
            pages->start = data[i];
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
    assert_int_equal(domain, DOMAIN);
    handler(1);
    if (remote < FIRST_PORT || remote >= FIRST_PORT + RINGS)
        return -XEN_EINVAL;
    *port = remote + LOCAL_OFFSET;
    bound++;
    return 0;
}

int event_close(evtchn_port_t port)
{
    assert_in_range(port, LOCAL_OFFSET + FIRST_PORT, LOCAL_OFFSET + FIRST_PORT + RINGS - 1);
    bound--;
    return 0;
}

int event_send(evtchn_port_t port)
{
    told[port - LOCAL_OFFSET - FIRST_PORT]++;
    return 0;
}

/*
 * ---- The host's side: it has what it was sent until the test answers.
 */

static struct share shares[2] = {{.name = "share-1-0"}, {.name = "share-1-1"}};
static uint8_t requests[SHARE_MESSAGES][SHARE_MESSAGE_MAX], replies[SHARE_MESSAGES][SHARE_MESSAGE_MAX];
static struct share_message messages[SHARE_MESSAGES];
static struct share_message *unused, *sent[SHARE_MESSAGES], *answered;
static unsigned nr_sent, starts;
static bool running, start_fails, has_failed;

struct share *share_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(shares); i++) {
        if (!strcmp(shares[i].name, name))
            return &shares[i];
    }
    return NULL;
}

static void free_all(void)
{
    unused = answered = NULL;
    nr_sent = 0;
    for (unsigned i = 0; i < SHARE_MESSAGES; i++) {
        messages[i] = (struct share_message){.next = unused, .request = requests[i], .reply = replies[i]};
        unused = &messages[i];
    }
}

int share_start(struct share *share)
{
    assert_false(running);
    assert_true(share->in_use);
    running = !start_fails;
    starts++;
    return running ? 0 : -XEN_EIO;
}

void share_stop(struct share *share)
{
    assert_true(share->in_use && running);
    running = has_failed = false;
    free_all();
}

bool share_is_idle(const struct share *share)
{
    (void)share;
    return nr_sent == 0;
}

bool share_has_failed(const struct share *share)
{
    (void)share;
    return has_failed;
}

struct share_message *share_get(struct share *share)
{
    struct share_message *message = unused;

    (void)share;
    if (message)
        unused = message->next;
    return message;
}

void share_put(struct share *share, struct share_message *message)
{
    (void)share;
    message->next = unused;
    unused = message;
}

int share_send(struct share *share, struct share_message *message)
{
    (void)share;
    assert_true(running);
    assert_in_range(message->request_size, NINEP_HEADER, SHARE_MESSAGE_MAX);
    assert_int_equal(ninep_size(message->request), message->request_size);
    assert_true(nr_sent < SHARE_MESSAGES);
    sent[nr_sent++] = message;
    return 0;
}

struct share_message *share_receive(struct share *share)
{
    struct share_message *message = answered;

    (void)share;
    if (message)
        answered = message->next;
    return message;
}

/* Answer the oldest request, by that many bytes with its number in them. */
static void answer(uint32_t size)
{
    struct share_message *message = sent[0], **end = &answered;

    assert_true(nr_sent > 0);
    memmove(sent, sent + 1, --nr_sent * sizeof(*sent));
    memset(message->reply, 0, size);
    memcpy(message->reply, &size, sizeof(size));
    memcpy(message->reply + 4, message->request + 4, 3);
    message->reply_size = size;
    message->next = NULL;
    while (*end)
        end = &(*end)->next;
    *end = message;
}

/*
 * ---- The front end.
 */

static void set_key(const char *name, const char *value)
{
    struct key *key = key_of(name);

    assert_true(key < front + KEYS_MAX - 1);
    *key = (struct key){name, value};
}

static void write_keys(void)
{
    memset(front, 0, sizeof(front));
    set_key("version", "1");
    set_key("num-rings", "2");
    set_key("ring-ref0", "100");
    set_key("ring-ref1", "101");
    set_key("event-channel-0", "20");
    set_key("event-channel-1", "21");
}

static void make_rings(unsigned order)
{
    memset(heads, 0, sizeof(heads));
    memset(data, 0, sizeof(data));
    for (unsigned i = 0; i < RINGS; i++) {
        heads[i].shared.ring_order = order;
        for (unsigned j = 0; j < 1u << order && j < 256; j++)
            heads[i].shared.ref[j] = DATA_REF + 100 * i + j;
    }
    memset(told, 0, sizeof(told));
}

static uint32_t half(unsigned ring)
{
    return 2048u << heads[ring].shared.ring_order;
}

static void put_bytes(unsigned ring, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        data[ring][half(ring) + heads[ring].shared.out_prod++ % half(ring)] = bytes[i];
}

/* A request of @size bytes, with a tag to know it by; @at may hold a number. */
static void ask(unsigned ring, uint8_t kind, uint16_t tag, uint32_t size, unsigned at, uint32_t number)
{
    static uint8_t bytes[SHARE_MESSAGE_MAX];

    memset(bytes, 0, size);
    memcpy(bytes, &size, 4);
    bytes[4] = kind;
    memcpy(bytes + 5, &tag, 2);
    memcpy(bytes + at, &number, at ? 4 : 0);
    put_bytes(ring, bytes, size);
}

/* The next reply's tag, and its size; -1: there is none. */
static int get_reply(unsigned ring, uint32_t *size)
{
    struct xen_9pfs_data_intf *shared = &heads[ring].shared;
    uint8_t header[7];

    if (shared->in_prod == shared->in_cons)
        return -1;
    for (unsigned i = 0; i < 7; i++)
        header[i] = data[ring][(shared->in_cons + i) % half(ring)];
    memcpy(size, header, 4);
    assert_true(*size <= shared->in_prod - shared->in_cons);
    shared->in_cons += *size;
    return header[5] | header[6] << 8;
}

static void turn(void)
{
    type->turn(&device);
}

/* Connected, with nothing but rings of that order between both. */
static void start(unsigned order)
{
    write_keys();
    make_rings(order);
    assert_int_equal(type->connect(&device), 0);
    assert_int_equal(mapped, 2 * RINGS);
    assert_int_equal(bound, RINGS);
}

static void expect_nothing_left(void)
{
    assert_int_equal(mapped, 0);
    assert_int_equal(bound, 0);
    assert_false(running);
}

static int set_up(void **state)
{
    (void)state;
    device = other = (struct xenbus_device){.domain = DOMAIN};
    params = "share-1-0";
    failures = refused = starts = 0;
    start_fails = has_failed = running = false;
    free_all();
    ninepfs_init();
    assert_string_equal(type->name, "9pfs");
    assert_int_equal(type->create(&device), 0);
    offers = 0;
    assert_int_equal(type->publish(&device), 0);
    assert_int_equal(offers, 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (running) {
        while (nr_sent)
            answer(7);
        assert_true(type->disconnect(&device));
    }
    expect_nothing_left();
    type->destroy(&device);
    assert_false(shares[0].in_use || shares[1].in_use);
    return 0;
}

/*
 * ---- What is offered, and to whom.
 */

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(type->create(&other), 0);
    assert_int_equal(type->publish(&other), -XEN_EBUSY);
    params = "share-1-1";
    assert_int_equal(type->publish(&other), 0);
    assert_int_equal(type->publish(&other), 0);
    assert_true(shares[0].in_use && shares[1].in_use);
    params = "share-9-9";
    assert_int_equal(type->publish(&other), -XEN_ENODEV);
    params = "a name that is longer than any share's";
    assert_int_equal(type->publish(&other), -XEN_E2BIG);
    params = NULL;
    assert_int_equal(type->publish(&other), -XEN_ENOENT);
    type->destroy(&other);
    assert_true(shares[0].in_use && !shares[1].in_use);
}

/* As many as xenbus has, each with a place of its own. */
static void test_places(void **state)
{
    static struct xenbus_device more[XENBUS_DEVICES_MAX];

    (void)state;
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX - 1; i++)
        assert_int_equal(type->create(&more[i]), 0);
    assert_int_equal(type->create(&more[XENBUS_DEVICES_MAX - 1]), -XEN_ENOMEM);
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX - 1; i++)
        type->destroy(&more[i]);
}

/* ---- Keys. */

static void expect_refused(void)
{
    assert_true(type->connect(&device) < 0);
    expect_nothing_left();
}

static void xsa_526_illegal_keys_of_a_share(void **state)
{
    static const char *const names[] = {"version",   "num-rings",       "ring-ref0",
                                        "ring-ref1", "event-channel-0", "event-channel-1"};
    static const char *const values[] = {NULL, "", "-1", "x", "4294967296", "99999999999999999999", "1x"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(values); j++) {
            write_keys();
            make_rings(2);
            set_key(names[i], values[j]);
            expect_refused();
        }
    }
    assert_int_equal(starts, 0);
    start(2);
}

static void test_values(void **state)
{
    static const struct key bad[] = {{"version", "0"},         {"version", "2"},         {"num-rings", "0"},
                                     {"num-rings", "3"},       {"ring-ref1", "7"},       {"ring-ref0", "102"},
                                     {"event-channel-1", "0"}, {"event-channel-0", "22"}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_keys();
        make_rings(2);
        set_key(bad[i].name, bad[i].value);
        expect_refused();
    }
    write_keys();
    set_key("num-rings", "1");
    set_key("ring-ref1", NULL);
    make_rings(2);
    assert_int_equal(type->connect(&device), 0);
    assert_int_equal(mapped, 2);
}

static void test_orders(void **state)
{
    static const uint32_t bad[] = {0, 7, 8, 31, 32, 63, 64, 0x7fffffff, 0x80000000, UINT32_MAX};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_keys();
        make_rings(2);
        heads[i % RINGS].shared.ring_order = bad[i];
        expect_refused();
    }
    write_keys();
    make_rings(3);
    heads[1].shared.ref[7]++;
    expect_refused();
    for (unsigned order = 1; order <= ORDER_MAX; order++) {
        start(order);
        assert_true(type->disconnect(&device));
        expect_nothing_left();
    }
}

/* Each step fails once; what comes after finds all as it was. */
static void test_early_errors(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        write_keys();
        make_rings(2);
        refused = i;
        expect_refused();
    }
    start_fails = true;
    write_keys();
    make_rings(2);
    expect_refused();
    start_fails = false;
    start(2);
}

/* ---- Messages. */

static void test_messages(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    for (uint16_t tag = 0; tag < 2000; tag++) {
        unsigned ring = tag % RINGS;

        ask(ring, 24, tag, 7 + tag % 1000, 0, 0);
        turn();
        assert_int_equal(nr_sent, 1);
        assert_int_equal(told[ring], tag / RINGS * 2 + 1);
        assert_int_equal(heads[ring].shared.out_cons, heads[ring].shared.out_prod);
        answer(7 + tag % 3000);
        turn();
        assert_int_equal(told[ring], tag / RINGS * 2 + 2);
        assert_int_equal(get_reply(ring, &size), tag);
        assert_int_equal(size, 7 + tag % 3000);
        assert_int_equal(get_reply(!ring, &size), -1);
    }
    turn();
    assert_int_equal(told[0] + told[1], 4000);
    assert_int_equal(failures, 0);
}

/* More requests than messages: those of one ring wait until another's have been answered. */
static void test_more_than_messages(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    for (uint16_t tag = 0; tag < SHARE_MESSAGES; tag++)
        ask(1, 24, tag, 20, 0, 0);
    turn();
    ask(0, 24, 77, 20, 0, 0);
    turn();
    assert_int_equal(nr_sent, SHARE_MESSAGES);
    answer(10);
    turn();
    assert_int_equal(nr_sent, SHARE_MESSAGES);
    assert_int_equal(sent[SHARE_MESSAGES - 1]->request[5], 77);
    assert_int_equal(get_reply(1, &size), 0);
}

/* Replies stay where they are until their ring has room, in their order, and hold up no other ring's. */
static void test_no_room(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    ask(0, 24, 1, 20, 0, 0);
    ask(0, 24, 2, 20, 0, 0);
    ask(0, 24, 3, 20, 0, 0);
    turn();
    answer(8000);
    answer(500);
    answer(7);
    turn();
    ask(1, 24, 9, 20, 0, 0);
    turn();
    answer(7);
    turn();
    assert_int_equal(get_reply(1, &size), 9);
    assert_int_equal(get_reply(0, &size), 1);
    assert_int_equal(get_reply(0, &size), -1);
    turn();
    assert_int_equal(get_reply(0, &size), 2);
    assert_int_equal(get_reply(0, &size), 3);
    assert_int_equal(failures, 0);
}

/* What a session agrees on is no more than the rings hold, and holds for what follows. */
static void test_session(void **state)
{
    uint32_t number;

    (void)state;
    for (unsigned order = 1; order <= ORDER_MAX; order++) {
        uint32_t most = 2048u << order < SHARE_MESSAGE_MAX ? 2048u << order : SHARE_MESSAGE_MAX;

        start(order);
        ask(0, TVERSION, 1, 21, 7, UINT32_MAX);
        turn();
        memcpy(&number, sent[0]->request + 7, 4);
        assert_int_equal(number, most);
        answer(21);
        ask(0, TREAD, 2, 23, 19, UINT32_MAX);
        turn();
        memcpy(&number, sent[0]->request + 19, 4);
        assert_int_equal(number, most - 11);
        answer(most);
        turn();
        assert_int_equal(failures, 0);
        assert_true(type->disconnect(&device));
    }
}

/* ---- Front ends that write what cannot be. */

static void expect_failure(void)
{
    turn();
    assert_int_equal(failures, 1);
    failures = 0;
    device.failed = false;
    while (nr_sent) {
        assert_false(type->disconnect(&device));
        answer(7);
    }
    assert_true(type->disconnect(&device));
    expect_nothing_left();
}

static void test_hostile_sizes(void **state)
{
    static const uint32_t sizes[] = {0, 1, 6, 8193, 65537, 0x7fffffff, 0x80000000, UINT32_MAX};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t header[7] = {0};

        start(2);
        ask(1, 24, 1, 20, 0, 0);
        memcpy(header, &sizes[i], 4);
        put_bytes(i % RINGS, header, 7);
        expect_failure();
    }
    /* Beyond what the session has agreed on. */
    start(4);
    ask(0, TVERSION, 1, 21, 7, 4096);
    turn();
    answer(21);
    ask(0, 24, 2, 4096, 0, 0);
    turn();
    assert_int_equal(failures, 0);
    ask(0, 24, 2, 4097, 0, 0);
    expect_failure();
}

static void test_hostile_indexes(void **state)
{
    (void)state;
    start(2);
    heads[1].shared.out_prod += 8193;
    expect_failure();
    start(2);
    ask(0, 24, 1, 20, 0, 0);
    turn();
    answer(20);
    heads[0].shared.in_cons = 1;
    expect_failure();
}

/* A reply that the ring cannot hold: the device's sizes are another session's, or a lie. */
static void test_large_reply(void **state)
{
    (void)state;
    start(1);
    ask(0, 24, 1, 20, 0, 0);
    turn();
    answer(4097);
    expect_failure();
}

static void test_share_fails(void **state)
{
    (void)state;
    start(2);
    ask(0, 24, 1, 20, 0, 0);
    turn();
    has_failed = true;
    turn();
    assert_int_equal(failures, 1);
    assert_true(type->disconnect(&device)); /* what is under way never comes back */
    expect_nothing_left();
    failures = 0;
    test_messages(NULL);
}

/* ---- The end in the middle, at every step. */

static void test_disappearing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        draw_seed(seed);
        start(1 + draw_below(3));
        for (unsigned step = draw_below(30); step > 0 && !failures; step--) {
            unsigned ring = draw_below(RINGS);

            switch (draw_below(5)) {
            case 0:
                heads[ring].shared.out_prod += draw_below(40);
                break;
            case 1:
                draw_bytes(data[ring], draw_below(2) ? 64 : sizeof(data[ring]));
                break;
            case 2:
                if (nr_sent)
                    answer(7 + draw_below(4000));
                break;
            case 3:
                heads[ring].shared.in_cons = heads[ring].shared.in_prod - draw_below(3000) * draw_below(2);
                break;
            default:
                ask(ring, (uint8_t)draw(), (uint16_t)draw(), 23 + draw_below(100), 19, (uint32_t)draw());
            }
            turn();
        }
        for (; nr_sent; answer(7 + draw_below(5000)))
            assert_false(type->disconnect(&device));
        assert_true(type->disconnect(&device));
        expect_nothing_left();
        failures = 0;
        device.failed = false;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_places),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys_of_a_share, set_up, tear_down),
        TEST(test_values),
        TEST(test_orders),
        TEST(test_early_errors),
        TEST(test_messages),
        TEST(test_more_than_messages),
        TEST(test_no_room),
        TEST(test_session),
        TEST(test_hostile_sizes),
        TEST(test_hostile_indexes),
        TEST(test_large_reply),
        TEST(test_share_fails),
        TEST(test_disappearing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
