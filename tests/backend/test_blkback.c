/* SPDX-License-Identifier: MIT */
/* Disks by their keys: right ones are served, wrong ones leave nothing behind, and who may write is what both say. */
/* links: tests/backend/lib/print_to.c tests/backend/lib/ends.c tests/backend/lib/bus.c */
/* links: backend/blkback.c backend/blkio.c backend/blkplan.c backend/blkring.c backend/work.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/keys.c tests/backend/lib/lent.c tests/backend/lib/fake_disk.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <backend/blkback.h>
#include <backend/blkring.h>
#include <backend/disk.h>
#include <backend/work.h>
#include <tests/backend/lib/bus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/ends.h>
#include <tests/backend/lib/fake_disk.h>
#include <tests/backend/lib/lent.h>

#define DOMAIN     7u
#define RING_PAGES 16u
#define RINGS      4u
#define FIRST_REF  500u /* of the ring's pages */
#define PORT       20u  /* of the first ring */

static struct xenbus_device device;
static uint64_t written_info;
static bool written_discard;
static _Alignas(PAGE_SIZE) uint8_t ring[RING_PAGES * PAGE_SIZE];
static unsigned told;

/*
 * ---- What the back end stands on.
 */

int xenbus_write_number(struct xenbus_device *of, const char *key, uint64_t number)
{
    (void)of;
    if (!strcmp(key, "info"))
        written_info = number;
    if (!strcmp(key, "feature-discard"))
        written_discard = number;
    return 0;
}

void *ends_find_pages(unsigned domain, const grant_ref_t *refs, unsigned count)
{
    assert_int_equal(domain, DOMAIN);
    assert_in_range(count, 1, RING_PAGES);
    for (unsigned i = 0; i < count; i++) {
        if (refs[i] < FIRST_REF || refs[i] >= FIRST_REF + RING_PAGES)
            return NULL;
    }
    return ring + (refs[0] - FIRST_REF) * PAGE_SIZE;
}

bool ends_has_port(unsigned domain, evtchn_port_t port)
{
    assert_int_equal(domain, DOMAIN);
    return port >= PORT && port < PORT + RINGS;
}

static void (*when_told)(void);

void ends_tell(evtchn_port_t port)
{
    told |= 1u << (port - PORT);
    if (when_told)
        when_told();
}

struct disk *disk_find(const char *name)
{
    return strcmp(name, "fake") ? NULL : &fake_disk;
}

void *pages_alloc(size_t count)
{
    return aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
}

size_t pages_free_count(void)
{
    return 1000;
}

void print(const char *format, ...)
{
    fail_msg("%s", format);
}

/*
 * ---- Tests.
 */

/* A disk that may be written, and a front end with a ring of four pages. */
static int begin(void **state)
{
    static const struct key good[] = {{"protocol", "x86_64-abi"}, {"event-channel", "20"}, {"ring-page-order", "2"},
                                      {"ring-ref0", "500"},       {"ring-ref1", "501"},    {"ring-ref2", "502"},
                                      {"ring-ref3", "503"},       {"ring-ref", NULL},      {"device-type", "disk"}};

    (void)state;
    if (!bus_type)
        blkback_init();
    memset(bus_front, 0, sizeof(bus_front));
    memset(bus_back, 0, sizeof(bus_back));
    memcpy(bus_front, good, sizeof(good));
    keys_set(bus_back, "params", "fake");
    keys_set(bus_back, "mode", "w");
    lent_start(0);
    fake_disk_start(8, 0);
    bus_failures = 0;
    device = (struct xenbus_device){.domain = DOMAIN};
    return bus_type->create(&device);
}

static int end(void **state)
{
    (void)state;
    bus_type->destroy(&device);
    assert_false(fake_disk.in_use);
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
    return 0;
}

