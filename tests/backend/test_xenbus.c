/* SPDX-License-Identifier: MIT */
/*
 * Devices of a type that is easily hindered, whose front ends walk through states at random, vanish and come back: what
 * is called is called in order, nothing stays behind, and a good front end is served afterwards (XSA-350).
 */
/* links: tests/backend/lib/print_to.c */
/* links: backend/xenbus.c backend/xenbus_state.c backend/work.c guest/errno.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/nodes.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/work.h>
#include <backend/xenbus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/nodes.h>

#define STEPS   100000u
#define DEVICES 3u

/*
 * ---- The others.
 */

static const char *back(unsigned device, const char *key)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "backend/vbd/%u/51712%s", device + 1, key);
    return path;
}

static const char *front(unsigned device, const char *key)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/51712%s", device + 1, key);
    return path;
}

/* Which devices there are. */
static bool made[DEVICES];

static void make(unsigned device)
{
    made[device] = true;
    nodes_set(back(device, "/online"), "1");
    nodes_set(back(device, "/state"), "1");
    nodes_set(front(device, "/state"), "1");
}

static void end(unsigned device)
{
    made[device] = false;
    nodes_set(back(device, ""), NULL);
    nodes_set(front(device, ""), NULL);
}

/*
 * ---- The type.
 */

/* How the type fares: one in so many calls fails, none if it is 0. */
static unsigned hindered;

static struct data {
    bool used, open, leaving; /* leaving: refuse() or disconnect() has been called */
    unsigned refused;         /* calls of refuse() */
    unsigned in_flight;       /* calls of it until it is done */
} datas[DEVICES];

/* How often each has been the first to have its turn; somebody has had one. */
static unsigned first_turns[DEVICES];
static bool had_turn;

static bool fails(void)
{
    return hindered && draw_below(hindered) == 0;
}

void print(const char *format, ...)
{
    (void)format;
}

static unsigned nr_told;

/* Of a failure. */
void print_list(const char *format, va_list args)
{
    (void)format;
    (void)args;
    nr_told++;
}

static int create(struct xenbus_device *device)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (!datas[i].used) {
            datas[i] = (struct data){.used = true};
            device->data = &datas[i];
            return 0;
        }
    }
    fail_msg("more devices than directories");
    return 0;
}

static int publish(struct xenbus_device *device)
{
    assert_false(((struct data *)device->data)->open);
    assert_int_equal(device->transaction, 1);
    return fails() ? -XEN_ENODEV : xenbus_write(device, "feature", "1");
}

static int connect(struct xenbus_device *device)
{
    struct data *data = device->data;

    assert_true(data->used && !data->open);
    assert_int_equal(device->state, XENBUS_INIT_WAIT);
    if (fails())
        end(device->domain - 1); /* the guest ends meanwhile */
    if (fails())
        return -XEN_EINVAL;
    data->open = true;
    data->leaving = false;
    data->in_flight = hindered ? draw_below(4) : 0;
    return 0;
}

static int announce(struct xenbus_device *device)
{
    return fails() ? -XEN_EINVAL : xenbus_write(device, "sectors", "8");
}

static void turn(struct xenbus_device *device)
{
    const struct data *data = device->data;

    assert_true(data->open && !data->leaving);
    if (!had_turn)
        first_turns[device->domain - 1]++;
    had_turn = true;
    if (fails())
        xenbus_fail(device, "it did what it may not");
}

static bool disconnect(struct xenbus_device *device)
{
    struct data *data = device->data;

    assert_true(data->used && data->open);
    data->leaving = true;
    if (data->in_flight) {
        data->in_flight--;
        return false;
    }
    data->open = false;
    return true;
}

static void destroy(struct xenbus_device *device)
{
    struct data *data = device->data;

    assert_true(data->used && !data->open);
    data->used = false;
}

static void refuse(struct xenbus_device *device)
{
    struct data *data = device->data;

    assert_true(data->open && device->state == XENBUS_CLOSING);
    data->leaving = true;
    data->refused++;
}

