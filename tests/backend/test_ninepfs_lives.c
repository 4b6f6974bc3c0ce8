/* SPDX-License-Identifier: MIT */
/*
 * The back end domain ends and comes again, with a session of a front end's that has not: roots are attached anew, what
 * was under way is answered by an error, and other fids are stale.
 */
/* links: tests/backend/lib/print_to.c tests/backend/lib/bus.c */
/* links: backend/ninepfs.c backend/ninepring.c backend/ninep.c backend/ninepkept.c backend/ninepfids.c */
/* links: backend/work.c tests/backend/lib/draw.c tests/backend/lib/ends.c */
/* links: tests/backend/lib/keys.c tests/backend/lib/share_host.c tests/backend/lib/share_front.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/ninep.h>
#include <backend/ninepfids.h>
#include <backend/ninepfs.h>
#include <backend/share.h>
#include <backend/work.h>
#include <tests/backend/lib/bus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/ends.h>
#include <tests/backend/lib/share_front.h>
#include <tests/backend/lib/share_host.h>

#define RLERROR 7u
#define TREAD   116u

static struct xenbus_device device;

int xenbus_write_number(struct xenbus_device *asked, const char *key, uint64_t number)
{
    (void)asked, (void)key, (void)number;
    return 0;
}

static int set_up(void **state)
{
    static const struct key front[] = {{"version", "1"},     {"num-rings", "2"},        {"ring-ref0", "100"},
                                       {"ring-ref1", "101"}, {"event-channel-0", "20"}, {"event-channel-1", "21"}};

    (void)state;
    memcpy(bus_front, front, sizeof(front));
    keys_set(bus_back, "params", "share-1-0");
    device = (struct xenbus_device){.domain = NINEP_DOMAIN};
    bus_failures = ninep_refused = 0;
    host_begin();
    ninepfs_init();
    assert_int_equal(bus_type->create(&device), 0);
    assert_int_equal(bus_type->publish(&device), 0);
    ninep_make_rings(2);
    assert_int_equal(bus_type->connect(&device), 0);
    return 0;
}

/* Without a word to the front end. */
static void die(void)
{
    while (!bus_type->disconnect(&device))
        host_answer(7);
    assert_int_equal(ends_mapped, 0);
}

static int tear_down(void **state)
{
    (void)state;
    die();
    bus_type->destroy(&device);
    return 0;
}

static void live_again(void)
{
    die();
    assert_int_equal(bus_type->connect(&device), 0);
}

static void turn(void)
{
    bus_type->turn(&device);
}

/* A request that is asked, served and answered, the number behind its header being @fid. */
static void do_one(uint8_t kind, uint32_t fid)
{
    uint32_t number;
    uint8_t answer;

    ninep_ask(0, kind, 5, 23, NINEP_HEADER, fid);
    turn();
    assert_int_equal(host_nr_sent, 1);
    host_serve(0);
    turn();
    assert_int_equal(ninep_get_answer(0, &answer, &number), 5);
    assert_int_equal(answer, kind + 1);
}

/* What the host has now to do: that alone. */
static void expect_asked(uint8_t kind, uint32_t fid)
{
    turn();
    assert_int_equal(host_nr_sent, 1);
    assert_int_equal(host_sent[0]->request_size, 23);
    assert_int_equal(host_sent[0]->request[4], kind);
    assert_int_equal(ninep_fid(host_sent[0]->request), fid);
    host_serve(0);
}

static void begin_session(void)
{
    do_one(NINEP_TVERSION, 8192);
    do_one(NINEP_TATTACH, 1);
    do_one(NINEP_TATTACH, 2);
    do_one(NINEP_TATTACH, 3);
    do_one(NINEP_TCLUNK, 2);
}

/*
 * ---- Fids.
 */

static uint8_t request[200];
static uint32_t used;

static void begin_request(uint8_t kind, uint32_t fid)
{
    memset(request, 0, sizeof(request));
    request[4] = kind;
    request[5] = 5;
    memcpy(request + NINEP_HEADER, &fid, sizeof(fid));
    used = NINEP_HEADER + sizeof(fid);
}

static void put_number(uint32_t number, unsigned size)
{
    memcpy(request + used, &number, size);
    used += size;
}