/* A connect that fails leaves nothing, and one that does not is undone as a whole. */
static bool try_connect(void)
{
    int error;

    memset(ring, 0, sizeof(ring));
    error = bus_type->connect(&device);
    assert_int_equal(ends_bound, ends_mapped);
    assert_int_equal(ends_mapped != 0, !error);
    if (error)
        return false;
    assert_int_equal(bus_type->announce(&device), 0);
    bus_type->turn(&device);
    assert_true(bus_type->disconnect(&device));
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
    return true;
}

/* As many pages as the next order has, all of them lent; and a layout that nobody knows. */
static void test_not_offered_rings(void **state)
{
    static char names[32][12];

    (void)state;
    assert_int_equal(bus_type->publish(&device), 0);
    keys_set(bus_front, "protocol", "sparc-abi");
    assert_false(try_connect());
    keys_set(bus_front, "protocol", "x86_64-abi");
    for (unsigned i = 4; i < 32; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "ring-ref%u", i);
        keys_set(bus_front, names[i], "500");
    }
    keys_set(bus_front, "ring-page-order", "5");
    assert_false(try_connect());
}

/* Each key with each value, then several at random; after each the front end is served with good ones. */
static void xsa_526_illegal_keys_of_a_disk(void **state)
{
    static const char *const values[] = {NULL,         "",          "0",      "1",          "3",
                                         "4",          "5",         "-1",     "x",          "20",
                                         "500",        "515",       "516",    "519",        "x86_32-abi",
                                         "x86_64-abi", "sparc-abi", "131073", "4294967296", "99999999999999999999999"};
    struct key good[KEYS_MAX];
    unsigned connected = 0;

    (void)state;
    memcpy(good, bus_front, sizeof(good));
    assert_int_equal(bus_type->publish(&device), 0);
    assert_true(try_connect());
    for (unsigned key = 0; good[key].name; key++) {
        for (unsigned value = 0; value < sizeof(values) / sizeof(values[0]); value++) {
            bus_front[key].value = values[value];
            connected += try_connect();
            bus_front[key].value = good[key].value;
            assert_true(try_connect());
        }
    }
    for (unsigned seed = 0; seed < 3000; seed++) {
        draw_seed(seed);
        for (unsigned n = 1 + draw_below(4); n--;)
            bus_front[draw_below(9)].value = DRAW_OF(values);
        connected += try_connect();
        memcpy(bus_front, good, sizeof(good));
        assert_true(try_connect());
    }
    assert_in_range(connected, 100, 2500);
    assert_int_equal(bus_failures, 0);
}

/* Four rings, of one page each or of several. */
static void set_queues(bool large)
{
    static const struct key keys[] = {
        {"protocol", "x86_64-abi"},      {"ring-page-order", NULL},       {"multi-queue-num-queues", "4"},
        {"queue-0/event-channel", "20"}, {"queue-1/event-channel", "21"}, {"queue-2/event-channel", "22"},
        {"queue-3/event-channel", "23"}, {"queue-0/ring-ref", "500"},     {"queue-1/ring-ref", "504"},
        {"queue-2/ring-ref", "508"},     {"queue-3/ring-ref", "512"},     {"device-type", "disk"},
        {"queue-0/ring-ref0", NULL},     {"queue-0/ring-ref1", NULL},     {"queue-1/ring-ref0", NULL},
        {"queue-1/ring-ref1", NULL},     {"queue-2/ring-ref0", NULL},     {"queue-2/ring-ref1", NULL},
        {"queue-3/ring-ref0", NULL},     {"queue-3/ring-ref1", NULL},
    };
    static const char *const refs[] = {"500", "501", "504", "505", "508", "509", "512", "513"};

    memset(bus_front, 0, sizeof(bus_front));
    memcpy(bus_front, keys, sizeof(keys));
    if (!large)
        return;
    keys_set(bus_front, "ring-page-order", "1");
    for (unsigned i = 0; i < sizeof(refs) / sizeof(refs[0]); i++)
        bus_front[12 + i].value = refs[i];
}