static const struct xenbus_type type = {"vbd", create, publish, connect, announce, turn, disconnect, destroy, refuse};

/*
 * ---- What is served.
 */

static void settle(void)
{
    for (unsigned i = 0; i < 60; i++)
        xenbus_turn();
}

static unsigned used(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < DEVICES; i++)
        count += datas[i].used;
    return count;
}

static void back_is(unsigned device, const char *state)
{
    settle();
    assert_non_null(nodes_get(back(device, "/state")));
    assert_string_equal(nodes_get(back(device, "/state")), state);
}

/* From nothing to a connected device, and through the close that Linux and Mini-OS do. */
static void is_served(unsigned device)
{
    make(device);
    back_is(device, "2");
    assert_string_equal(nodes_get(back(device, "/feature")), "1");
    nodes_set(front(device, "/state"), "3");
    back_is(device, "4");
    assert_string_equal(nodes_get(back(device, "/sectors")), "8");
    nodes_set(front(device, "/state"), "4");
    back_is(device, "4");
    nodes_set(front(device, "/state"), "5");
    back_is(device, "5");
    nodes_set(front(device, "/state"), "6");
    back_is(device, "6");
    nodes_set(front(device, "/state"), "1");
    back_is(device, "2");
}

static void one_step(void)
{
    static const char *const garbage[] = {"", "9", "-1", "4294967296", "4 ", "x"};
    unsigned device = draw_below(DEVICES);
    char digit[2] = {(char)('0' + draw_below(9)), '\0'};

    switch (draw_below(12)) {
    case 0:
        end(device);
        break;
    case 1:
        make(device); /* which may be there already */
        break;
    case 2:
        nodes_set(front(device, "/state"), DRAW_OF(garbage));
        break;
    case 3:
        nodes_set(front(device, ""), NULL);
        break;
    case 4:
        if (nodes_get(back(device, "/state")))
            nodes_set(back(device, "/online"), draw_below(2) ? "1" : "0");
        break;
    case 5:
    case 6:
    case 7:
        nodes_set(front(device, "/state"), digit);
        break;
    default:
        xenbus_turn();
    }
    for (unsigned i = 0; i < DEVICES; i++)
        assert_true(made[i] || !nodes_get(back(i, "/state"))); /* nothing is written where nothing is */
}

static void xsa_350_states_at_random(void **state)
{
    (void)state;
    draw_seed(3);
    for (unsigned step = 0; step < STEPS; step++) {
        hindered = 6;
        nodes_make_conflicts(8);
        one_step();
        if (step % 500)
            continue;
        for (unsigned device = 0; device < DEVICES; device++)
            end(device);
        settle();
        for (unsigned device = 0; device < DEVICES; device++)
            assert_null(nodes_get(back(device, "/state")));
        assert_int_equal(used(), 0);
        assert_int_equal(nodes_watched(), 1);
        hindered = 0;
        is_served(draw_below(DEVICES));
    }
}

/* The front end of device 0 is connected, and whatever has been is over. */
static struct data *connect_first(void)
{
    hindered = 0;
    nodes_make_conflicts(0);
    for (unsigned device = 0; device < DEVICES; device++)
        end(device);
    settle();
    make(0);
    back_is(0, "2");
    nodes_set(front(0, "/state"), "4");
    back_is(0, "4");
    return &datas[0];
}

/* It has its rings, and answers, until the front end has heard of the end. */
static void test_unplugged(void **state)
{
    struct data *data = connect_first();

    (void)state;
    assert_int_equal(data->refused, 0);
    nodes_set(back(0, "/online"), "0");
    back_is(0, "5");
    assert_true(data->open && data->refused > 1);
    nodes_set(front(0, "/state"), "6");
    back_is(0, "6");
    assert_false(data->open);
}

