/* SPDX-License-Identifier: MIT */
/* Devices that are unplugged and plugged in: what the xenstore is asked to do, when, and who is answered what. */
/* links: hv/hotplug.c hv/directories.c hv/service/store_text.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/domain/domain.h>
#include <hv/hotplug.h>
#include <hv/kernel/bundle.h>
#include <hv/service/control.h>
#include <hv/service/control_request.h>
#include <hv/service/store_device.h>
#include <hv/service/xenstore.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>
#include <tests/hv/lib/said.h>

#define SECOND  UINT64_C(1000000000)
#define DOMAINS 4u /* 1 and 2 are guests, 3 serves */
#define TIMERS  4u

static struct hv_domain domains[DOMAINS];
static struct domain *table[DOMAINS];
static struct machine machine = {.domains = table, .nr_domains = DOMAINS};
static struct bundle bundle;

static char calls[512]; /* what the xenstore was asked to do */
static bool closed, no_room;
static void (*change)(struct hv_domain *, const struct control_request *);
static uint32_t (*out)(const struct hv_domain *);
static struct timer *timers[TIMERS];
static uint64_t now;

uint64_t time_now(void)
{
    return now;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    unsigned free = TIMERS;

    assert_true(deadline > now);
    for (unsigned i = 0; i < TIMERS; i++) {
        if (timers[i] == timer)
            timers[i] = NULL;
        free = timers[i] ? free : i;
    }
    assert_true(free < TIMERS);
    timer->deadline = deadline;
    timers[free] = timer;
}

static void pass(uint64_t ns)
{
    uint64_t until = now + ns;

    while (now < until) {
        now += SECOND / 100;
        for (unsigned i = 0; i < TIMERS; i++) {
            struct timer *timer = timers[i];

            if (!timer || timer->deadline > now)
                continue;
            timers[i] = NULL;
            timer->expire(timer);
        }
    }
}

static void note(const char *what, const struct hv_domain *front, const struct hv_domain *back,
                 const struct store_device *device)
{
    size_t length = strlen(calls);

    assert_true(hv_domain_is_alive(front) && (!back || hv_domain_is_alive(back)));
    assert_true(!back || back == &domains[3]);
    snprintf(calls + length, sizeof(calls) - length, "%s %u %.*s/%u\n", what, front->engine.id.v,
             (int)device->type.length, device->type.bytes, device->id);
}

int xenstore_write_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    note("write", front, back, device);
    return no_room ? -XEN_ENOSPC : 0;
}

int xenstore_close_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    note("close", front, back, device);
    return no_room ? -XEN_ENOSPC : 0;
}

void xenstore_unplug_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    note("remove", front, back, device);
}

void xenstore_remove_device(struct hv_domain *front, const struct store_device *device)
{
    note("remove the front end's", front, NULL, device);
}

int xenstore_write_back_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device,
                               bool online)
{
    (void)online;
    note("write back", front, back, device);
    fail();
    return 0;
}

bool xenstore_device_is_closed(const struct hv_domain *front, const struct hv_domain *back,
                               const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front) && hv_domain_is_alive(back));
    assert_in_range(device->nr_nodes, 0, 1);
    return closed;
}

void control_listen(const struct control_devices *to)
{
    change = to->change;
    out = to->out;
}

void control_answer(uint32_t id, bool good, const char *words)
{
    size_t length = strlen(said);

    snprintf(said + length, sizeof(said) - length, "%u %s %s\n", id, good ? "ok" : "no", words);
}

static int begin(void **state)
{
    (void)state;
    memset(timers, 0, sizeof(timers));
    bundle = (struct bundle){.nr_domains = 3};
    for (unsigned i = 0; i < 3; i++) {
        bundle.domains[i] = (struct bundle_domain){.id = i + 1, .name = {(char)('a' + i)}, .is_back_end = i == 2};
        domains[i + 1] = (struct hv_domain){.engine = {.id = DOMID((uint16_t)(i + 1)), .nr_vcpus = 1}};
        table[i + 1] = &domains[i + 1].engine;
    }
    for (unsigned i = 0; i < 2; i++) {
        bundle.domains[0].devices[i] =
            (struct bundle_device){.type = {(const uint8_t *)"vbd", 3}, .id = 10 + i, .backend = 3};
    }
    bundle.domains[0].nr_devices = 2;
    bundle.domains[1].devices[0] = bundle.domains[0].devices[0];
    bundle.domains[1].nr_devices = 1;
    closed = no_room = false;
    hotplug_begin(&machine, &bundle);
    calls[0] = said[0] = '\0';
    return 0;
}

/* What is answered at once, and what the xenstore is asked to do. */
static void ask(enum control_verb verb, uint32_t id, uint64_t place, const char *answers, const char *asked)
{
    const struct control_request request = {.id = id, .verb = verb, .domain = 1, .amount = place};

    calls[0] = said[0] = '\0';
    change(&domains[1], &request);
    assert_string_equal(said, answers);
    assert_string_equal(calls, asked);
    calls[0] = said[0] = '\0';
}

static const char unplugged[] = "domain 1 (a): unplugged vbd/11; its back end is domain 3\n7 ok it is unplugged\n";