/* Each of them is served, and only its own port is told. */
static void test_queues(void **state)
{
    (void)state;
    for (unsigned large = 0; large < 2; large++) {
        set_queues(large);
        assert_int_equal(bus_type->publish(&device), 0);
        memset(ring, 0, sizeof(ring));
        assert_int_equal(bus_type->connect(&device), 0);
        assert_int_equal(ends_mapped, RINGS);
        assert_int_equal(ends_bound, RINGS);
        for (unsigned i = 0; i < RINGS; i++) {
            struct sring_head *head = (struct sring_head *)(ring + i * 4 * PAGE_SIZE);
            struct blkif_request request = {
                .operation = BLKIF_OP_READ, .nr_segments = 1, .id = i, .seg = {{.gref = 1}}};

            memcpy(head + 1, &request, sizeof(request));
            head->req_prod = head->rsp_event = 1;
            told = 0;
            assert_int_equal(head->req_event, i ? 1 : 0); /* the first turn of all looks without */
            assert_true(ends_send(PORT + i));
            bus_type->turn(&device);
            fake_disk_finish(1);
            bus_type->turn(&device);
            assert_int_equal(told, 1u << i);
            assert_int_equal(head->rsp_prod, 1);
        }
        assert_true(bus_type->disconnect(&device));
        assert_int_equal(ends_mapped, 0);
        assert_int_equal(ends_bound, 0);
    }
}

/* More than are offered, none at all, and one without all of its keys. */
static void xsa_526_illegal_keys_of_rings(void **state)
{
    static const char *const numbers[] = {"0", "5", "256", "4294967296", "-1", "", "x"};
    static const char *const values[] = {NULL,  "",    "0",  "1",      "2",     "3",          "4",
                                         "x",   "20",  "21", "500",    "501",   "515",        "516",
                                         "504", "513", "24", "131073", "99999", "4294967296", "-1"};
    struct key good[KEYS_MAX];
    unsigned connected = 0;

    (void)state;
    set_queues(true);
    keys_set(bus_front, "queue-4/event-channel", "24"); /* of a ring that is not offered */
    keys_set(bus_front, "queue-4/ring-ref0", "502");
    keys_set(bus_front, "queue-4/ring-ref1", "503");
    memcpy(good, bus_front, sizeof(good));
    assert_int_equal(bus_type->publish(&device), 0);
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        keys_set(bus_front, "multi-queue-num-queues", numbers[i]);
        assert_false(try_connect());
    }
    for (unsigned i = 3; i < 7; i++) {
        memcpy(bus_front, good, sizeof(good));
        bus_front[i].value = NULL;
        assert_false(try_connect());
    }
    for (unsigned seed = 0; seed < 3000; seed++) {
        memcpy(bus_front, good, sizeof(good));
        assert_true(try_connect());
        draw_seed(seed);
        for (unsigned n = 1 + draw_below(3); n--;)
            bus_front[1 + draw_below(19)].value = DRAW_OF(values);
        connected += try_connect();
    }
    assert_in_range(connected, 100, 2500);
    assert_int_equal(bus_failures, 0);
}

/* The response to one write of a sector. */
static int16_t write_sector(void)
{
    struct sring_head *head = (struct sring_head *)ring;
    struct blkif_request request = {
        .operation = BLKIF_OP_WRITE, .nr_segments = 1, .seg = {{.gref = 1, .first_sect = 0, .last_sect = 0}}};
    struct blkif_response response;

    memset(ring, 0, sizeof(ring));
    memset(lent_pages[1], 0x5a, PAGE_SIZE);
    assert_int_equal(bus_type->connect(&device), 0);
    assert_int_equal(bus_type->announce(&device), 0);
    memcpy(head + 1, &request, sizeof(request));
    head->req_prod = 1;
    bus_type->turn(&device);
    fake_disk_finish(1);
    bus_type->turn(&device);
    assert_int_equal(head->rsp_prod, 1);
    memcpy(&response, head + 1, sizeof(response));
    assert_true(bus_type->disconnect(&device));
    return response.status;
}