/* In its last life the back end answers those that wait, and closes. */
static void test_last_life(void **state)
{
    (void)state;
    (void)connect_first();
    end(0);
    settle();
    make(0);
    nodes_set(back(0, "/online"), "0");
    nodes_set(front(0, "/state"), "4");
    had_turn = false;
    back_is(0, "5");
    assert_true(datas[0].open && datas[0].refused && !had_turn);
    end(0);
    settle();
    assert_int_equal(used(), 0);
    make(0);
    nodes_set(back(0, "/online"), "0");
    back_is(0, "6"); /* nobody waits */
    assert_int_equal(datas[0].refused, 0);
}

/* While a request is in flight the directory goes, and is made anew: the old device ends, then there is a new one. */
static void test_made_anew(void **state)
{
    (void)state;
    hindered = 0;
    nodes_make_conflicts(0);
    end(0);
    settle();
    make(0);
    back_is(0, "2");
    end(0);
    make(0); /* before anybody has looked */
    back_is(0, "2");
    nodes_set(front(0, "/state"), "4");
    back_is(0, "4");
    for (unsigned i = 0; i < DEVICES; i++)
        datas[i].in_flight = 5;
    end(0);
    make(0);
    xenbus_turn();
    assert_true(datas[0].open || datas[1].open || datas[2].open);
    back_is(0, "2");
    assert_string_equal(nodes_get(back(0, "/feature")), "1");
}

/* What cannot be offered says so, and is not tried for ever. */
static void test_not_offered(void **state)
{
    (void)state;
    end(0);
    settle();
    hindered = 1;
    make(0);
    back_is(0, "6");
    while (work_take())
        ;
    xenbus_turn();
    assert_false(work_take());
    hindered = 0;
    nodes_set(front(0, "/state"), "6");
    settle();
    nodes_set(front(0, "/state"), "1");
    back_is(0, "2");
}

/* A front end that has failed closes, and is at the start again before anybody has looked. */
static void test_begun_anew_at_once(void **state)
{
    (void)state;
    hindered = 0;
    end(0);
    settle();
    make(0);
    back_is(0, "2");
    nodes_set(front(0, "/state"), "4");
    back_is(0, "4");
    hindered = 1;
    xenbus_turn();
    hindered = 0;
    back_is(0, "5");
    nodes_set(front(0, "/state"), "6");
    while (strcmp(nodes_get(back(0, "/state")), "6") != 0)
        xenbus_turn();
    nodes_set(front(0, "/state"), "1");
    back_is(0, "2");
}

/* A front end that fails for ever does not fill the log; it is served as ever. */
static void test_told_of_now_and_then(void **state)
{
    (void)state;
    (void)connect_first();
    nr_told = 0;
    for (unsigned i = 0; i < 40; i++) {
        hindered = 1;
        xenbus_turn();
        hindered = 0;
        back_is(0, "5");
        nodes_set(front(0, "/state"), "6");
        back_is(0, "6");
        nodes_set(front(0, "/state"), "1");
        back_is(0, "2");
        nodes_set(front(0, "/state"), "4");
        back_is(0, "4");
        assert_int_equal(nr_told, i < 16 ? i + 1 : 16);
    }
}

/* Nobody is always the first, who takes what room there is before the others. */
static void test_each_is_first(void **state)
{
    (void)state;
    hindered = 0;
    for (unsigned i = 0; i < DEVICES; i++) {
        end(i);
        settle();
        make(i);
        back_is(i, "2");
        nodes_set(front(i, "/state"), "4");
        back_is(i, "4");
    }
    memset(first_turns, 0, sizeof(first_turns));
    for (unsigned i = 0; i < 10 * DEVICES; i++) {
        had_turn = false;
        xenbus_turn();
    }
    for (unsigned i = 0; i < DEVICES; i++)
        assert_int_equal(first_turns[i], 10);
}

static int start(void **state)
{
    (void)state;
    nodes_start();
    xenbus_register(&type);
    return xenbus_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_350_states_at_random), cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_not_offered),         cmocka_unit_test(test_begun_anew_at_once),
        cmocka_unit_test(test_each_is_first),       cmocka_unit_test(test_unplugged),
        cmocka_unit_test(test_last_life),           cmocka_unit_test(test_told_of_now_and_then),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