static void put_name(const char *name)
{
    put_number((uint32_t)strlen(name), 2);
    memcpy(request + used, name, strlen(name));
    used += (uint32_t)strlen(name);
}

/* It is asked, served and answered. */
static void do_request(void)
{
    uint32_t number;
    uint8_t answer;

    memcpy(request, &used, sizeof(used));
    ninep_put_bytes(0, request, used);
    turn();
    assert_int_equal(host_nr_sent, 1);
    host_serve(0);
    turn();
    assert_int_equal(ninep_get_answer(0, &answer, &number), 5);
}

static void make_walk(uint32_t from, uint32_t to, unsigned count, const char *name)
{
    begin_request(NINEP_TWALK, from);
    put_number(to, 4);
    put_number(count, 2);
    while (count--)
        put_name(name);
}

static void walk(uint32_t from, uint32_t to, unsigned count, const char *name)
{
    make_walk(from, to, count, name);
    do_request();
}

static void make_open(uint32_t fid, uint32_t flags)
{
    begin_request(NINEP_TLOPEN, fid);
    put_number(flags, 4);
}

/* What has been made is what the host is asked for now, but for the tag. */
static void expect_request(void)
{
    turn();
    assert_int_equal(host_nr_sent, 1);
    assert_int_equal(host_sent[0]->request_size, used);
    assert_memory_equal(host_sent[0]->request + 7, request + 7, used - 7);
    assert_int_equal(host_sent[0]->request[4], request[4]);
    host_serve(0);
}

static void expect_error(unsigned ring, int tag, uint32_t error)
{
    uint32_t number;
    uint8_t answer;

    assert_int_equal(ninep_get_answer(ring, &answer, &number), tag);
    assert_int_equal(answer, RLERROR);
    assert_int_equal(number, error);
}

/* Requests that have been taken, and one that has not. */
static void ask_and_die(void)
{
    ninep_ask(1, TREAD, 10, 23, NINEP_HEADER, 7);
    ninep_ask(1, NINEP_TFLUSH, 11, 23, NINEP_HEADER, 7);
    ninep_ask(1, NINEP_TCLUNK, 12, 23, NINEP_HEADER, 7);
    ninep_ask(1, TREAD, 13, 23, NINEP_HEADER, 7);
    turn();
    assert_int_equal(host_nr_sent, SHARE_MESSAGES);
    ninep_ask(1, TREAD, 14, 23, NINEP_HEADER, 7);
    turn();
    live_again();
}

/* What was taken is an error, but for what ends something; what was not is carried out, with a fid that is stale. */
static void expect_lost(void)
{
    uint32_t number;
    uint8_t answer;

    turn();
    expect_error(1, 10, NINEP_EIO);
    assert_int_equal(ninep_get_answer(1, &answer, &number), 11);
    assert_int_equal(answer, NINEP_TFLUSH + 1);
    expect_error(1, 13, NINEP_EIO);
    turn();
    assert_int_equal(host_nr_sent, 2);
    assert_int_equal(host_sent[0]->request[5], 12);
    assert_int_equal(host_sent[1]->request[5], 14);
    host_serve(0);
    host_serve(NINEP_ENOENT);
    turn();
    assert_int_equal(ninep_get_answer(1, &answer, &number), 12);
    assert_int_equal(answer, NINEP_TCLUNK + 1);
    expect_error(1, 14, NINEP_ESTALE);
}

/* A name that is not there is not there. */
static void expect_no_name(void)
{
    ninep_ask(0, NINEP_TWALK, 15, 23, NINEP_HEADER, 7);
    ninep_data[0][(2048u << 2) + (ninep_heads[0].shared.out_prod - 8) % (2048u << 2)] = 1; /* names to walk to */
    turn();
    host_serve(NINEP_ENOENT);
    turn();
    expect_error(0, 15, NINEP_ENOENT);
}