/* A disk is written if both its mode and the device say so, in exactly that word, and its front end is told. */
static void xsa_142_a_mode_that_is_not_w_is_read_only(void **state)
{
    static const char *const modes[] = {NULL, "", "r", "W", "w ", " w", "rw", "w!", "write", "1"};

    (void)state;
    for (unsigned i = 0; i <= sizeof(modes) / sizeof(modes[0]); i++) {
        bool last = i == sizeof(modes) / sizeof(modes[0]); /* the right word, of a device that is not to be written */

        keys_set(bus_back, "mode", last ? "w" : modes[i]);
        fake_disk.read_only = last;
        assert_int_equal(bus_type->publish(&device), 0);
        assert_false(written_discard);
        assert_int_equal(write_sector(), BLKIF_RSP_ERROR);
        assert_true(written_info & VDISK_READONLY);
        assert_int_equal(fake_sectors[0][0], 0);
    }
    fake_disk.read_only = false;
    assert_int_equal(bus_type->publish(&device), 0);
    assert_true(written_discard);
    assert_int_equal(write_sector(), BLKIF_RSP_OKAY);
    assert_false(written_info & VDISK_READONLY);
    assert_int_equal(fake_sectors[0][0], 0x5a);
}

/*
 * ---- Events.
 */

#define LIVE_SLOTS 32u

static struct sring_head *const live_head = (struct sring_head *)ring;
static uint32_t live_produced;
static bool live_woken; /* an event has come since the last turn began */

/* One more request, while the back end may be in the middle of a turn; it has an event if it has asked for one. */
static void live_put(void)
{
    struct blkif_request request = {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = {{.gref = 1}}};

    if (live_produced - live_head->rsp_prod == LIVE_SLOTS)
        return;
    memcpy((struct blkif_request *)(live_head + 1) + live_produced % LIVE_SLOTS, &request, sizeof(request));
    live_head->req_prod = ++live_produced;
    if (live_head->req_event == live_produced)
        live_woken = ends_send(PORT);
}

/* Who hears of an answer asks for the next thing at once, and often enough. */
static void live_go_on(void)
{
    if (draw_below(3))
        live_put();
    live_head->rsp_event = live_head->rsp_prod + 1;
}

/* As the main loop has them: one more for as long as somebody wants one, or an event has come. */
static void live_turns(void)
{
    bool again = true;

    while (again || live_woken) {
        live_woken = false;
        (void)work_take();
        bus_type->turn(&device);
        again = work_take();
    }
}

/*
 * A back end that has turns only for a reason finds all that a front end asks it for, which tells it when it is asked
 * to and not otherwise: before the turn, behind it, or in it when the look is over.
 */
static void test_no_event_is_lost(void **state)
{
    (void)state;
    assert_int_equal(bus_type->publish(&device), 0);
    keys_set(bus_front, "ring-page-order", NULL);
    keys_set(bus_front, "ring-ref", "500");
    when_told = live_go_on;
    for (unsigned seed = 0; seed < 200; seed++) {
        draw_seed(seed);
        memset(ring, 0, sizeof(ring));
        live_produced = 0;
        live_head->req_event = live_head->rsp_event = 1;
        if (seed % 2)
            live_put(); /* before there is anybody to tell */
        assert_int_equal(bus_type->connect(&device), 0);
        live_woken = true; /* the xenstore's */
        for (unsigned step = 0; step < 100; step++) {
            live_turns();
            if (draw_below(2))
                live_put();
            if (draw_below(2)) {
                live_woken = fake_disk_has() || live_woken;
                fake_disk_finish(draw_below(3));
            }
        }
        for (live_turns(); fake_disk_has(); live_turns())
            fake_disk_finish(1), live_woken = true;
        assert_int_equal(live_head->rsp_prod, live_produced);
        assert_true(live_produced > 30);
        assert_true(bus_type->disconnect(&device));
    }
    when_told = NULL;
}