static void test_unplug(void **state)
{
    (void)state;
    ask(CONTROL_UNPLUG, 7, 1, "", "close 1 vbd/11\n");
    assert_false(hotplug_is_in(&bundle.domains[0], 1));
    assert_true(hotplug_is_in(&bundle.domains[0], 0));
    assert_true(hotplug_is_in(&bundle.domains[1], 0));
    assert_int_equal(out(&domains[1]), 2);
    pass(100 * SECOND);
    assert_string_equal(calls, "");
    closed = true;
    pass(SECOND / 10);
    assert_string_equal(calls, "remove 1 vbd/11\n");
    assert_string_equal(said, ""); /* front ends have the time to see that it has gone */
    pass(SECOND - SECOND / 10);
    assert_string_equal(said, "");
    pass(SECOND / 10);
    assert_string_equal(said, unplugged);
    assert_string_equal(calls, "remove 1 vbd/11\n");
}

static void test_plug(void **state)
{
    (void)state;
    closed = true;
    ask(CONTROL_PLUG, 8, 1, "8 no it is plugged in\n", "");
    ask(CONTROL_UNPLUG, 7, 1, "", "close 1 vbd/11\n");
    ask(CONTROL_PLUG, 8, 1, "8 no it is still being unplugged\n", "");
    pass(2 * SECOND);
    ask(CONTROL_UNPLUG, 8, 1, "8 no it is not plugged in\n", "");
    ask(CONTROL_REMOVE, 8, 1, "8 no it is not plugged in\n", "");
    no_room = true;
    ask(CONTROL_PLUG, 8, 1, "8 no the xenstore has no room for it\n", "write 1 vbd/11\n");
    no_room = false;
    domains[3].ended = true;
    ask(CONTROL_PLUG, 8, 1, "8 no the domain that serves it is not there\n", "");
    domains[3].ended = false;
    assert_false(hotplug_is_in(&bundle.domains[0], 1));
    ask(CONTROL_PLUG, 9, 1, "domain 1 (a): plugged in vbd/11; its back end is domain 3\n9 ok it is plugged in\n",
        "write 1 vbd/11\n");
    assert_true(hotplug_is_in(&bundle.domains[0], 1));
    assert_int_equal(out(&domains[1]), 0);
}

static void test_remove(void **state)
{
    (void)state;
    ask(CONTROL_REMOVE, 7, 1, "", "remove 1 vbd/11\n");
    ask(CONTROL_REMOVE, 8, 1, "8 no it is being unplugged already\n", "");
    pass(2 * SECOND);
    assert_string_equal(said, unplugged);
    ask(CONTROL_UNPLUG, 5, 0, "", "close 1 vbd/10\n");
    ask(CONTROL_UNPLUG, 6, 0, "6 no it is being unplugged already\n", "");
    /* It is over for who waited. */
    ask(CONTROL_REMOVE, 7, 0, "5 no it has been removed meanwhile\n", "remove 1 vbd/10\n");
    closed = true;
    pass(2 * SECOND);
    assert_string_equal(said, "domain 1 (a): unplugged vbd/10; its back end is domain 3\n7 ok it is unplugged\n");
    assert_string_equal(calls, "");
}

static void test_refused(void **state)
{
    (void)state;
    ask(CONTROL_UNPLUG, 1, 2, "1 no it has no such device\n", "");
    ask(CONTROL_PLUG, 1, UINT64_MAX, "1 no it has no such device\n", "");
    ask(CONTROL_REMOVE, 1, (UINT64_C(1) << 32) + 1, "1 no it has no such device\n", "");
    no_room = true;
    ask(CONTROL_UNPLUG, 1, 0, "1 no the guest has filled its part of the xenstore, so that it cannot be told\n",
        "close 1 vbd/10\n");
    assert_true(hotplug_is_in(&bundle.domains[0], 0));
}

/* With either end it goes, as far as it is still there, and stays so. */
static void test_ends(void **state)
{
    (void)state;
    for (unsigned i = 1; i < DOMAINS; i += 2) {
        begin(NULL);
        ask(CONTROL_UNPLUG, 7, 1, "", "close 1 vbd/11\n");
        domains[i].ended = true;
        pass(2 * SECOND);
        assert_string_equal(said, unplugged);
        assert_string_equal(calls, i == 3 ? "remove the front end's 1 vbd/11\n" : "");
        assert_false(hotplug_is_in(&bundle.domains[0], 1));
    }
}

/* Where the ring outlives its back end, that comes again before the device can be closed. */
static void test_lasting(void **state)
{
    static const struct bundle_node node = {(const uint8_t *)"reattach 1", 8, 1, true};
    struct bundle_device *device = &bundle.domains[0].devices[1];

    (void)state;
    device->nodes[device->nr_nodes++] = node;
    ask(CONTROL_UNPLUG, 7, 1, "", "close 1 vbd/11\n");
    assert_true(hotplug_is_closing(&bundle.domains[0], 1));
    assert_false(hotplug_is_closing(&bundle.domains[0], 0));
    domains[3].ended = true;
    pass(100 * SECOND);
    assert_string_equal(said, "");
    domains[3].ended = false;
    closed = true;
    pass(2 * SECOND);
    assert_string_equal(said, unplugged);
    assert_string_equal(calls, "remove 1 vbd/11\n");
    begin(NULL);
    bundle.domains[0].devices[1].nodes[0] = node;
    bundle.domains[0].devices[1].nr_nodes = 1;
    domains[3].ended = true;
    ask(CONTROL_REMOVE, 7, 1, "", "remove the front end's 1 vbd/11\n");
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unplug), TEST(test_plug), TEST(test_remove), TEST(test_refused), TEST(test_ends), TEST(test_lasting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