static void test_resumed(void **state)
{
    (void)state;
    begin_session();
    for (unsigned life = 0; life < 3; life++) {
        ask_and_die();
        expect_asked(NINEP_TVERSION, 8192);
        expect_asked(NINEP_TATTACH, 1);
        expect_asked(NINEP_TATTACH, 3);
        expect_lost();
        expect_no_name();
    }
    do_one(NINEP_TVERSION, 4096); /* a new session, of which nothing is stale */
    ninep_ask(1, TREAD, 16, 23, NINEP_HEADER, 7);
    turn();
    host_serve(NINEP_ENOENT);
    turn();
    expect_error(1, 16, NINEP_ENOENT);
    live_again();
    expect_asked(NINEP_TVERSION, 4096);
    turn();
    assert_int_equal(host_nr_sent, 0);
    assert_int_equal(bus_failures, 0);
}

/* A file that is open twice, once by a name that leads through another fid, and one that was made. */
static void use_fids(void)
{
    walk(1, 10, 2, "ab");
    walk(10, 11, 0, "");
    make_open(11, 02 | 01000);
    do_request();
    walk(10, 12, 1, "c");
    make_open(12, 0);
    do_request();
    walk(3, 13, 1, "d");
    begin_request(NINEP_TLCREATE, 13);
    put_name("new");
    put_number(02 | 0100 | 0200, 4);
    put_number(0644, 4);
    put_number(0, 4);
    do_request();
    walk(1, 14, 1, "gone");
    do_one(NINEP_TCLUNK, 14);
    walk(77, 15, 1, "x"); /* from where nobody knows */
}

static void expect_walk_to_created(void)
{
    begin_request(NINEP_TWALK, 3);
    put_number(13, 4);
    put_number(2, 2);
    put_name("d");
    put_name("new");
    expect_request();
}

static void expect_fids_again(void)
{
    make_walk(1, 10, 2, "ab");
    expect_request();
    make_walk(1, 11, 2, "ab");
    expect_request();
    make_open(11, 02);
    expect_request();
    begin_request(NINEP_TWALK, 1);
    put_number(12, 4);
    put_number(3, 2);
    put_name("ab");
    put_name("ab");
    put_name("c");
    expect_request();
    make_open(12, 0);
    expect_request();
    expect_walk_to_created();
    make_open(13, 02);
    expect_request();
}

static void expect_session_again(void)
{
    expect_asked(NINEP_TVERSION, 8192);
    expect_asked(NINEP_TATTACH, 1);
    expect_asked(NINEP_TATTACH, 3);
}

static void test_fids(void **state)
{
    (void)state;
    host_file = 1234;
    begin_session();
    use_fids();
    for (unsigned life = 0; life < 3; life++) {
        live_again();
        expect_session_again();
        expect_fids_again();
        turn();
        assert_int_equal(host_nr_sent, 0);
    }
    do_one(NINEP_TCLUNK, 1); /* with the root goes what was found from it */
    live_again();
    expect_asked(NINEP_TVERSION, 8192);
    expect_asked(NINEP_TATTACH, 3);
    expect_walk_to_created();
    make_open(13, 02);
    expect_request();
    turn();
    assert_int_equal(host_nr_sent, 0);
}

/* What is there by those names now is another file: it is let go of, and the front end's fid is stale. */
static void test_other_files(void **state)
{
    (void)state;
    host_file = 1234;
    begin_session();
    use_fids();
    live_again();
    host_file = 1235;
    expect_session_again();
    make_walk(1, 10, 2, "ab");
    expect_request();
    begin_request(NINEP_TCLUNK, 10);
    expect_request();
    make_walk(1, 11, 2, "ab");
    expect_request();
    begin_request(NINEP_TCLUNK, 11);
    expect_request();
    for (turn(); host_nr_sent; turn())
        host_serve(0);
    ninep_ask(1, TREAD, 16, 23, NINEP_HEADER, 11);
    turn();
    host_serve(NINEP_ENOENT);
    turn();
    expect_error(1, 16, NINEP_ESTALE);
    live_again();
    expect_session_again();
    turn();
    assert_int_equal(host_nr_sent, 0);
}

/* It had begun nothing: the first request is carried out as if it had not been taken. */
static void test_first_request(void **state)
{
    (void)state;
    ninep_ask(0, NINEP_TVERSION, 5, 23, NINEP_HEADER, 8192);
    turn();
    live_again();
    expect_asked(NINEP_TVERSION, 8192);
    turn();
    assert_int_equal(host_nr_sent, 0);
}

