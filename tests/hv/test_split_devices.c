/* SPDX-License-Identifier: MIT */
/* The devices of a bundle's guests: when their directories are written, and which guest waits, for how long. */
/* links: hv/split_devices.c hv/directories.c hv/service/store_text.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/hotplug.h>
#include <hv/kernel/bundle.h>
#include <hv/service/store_device.h>
#include <hv/service/xenstore.h>
#include <hv/split_devices.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>
#include <tests/hv/lib/said.h>

#define SECOND UINT64_C(1000000000)

/* Domains 1 and 2 are guests, 3 and 4 serve. */
#define DOMAINS 5u

static struct hv_domain domains[DOMAINS];
static struct hv_vcpu vcpus[DOMAINS];
static struct domain *table[DOMAINS];
static struct machine machine = {.domains = table, .nr_domains = DOMAINS};
static struct bundle bundle;

static char calls[1024];      /* what the xenstore was asked to do */
static bool seen[DOMAINS][2]; /* device n of guest i by its back end */
static bool there[DOMAINS][2];
static bool out[2]; /* device n of the first guest is unplugged */
static bool closing;
static bool no_room;
static unsigned started;
static void (*listener)(void);
static struct timer *timers[4];
static uint64_t now;

uint64_t time_now(void)
{
    return now;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    for (unsigned i = 0; i < 4; i++) {
        if (timers[i])
            continue;
        timers[i] = timer;
        timer->deadline = deadline;
        timer->active = true;
        return;
    }
    fail();
}

void timer_stop(struct timer *timer)
{
    timer->active = false;
    for (unsigned i = 0; i < 4; i++) {
        if (timers[i] == timer)
            timers[i] = NULL;
    }
}

static void pass(uint64_t ns)
{
    now += ns;
    for (unsigned i = 0; i < 4; i++) {
        struct timer *timer = timers[i];

        if (!timer || timer->deadline > now)
            continue;
        timer_stop(timer);
        timer->expire(timer);
    }
}

void sched_start(struct hv_vcpu *vcpu)
{
    unsigned bit = 1u << (vcpu - vcpus);

    assert_false(started & bit);
    started |= bit;
}

bool hotplug_is_in(const struct bundle_domain *description, unsigned place)
{
    return description != &bundle.domains[0] || !out[place];
}

bool hotplug_is_closing(const struct bundle_domain *description, unsigned place)
{
    return description == &bundle.domains[1] && place == 0 && closing;
}

static void note(const char *what, const struct hv_domain *front, const struct store_device *device)
{
    size_t length = strlen(calls);

    snprintf(calls + length, sizeof(calls) - length, "%s %u %.*s/%u\n", what, front->engine.id.v,
             (int)device->type.length, device->type.bytes, device->id);
}

int xenstore_write_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front) && hv_domain_is_alive(back));
    note(back == &domains[3] ? "write 3:" : "write 4:", front, device);
    if (device->nr_nodes == 2) {
        assert_memory_equal(device->nodes[0].key.bytes, "key", device->nodes[0].key.length);
        assert_memory_equal(device->nodes[1].value.bytes, "of the back", device->nodes[1].value.length);
        assert_true(!device->nodes[0].back && device->nodes[1].back);
    }
    return no_room ? -XEN_ENOSPC : 0;
}

void xenstore_remove_device(struct hv_domain *front, const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front));
    note("remove", front, device);
}

static bool front_is_gone;

int xenstore_write_back_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device,
                               bool online)
{
    assert_true(hv_domain_is_alive(front) && hv_domain_is_alive(back));
    if (front_is_gone)
        return -XEN_ENOENT;
    note(online ? "back" : "back's end", front, device);
    return no_room ? -XEN_ENOSPC : 0;
}

void xenstore_give_up_device(struct hv_domain *front, unsigned back, const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front));
    assert_int_equal(back, 3);
    note("give up", front, device);
}

bool xenstore_device_is_there(const struct hv_domain *front, const struct hv_domain *back,
                              const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front) && hv_domain_is_alive(back));
    return there[front->engine.id.v][device->id];
}

bool xenstore_device_is_new(const struct hv_domain *front, const struct hv_domain *back,
                            const struct store_device *device)
{
    assert_true(hv_domain_is_alive(front) && hv_domain_is_alive(back));
    return !seen[front->engine.id.v][device->id];
}

void xenstore_listen(void (*changed)(void))
{
    listener = changed;
}