/* Nobody's ring is looked at for another's event, or for none. */
static void test_no_look_without_event(void **state)
{
    struct sring_head *head = (struct sring_head *)(ring + 4 * PAGE_SIZE);
    struct blkif_request request = {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = {{.gref = 1}}};

    (void)state;
    set_queues(false);
    assert_int_equal(bus_type->publish(&device), 0);
    memset(ring, 0, sizeof(ring));
    assert_int_equal(bus_type->connect(&device), 0);
    bus_type->turn(&device);
    memcpy(head + 1, &request, sizeof(request));
    head->req_prod = 1;
    bus_type->turn(&device);
    assert_int_equal(fake_disk_has(), 0);
    assert_true(ends_send(PORT + 1));
    bus_type->turn(&device);
    assert_int_equal(fake_disk_has(), 1);
    fake_disk_finish(1);
    bus_type->turn(&device);
    assert_int_equal(head->rsp_prod, 1);
    assert_true(bus_type->disconnect(&device));
}

/*
 * ---- The end.
 */

/* A flush is under way, which the disk is long at. */
static void begin_flush(void)
{
    struct sring_head *head = (struct sring_head *)ring;
    struct blkif_request request = {.operation = BLKIF_OP_FLUSH_DISKCACHE};

    memset(ring, 0, sizeof(ring));
    assert_int_equal(bus_type->connect(&device), 0);
    memcpy(head + 1, &request, sizeof(request));
    head->req_prod = 1;
    bus_type->turn(&device);
    assert_int_equal(fake_disk_has(), 1);
    assert_false(bus_type->disconnect(&device));
}

/* A guest that has gone has its ring back whatever the disk is at; one that closes its device hears the answer. */
static void test_end_in_flush(void **state)
{
    struct sring_head *head = (struct sring_head *)ring;

    (void)state;
    assert_int_equal(bus_type->publish(&device), 0);
    device.vanished = true;
    begin_flush();
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
    memset(ring, 0x5a, sizeof(ring)); /* somebody else's by now */
    fake_disk_finish(1);
    assert_true(bus_type->disconnect(&device));
    for (unsigned i = 0; i < sizeof(ring); i++)
        assert_int_equal(ring[i], 0x5a);
    device.vanished = false;
    begin_flush();
    assert_int_equal(ends_mapped, 1);
    fake_disk_finish(1);
    assert_true(bus_type->disconnect(&device));
    assert_int_equal(head->rsp_prod, 1);
}

/* A disk is one device's; who has gone has it no more. */
static void test_one_disk_one_device(void **state)
{
    struct xenbus_device other = {.domain = DOMAIN};

    (void)state;
    assert_int_equal(bus_type->publish(&device), 0);
    assert_int_equal(bus_type->publish(&device), 0); /* as when a transaction is tried again */
    assert_int_equal(bus_type->create(&other), 0);
    assert_int_equal(bus_type->publish(&other), -XEN_EBUSY);
    bus_type->destroy(&other);
    assert_true(fake_disk.in_use);
    keys_set(bus_back, "params", "none");
    assert_int_equal(bus_type->publish(&device), -XEN_ENODEV);
    keys_set(bus_back, "params", NULL);
    assert_int_equal(bus_type->publish(&device), -XEN_ENOENT);
    keys_set(bus_back, "params", "a name that is longer than any");
    assert_int_equal(bus_type->publish(&device), -XEN_E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_not_offered_rings, begin, end),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys_of_a_disk, begin, end),
        cmocka_unit_test_setup_teardown(test_queues, begin, end),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys_of_rings, begin, end),
        cmocka_unit_test_setup_teardown(xsa_142_a_mode_that_is_not_w_is_read_only, begin, end),
        cmocka_unit_test_setup_teardown(test_no_event_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_no_look_without_event, begin, end),
        cmocka_unit_test_setup_teardown(test_end_in_flush, begin, end),
        cmocka_unit_test_setup_teardown(test_one_disk_one_device, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