/* Until the loop sleeps. */
static void run(void (*once)(struct xenbus_device *device))
{
    do
        once(&device);
    while (work_take());
}

/* More than there are messages: those that were taken are errors, and the others follow without another event. */
static void test_many_lost(void **state)
{
    const uint16_t lost = SHARE_MESSAGES, more = 3;

    (void)state;
    begin_session();
    for (uint16_t tag = 0; tag < lost; tag++)
        ninep_ask(1, TREAD, tag, 23, NINEP_HEADER, 7);
    turn();
    for (uint16_t tag = 0; tag < more; tag++)
        ninep_ask(1, TREAD, (uint16_t)(lost + tag), 23, NINEP_HEADER, 7);
    live_again();
    expect_session_again();
    run(bus_type->turn);
    for (uint16_t tag = 0; tag < lost; tag++)
        expect_error(1, tag, NINEP_EIO);
    assert_int_equal(host_nr_sent, more);
    assert_int_equal(host_sent[0]->request[5], lost);
}

/* Its fid is the front end's to use again, whatever becomes of it. */
static void test_lost_remove(void **state)
{
    uint32_t number;
    uint8_t answer;

    (void)state;
    host_file = 1234;
    begin_session();
    walk(1, 10, 1, "a");
    ninep_ask(1, NINEP_TREMOVE, 6, 23, NINEP_HEADER, 10);
    turn();
    live_again();
    expect_session_again();
    make_walk(1, 10, 1, "a");
    expect_request();
    expect_asked(NINEP_TREMOVE, 10);
    turn();
    assert_int_equal(ninep_get_answer(1, &answer, &number), 6);
    assert_int_equal(answer, NINEP_TREMOVE + 1);
}

/* It is closing, and answers until the front end has heard of it. */
static void test_refused(void **state)
{
    (void)state;
    begin_session();
    for (uint16_t tag = 0; tag < 100; tag++)
        ninep_ask(tag % 2, TREAD, tag, 23, NINEP_HEADER, 7);
    run(bus_type->refuse);
    for (uint16_t tag = 0; tag < 100; tag++)
        expect_error(tag % 2, tag, NINEP_EIO);
    assert_int_equal(host_nr_sent, 0);
}

/* All roots that there is room for; and none that is too long to be kept. */
static void test_many_roots(void **state)
{
    (void)state;
    do_one(NINEP_TVERSION, 8192);
    for (uint32_t fid = 0; fid < 100; fid++)
        do_one(NINEP_TATTACH, fid);
    live_again();
    expect_asked(NINEP_TVERSION, 8192);
    for (uint32_t fid = 0; fid < NINEPKEPT_MAX - 1; fid++)
        expect_asked(NINEP_TATTACH, fid);
    turn();
    assert_int_equal(host_nr_sent, 0);
}

/* The front end writes there as it likes: it is asked for what a front end may ask for, once each, and no more. */
static void test_scribbled(void **state)
{
    static const uint8_t allowed[] = {NINEP_TVERSION, NINEP_TATTACH, NINEP_TWALK, NINEP_TLOPEN, NINEP_TCLUNK};

    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        unsigned asked = 0;

        draw_seed(seed);
        begin_session();
        for (uint32_t fid = 10; fid < 30; fid++)
            walk(draw_below(2) ? 1 : fid - 1, fid, draw_below(3), "name");
        for (unsigned i = draw_below(200); i; i--)
            ninep_heads[draw_below(2)].bytes[NINEPFIDS_AT + draw_below(PAGE_SIZE - NINEPFIDS_AT)] = (uint8_t)draw();
        live_again();
        turn();
        for (; host_nr_sent; turn(), asked++) {
            assert_int_equal(host_nr_sent, 1);
            assert_in_range(host_sent[0]->request_size, NINEP_HEADER, NINEPFIDS_REQUEST);
            assert_non_null(memchr(allowed, host_sent[0]->request[4], sizeof(allowed)));
            host_serve(draw_below(2));
        }
        assert_in_range(asked, 0, NINEPKEPT_MAX + 3 * NINEPFIDS_MAX);
        do_one(NINEP_TVERSION, 8192);
        assert_int_equal(bus_failures, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scribbled, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