static struct bundle_node node(const char *text, uint8_t key_size, uint8_t value_size, bool back)
{
    return (struct bundle_node){(const uint8_t *)text, key_size, value_size, back};
}

static struct bundle_device device(const char *type, unsigned id, unsigned backend)
{
    return (struct bundle_device){
        .type = {(const uint8_t *)type, 3},
        .id = id,
        .backend = backend,
        .nr_nodes = 2,
        .nodes = {node("key value", 3, 5, false), node("key of the back", 3, 11, true)},
    };
}

static void build(unsigned id)
{
    domains[id] = (struct hv_domain){.engine = {.machine = &machine, .id = {(uint16_t)id}, .nr_vcpus = 1}};
    domains[id].vcpus[0] = &vcpus[id].engine;
    table[id] = &domains[id].engine;
}

static int begin(void **state)
{
    (void)state;
    bundle = (struct bundle){.nr_domains = 4};
    for (unsigned i = 0; i < 4; i++) {
        bundle.domains[i] = (struct bundle_domain){.id = i + 1, .name = {(char)('a' + i)}, .is_back_end = i >= 2};
        build(i + 1);
    }
    bundle.domains[0].nr_devices = 2;
    bundle.domains[0].devices[0] = device("vbd", 0, 3);
    bundle.domains[0].devices[1] = device("vif", 1, 4);
    bundle.domains[1].nr_devices = 1;
    bundle.domains[1].devices[0] = device("vbd", 1, 3);
    memset(seen, 0, sizeof(seen));
    memset(there, 0, sizeof(there));
    no_room = out[0] = out[1] = front_is_gone = closing = false;
    started = 0;
    calls[0] = said[0] = '\0';
    return 0;
}

/* None waits when a test ends. */
static int end(void **state)
{
    (void)state;
    for (unsigned i = 1; i < DOMAINS; i++)
        split_devices_forget(&domains[i]);
    for (unsigned i = 0; i < 4; i++) {
        if (timers[i])
            return -1;
    }
    return 0;
}

static void test_written(void **state)
{
    (void)state;
    split_devices_write(&machine, &bundle.domains[0]);
    assert_string_equal(calls, "write 3: 1 vbd/0\nwrite 4: 1 vif/1\n");
    assert_string_equal(said, "");
    split_devices_write(&machine, &bundle.domains[2]); /* it has none */
    assert_string_equal(calls, "write 3: 1 vbd/0\nwrite 4: 1 vif/1\n");
}

static void test_not_written(void **state)
{
    (void)state;
    table[3] = NULL;
    split_devices_write(&machine, &bundle.domains[0]);
    assert_string_equal(calls, "write 4: 1 vif/1\n");
    assert_string_equal(said, "domain 1 (a): it does without vbd/0, which nobody serves; its back end is domain 3\n");
    no_room = true;
    split_devices_write(&machine, &bundle.domains[0]);
    assert_said("does without vif/1, for which the xenstore has no room; its back end is domain 4\n");
    table[1] = NULL;
    calls[0] = '\0';
    split_devices_write(&machine, &bundle.domains[0]);
    assert_string_equal(calls, "");
}

/* What is unplugged stays so, whichever end comes again, and is not waited for. */
static void test_unplugged(void **state)
{
    (void)state;
    out[0] = true;
    split_devices_write(&machine, &bundle.domains[0]);
    assert_string_equal(calls, "write 4: 1 vif/1\n");
    assert_string_equal(said, "domain 1 (a): it does without vbd/0, which is unplugged; its back end is domain 3\n");
    calls[0] = '\0';
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    assert_string_equal(calls, "write 3: 2 vbd/1\n");
}

/* What the back end of number @id serves once it has been built anew. */
static void come_again(unsigned id)
{
    calls[0] = '\0';
    split_devices_write_served(&machine, &bundle, id);
    pass(SECOND - 1);
    assert_string_equal(calls, ""); /* front ends have the time to see that their directories have gone */
    pass(1);
}

/* Of all that it serves, and of nothing else, to those who live. */
static void test_served(void **state)
{
    (void)state;
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nremove 2 vbd/1\n");
    come_again(3);
    assert_string_equal(calls, "write 3: 1 vbd/0\nwrite 3: 2 vbd/1\n");
    calls[0] = '\0';
    domains[2].ended = true;
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\n");
    come_again(3);
    assert_string_equal(calls, "write 3: 1 vbd/0\n");
    come_again(1); /* it serves nobody */
    split_devices_remove_served(&machine, &bundle, 1);
    domains[3].ended = true;
    come_again(3);
    assert_string_equal(calls, "");
}

