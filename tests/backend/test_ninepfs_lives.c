/* SPDX-License-Identifier: MIT */
/*
 * The back end domain ends and comes again, with a session of a front end's that has not: roots are attached anew, what
 * was under way is answered by an error, and other fids are stale.
 */
/* links: backend/ninepfs.c backend/ninepring.c backend/ninep.c backend/ninepkept.c tests/backend/lib/draw.c */
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
#include <backend/ninepfs.h>
#include <backend/ninepkept.h>
#include <backend/share.h>
#include <backend/xenbus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/keys.h>
#include <tests/backend/lib/share_front.h>
#include <tests/backend/lib/share_host.h>

#define RLERROR 7u
#define TWALK   110u
#define TREAD   116u

static const struct key front[] = {{"version", "1"},     {"num-rings", "2"},        {"ring-ref0", "100"},
                                   {"ring-ref1", "101"}, {"event-channel-0", "20"}, {"event-channel-1", "21"},
                                   {NULL, NULL}};
static const struct xenbus_type *type;
static struct xenbus_device device;
static unsigned failures;

void xenbus_register(const struct xenbus_type *registered)
{
    type = registered;
}

void xenbus_fail(struct xenbus_device *failed, const char *format, ...)
{
    (void)failed, (void)format;
    failures++;
}

int xenbus_read_back(struct xenbus_device *asked, const char *key, char *value, size_t size)
{
    (void)asked, (void)key, (void)size;
    strcpy(value, "share-1-0");
    return 0;
}

int xenbus_read_front_number(struct xenbus_device *asked, const char *name, uint64_t max, uint64_t *number)
{
    (void)asked;
    return keys_read_number(front, name, max, number);
}

int xenbus_write_number(struct xenbus_device *asked, const char *key, uint64_t number)
{
    (void)asked, (void)key, (void)number;
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

static int set_up(void **state)
{
    (void)state;
    device = (struct xenbus_device){.domain = NINEP_DOMAIN};
    failures = ninep_refused = 0;
    host_begin();
    ninepfs_init();
    assert_int_equal(type->create(&device), 0);
    assert_int_equal(type->publish(&device), 0);
    ninep_make_rings(2);
    assert_int_equal(type->connect(&device), 0);
    return 0;
}

/* Without a word to the front end. */
static void die(void)
{
    while (!type->disconnect(&device))
        host_answer(7);
    assert_int_equal(ninep_mapped, 0);
}

static int tear_down(void **state)
{
    (void)state;
    die();
    type->destroy(&device);
    return 0;
}

static void live_again(void)
{
    die();
    assert_int_equal(type->connect(&device), 0);
}

static void turn(void)
{
    type->turn(&device);
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
    do_one(TWALK, 1);
    do_one(NINEP_TCLUNK, 2);
}

static void expect_error(unsigned ring, int tag, uint32_t error)
{
    uint32_t number;
    uint8_t answer;

    assert_int_equal(ninep_get_answer(ring, &answer, &number), tag);
    assert_int_equal(answer, RLERROR);
    assert_int_equal(number, error);
}

static void test_resumed(void **state)
{
    uint32_t number;
    uint8_t answer;

    (void)state;
    begin_session();
    for (unsigned life = 0; life < 3; life++) {
        ninep_ask(1, TREAD, 10, 23, NINEP_HEADER, 7);
        ninep_ask(1, NINEP_TFLUSH, 11, 23, NINEP_HEADER, 7);
        ninep_ask(1, NINEP_TCLUNK, 12, 23, NINEP_HEADER, 7);
        ninep_ask(1, TREAD, 13, 23, NINEP_HEADER, 7);
        turn();
        assert_int_equal(host_nr_sent, SHARE_MESSAGES);
        ninep_ask(1, TREAD, 14, 23, NINEP_HEADER, 7); /* which nobody has taken */
        turn();
        live_again();
        expect_asked(NINEP_TVERSION, 8192);
        expect_asked(NINEP_TATTACH, 1);
        expect_asked(NINEP_TATTACH, 3);
        turn();
        expect_error(1, 10, NINEP_EIO);
        assert_int_equal(ninep_get_answer(1, &answer, &number), 11);
        assert_int_equal(answer, NINEP_TFLUSH + 1);
        assert_int_equal(ninep_get_answer(1, &answer, &number), 12);
        assert_int_equal(answer, NINEP_TCLUNK + 1);
        expect_error(1, 13, NINEP_EIO);
        turn();
        assert_int_equal(host_nr_sent, 1);
        assert_int_equal(host_sent[0]->request[5], 14);
        host_serve(NINEP_ENOENT);
        turn();
        expect_error(1, 14, NINEP_ESTALE);
        ninep_ask(0, TWALK, 15, 23, NINEP_HEADER, 7);
        ninep_data[0][(2048u << 2) + (ninep_heads[0].shared.out_prod - 8) % (2048u << 2)] = 1; /* a name to walk to */
        turn();
        host_serve(NINEP_ENOENT);
        turn();
        expect_error(0, 15, NINEP_ENOENT);
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
    assert_int_equal(failures, 0);
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

/* It is closing, and answers until the front end has heard of it. */
static void test_refused(void **state)
{
    (void)state;
    begin_session();
    for (uint16_t tag = 0; tag < 100; tag++) {
        ninep_ask(tag % 2, TREAD, tag, 23, NINEP_HEADER, 7);
        type->refuse(&device);
        expect_error(tag % 2, tag, NINEP_EIO);
    }
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
    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        unsigned asked = 0;

        draw_seed(seed);
        begin_session();
        for (unsigned i = draw_below(200); i; i--)
            ninep_heads[draw_below(2)].bytes[NINEPKEPT_AT + draw_below(draw_below(2) ? 300 : 2048)] = (uint8_t)draw();
        live_again();
        turn();
        for (; host_nr_sent; turn(), asked++) {
            assert_int_equal(host_nr_sent, 1);
            assert_in_range(host_sent[0]->request_size, NINEP_HEADER, NINEPKEPT_SIZE);
            assert_true(host_sent[0]->request[4] ==
                        (asked || host_sent[0]->request[4] == NINEP_TATTACH ? NINEP_TATTACH : NINEP_TVERSION));
            host_serve(draw_below(2));
        }
        assert_in_range(asked, 0, NINEPKEPT_MAX);
        do_one(NINEP_TVERSION, 8192);
        assert_int_equal(failures, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scribbled, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