/* A guest that is built in between has all that it is to have. */
static void test_served_already(void **state)
{
    (void)state;
    split_devices_write_served(&machine, &bundle, 3);
    there[2][1] = true;
    pass(SECOND);
    assert_string_equal(calls, "write 3: 1 vbd/0\n");
}

/* The ring of the second guest's disk outlives the back end. */
static void begin_lasting(void)
{
    struct bundle_device *disk = &bundle.domains[1].devices[0];

    disk->nodes[disk->nr_nodes++] = node("reattach 1", 8, 1, true);
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    calls[0] = '\0';
}

/* Its front end sees the back end's directory go and come again, and nothing else. */
static void test_lasting(void **state)
{
    (void)state;
    begin_lasting();
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\n");
    split_devices_write_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nback 2 vbd/1\n");
    there[2][1] = true;
    pass(SECOND);
    assert_string_equal(calls, "remove 1 vbd/0\nback 2 vbd/1\nwrite 3: 1 vbd/0\n");
    there[2][1] = false;
    front_is_gone = true;
    calls[0] = '\0';
    split_devices_write_served(&machine, &bundle, 3);
    assert_string_equal(calls, "write 3: 2 vbd/1\n");
    front_is_gone = false;
    no_room = true;
    pass(SECOND);
    assert_said("does without vbd/1, for which the xenstore has no room");
}

static void test_lasting_given_up(void **state)
{
    (void)state;
    begin_lasting();
    split_devices_give_up(&bundle, 3);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\ngive up 2 vbd/1\n");
}

/* One whose front end goes on asking goes, with the last life that serves it, and is not there to be closed. */
static void test_lasting_removed(void **state)
{
    struct bundle_device *disk = &bundle.domains[1].devices[0];

    (void)state;
    begin_lasting();
    disk->nodes[disk->nr_nodes - 1] = node("reattach 2", 8, 1, true);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\n");
    calls[0] = '\0';
    split_devices_close(&bundle, 3);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nremove 2 vbd/1\n");
    calls[0] = '\0';
    split_devices_give_up(&bundle, 3);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nremove 2 vbd/1\n");
    disk->nodes[disk->nr_nodes - 1] = node("reattach 3", 8, 1, true);
    split_devices_write_served(&machine, &bundle, 3); /* it is to come again */
    pass(SECOND);
    calls[0] = '\0';
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nremove 2 vbd/1\n");
}

/* What was to be closed when the back end died is closed by the next one. */
static void test_lasting_unplugged(void **state)
{
    (void)state;
    begin_lasting();
    closing = true;
    split_devices_write_served(&machine, &bundle, 3);
    assert_string_equal(calls, "back's end 2 vbd/1\n");
    there[2][1] = true;
    pass(SECOND);
}

/* In its last life it serves nobody, not even one that is built meanwhile. */
static void test_last_life(void **state)
{
    (void)state;
    begin_lasting();
    split_devices_close(&bundle, 3);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\n");
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    assert_string_equal(calls, "remove 1 vbd/0\nback's end 2 vbd/1\nback's end 2 vbd/1\n"); /* not there, here */
    calls[0] = '\0';
    split_devices_write(&machine, &bundle.domains[1]);
    assert_string_equal(calls, "");
    assert_said("does without vbd/1, which nobody serves");
    front_is_gone = true;
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    assert_string_equal(calls, "");
    split_devices_give_up(&bundle, 3);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\ngive up 2 vbd/1\n");
}

/* What says otherwise, or says so elsewhere, says nothing. */
static void test_not_lasting(void **state)
{
    struct bundle_device *disk = &bundle.domains[1].devices[0];

    (void)state;
    disk->nodes[1] = node("reattach 0", 8, 1, true);
    split_devices_remove_served(&machine, &bundle, 3);
    disk->nodes[1] = node("reattach 1", 8, 1, false);
    split_devices_remove_served(&machine, &bundle, 3);
    assert_string_equal(calls, "remove 1 vbd/0\nremove 2 vbd/1\nremove 1 vbd/0\nremove 2 vbd/1\n");
}

/* One that has not started could not see the difference. */
static void test_served_before_the_start(void **state)
{
    (void)state;
    split_devices_start(&domains[2], &bundle.domains[1]);
    split_devices_write_served(&machine, &bundle, 3);
    assert_string_equal(calls, "write 3: 2 vbd/1\n");
    there[2][1] = true;
    pass(SECOND);
    assert_string_equal(calls, "write 3: 2 vbd/1\nwrite 3: 1 vbd/0\n");
}

static void test_starts_at_once(void **state)
{
    (void)state;
    split_devices_start(&domains[3], &bundle.domains[2]);
    assert_int_equal(started, 1u << 3);
    seen[2][1] = true;
    split_devices_start(&domains[2], &bundle.domains[1]);
    assert_int_equal(started, 1u << 3 | 1u << 2);
}

/* Each waits for its own, all of them, and starts once. */
static void test_waits(void **state)
{
    (void)state;
    split_devices_start(&domains[1], &bundle.domains[0]);
    split_devices_start(&domains[2], &bundle.domains[1]);
    assert_int_equal(started, 0);
    seen[1][0] = true;
    listener();
    assert_int_equal(started, 0);
    seen[2][1] = true;
    listener();
    assert_int_equal(started, 1u << 2);
    seen[1][1] = true;
    listener();
    assert_int_equal(started, 1u << 2 | 1u << 1);
    listener();
    pass(100 * SECOND);
    assert_string_equal(said, "");
}

static void test_no_longer(void **state)
{
    (void)state;
    split_devices_start(&domains[1], &bundle.domains[0]);
    seen[1][0] = true;
    pass(5 * SECOND);
    split_devices_start(&domains[2], &bundle.domains[1]);
    pass(5 * SECOND - 1);
    assert_int_equal(started, 0);
    pass(1);
    assert_int_equal(started, 1u << 1);
    assert_string_equal(said,
                        "domain 1 (a): it starts without vif/1, which has not been looked at for 10 s; its back end is "
                        "domain 4\n");
    pass(5 * SECOND);
    assert_int_equal(started, 1u << 1 | 1u << 2);
    assert_said("domain 2 (b): it starts without vbd/1");
}

/* A back end that is there no more is nobody to wait for; a guest that has ended does not start. */
static void test_gone(void **state)
{
    (void)state;
    split_devices_start(&domains[1], &bundle.domains[0]);
    seen[1][0] = true;
    domains[4].ended = true;
    split_devices_look();
    assert_int_equal(started, 1u << 1);
    split_devices_start(&domains[2], &bundle.domains[1]);
    split_devices_forget(&domains[2]);
    seen[2][1] = true;
    split_devices_look();
    pass(100 * SECOND);
    assert_int_equal(started, 1u << 1);
}

/*
 * While a back end that has ended is built anew, others run, and whoever of them changes the xenstore has it looked
 * again: nobody starts without a device for that, not even one that is built in between.
 */
static void test_built_anew(void **state)
{
    (void)state;
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    split_devices_start(&domains[2], &bundle.domains[1]);
    domains[3].ended = true;
    listener();
    assert_int_equal(started, 0);
    split_devices_forget(&domains[2]);
    split_devices_write(&machine, &bundle.domains[1]);
    split_devices_start(&domains[2], &bundle.domains[1]);
    assert_int_equal(started, 0);
    assert_string_equal(said, "");
    domains[3].ended = false;
    calls[0] = '\0';
    split_devices_write_served(&machine, &bundle, 3);
    assert_string_equal(calls, "write 3: 2 vbd/1\n");
    listener();
    assert_int_equal(started, 0);
    seen[2][1] = true;
    listener();
    assert_int_equal(started, 1u << 2);
    pass(SECOND);
}

static void test_given_up(void **state)
{
    (void)state;
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    split_devices_start(&domains[2], &bundle.domains[1]);
    domains[3].ended = true;
    split_devices_give_up(&bundle, 3);
    split_devices_look();
    assert_int_equal(started, 1u << 2);
    split_devices_write(&machine, &bundle.domains[1]);
    assert_said("does without vbd/1, which nobody serves");
    domains[3].ended = false;
    started = 0;
    split_devices_write_served(&machine, &bundle, 3);
    pass(SECOND);
    split_devices_start(&domains[2], &bundle.domains[1]);
    assert_int_equal(started, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written),           TEST(test_not_written),
        TEST(test_unplugged),         TEST(test_served),
        TEST(test_served_already),    TEST(test_served_before_the_start),
        TEST(test_starts_at_once),    TEST(test_waits),
        TEST(test_no_longer),         TEST(test_gone),
        TEST(test_built_anew),        TEST(test_given_up),
        TEST(test_lasting),           TEST(test_lasting_given_up),
        TEST(test_lasting_removed),   TEST(test_not_lasting),
        TEST(test_lasting_unplugged), TEST(test_last_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
