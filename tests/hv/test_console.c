/* SPDX-License-Identifier: MIT */
/* The console: the guest's ring, well kept and spoilt, its input, and console_io's. */
/* links: hv/service/console.c hv/service/console_output.c hv/service/console_input.c hv/service/console_log.c */
/* links: hv/base/multiplex.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/io.h>
#include <engine/port.h>
#include <hv/base/serial.h>
#include <hv/domain/vcpu.h>
#include <hv/service/console.h>
#include <hv/service/console_list.h>
#include <hv/service/control.h>
#include <hv/service/event_channel.h>
#include <hv/service/power_button.h>
#include <hv/service/services.h>
#include <hv/time/time.h>
#include <tests/hv/lib/said.h>

#define PORT 2u

static union {
    struct xencons_interface ring;
    uint8_t bytes[4096];
} page __attribute__((aligned(4096)));

static struct domain_services services;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct vcpu *vcpus[1] = {&vcpu.engine};
static struct domain *domains[4];
static struct machine machine = {.domains = domains, .nr_domains = 4};

static char line[32768]; /* what the serial line was sent */
static size_t sent;
static const char *keys; /* what it has for us */
static unsigned notifications, virqs, lists;
static struct timer *running;

/* ---- The rest of the hypervisor. */

void *port_frame_map(mfn_t mfn)
{
    assert_int_equal(mfn.v, 9);
    return &page;
}

int event_open_backend(struct hv_domain *of, event_listener *listener, uint32_t *port)
{
    assert_ptr_equal(of, &domain);
    assert_true(listener == console_run);
    *port = PORT;
    return 0;
}

void event_notify(struct hv_domain *of, uint32_t port)
{
    assert_non_null(of);
    assert_int_equal(port, PORT);
    notifications++;
}

void event_raise_virq(struct hv_vcpu *on, unsigned virq)
{
    assert_ptr_equal(on, &vcpu);
    assert_int_equal(virq, VIRQ_CONSOLE);
    virqs++;
}

bool serial_write(const char *bytes, size_t count)
{
    assert_true(count <= sizeof(line) - sent);
    memcpy(line + sent, bytes, count);
    sent += count;
    return true;
}

void console_list_send(const struct machine *of)
{
    assert_ptr_equal(of, &machine);
    lists++;
}

void control_poll(const struct machine *of)
{
    assert_ptr_equal(of, &machine);
}

void power_button_poll(const struct machine *of)
{
    assert_ptr_equal(of, &machine);
}

int serial_get(void)
{
    return *keys ? *keys++ : -1;
}

uint64_t time_now(void)
{
    return 5;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    assert_true(deadline > 5);
    running = timer;
}

void timer_stop(struct timer *timer)
{
    if (running == timer)
        running = NULL;
}

/* ---- A domain with a ring and the input, or an initial one. */

static int set_up(void **state)
{
    (void)state;
    memset(&page, 0, sizeof(page));
    memset(&domain, 0, sizeof(domain));
    memset(&services, 0, sizeof(services));
    domain.services = &services;
    domain.vcpus[0] = &vcpu.engine;
    domain.engine.vcpus = vcpus;
    domain.engine.nr_vcpus = 1;
    domain.engine.machine = &machine;
    memset(domains, 0, sizeof(domains));
    domains[1] = &domain.engine;
    sent = 0;
    keys = "";
    notifications = virqs = lists = 0;
    if (console_create(&domain, MFN(9)))
        return -1;
    console_attach(&domain);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    console_detach(&domain);
    return running != NULL;
}

static void put(const char *text)
{
    while (*text)
        page.ring.out[MASK_XENCONS_IDX(page.ring.out_prod++, page.ring.out)] = *text++;
}

/* Shows console_ring.indexes, console_ring.event, console_ring.writers. */
static void test_output(void **state)
{
    (void)state;
    put("one\n");
    console_run(&domain);
    put("two\r\n");
    console_run(&domain);
    assert_int_equal(sent, 9);
    assert_memory_equal(line, "one\ntwo\r\n", 9); /* as it is */
    assert_int_equal(page.ring.out_cons, page.ring.out_prod);
    assert_int_equal(notifications, 2);
    console_run(&domain);
    assert_int_equal(notifications, 2);
}

/* Shows console_ring.indexes. */
static void test_full_ring_that_wraps(void **state)
{
    (void)state;
    page.ring.out_cons = page.ring.out_prod = UINT32_MAX - 100;
    for (unsigned i = 0; i < 2048; i++)
        page.ring.out[MASK_XENCONS_IDX(page.ring.out_prod++, page.ring.out)] = (char)('a' + i % 26);
    console_run(&domain);
    assert_int_equal(sent, 2048);
    for (unsigned i = 0; i < 2048; i++)
        assert_int_equal(line[i], 'a' + i % 26);
    assert_int_equal(page.ring.out_cons, page.ring.out_prod);
}

/* Shows console_ring.distrust. */
static void test_impossible_indexes(void **state)
{
    (void)state;
    page.ring.out_prod = 2049;
    page.ring.in_cons = 1;
    keys = "x";
    console_run(&domain);
    assert_int_equal(sent, 0);
    assert_int_equal(page.ring.out_cons, 0);
    assert_int_equal(page.ring.in_prod, 0);
    assert_int_equal(notifications, 0);
    page.ring.in_cons = 0U - 1025;
    console_run(&domain);
    assert_int_equal(page.ring.in_prod, 0);
    page.ring.in_cons = 0U - 1023; /* room for one */
    console_run(&domain);
    assert_int_equal(page.ring.in_prod, 1);
    assert_int_equal(page.ring.in[0], 'x');
    assert_int_equal(notifications, 1);
}

/* Shows console_ring.writers, console_ring.event. */
static void test_input(void **state)
{
    (void)state;
    keys = "abc";
    running->expire(running);
    assert_int_equal(page.ring.in_prod, 3);
    assert_memory_equal(page.ring.in, "abc", 3);
    assert_int_equal(notifications, 1);
    assert_int_equal(virqs, 0);
    assert_non_null(running); /* and so on */
    running->expire(running);
    assert_int_equal(notifications, 1);
}

/* Nothing is lost while the guest does not look: neither in the ring nor behind it. */
static void test_more_input_than_fits(void **state)
{
    static char text[3001];
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++)
        text[i] = (char)('a' + i % 26);
    keys = text;
    while (seen < 3000) {
        console_poll();
        assert_int_equal(page.ring.in_prod - page.ring.in_cons, 3000 - seen < 1024 ? 3000 - seen : 1024);
        for (unsigned i = 0; i < 300 && page.ring.in_cons != page.ring.in_prod; i++, seen++)
            assert_int_equal(page.ring.in[MASK_XENCONS_IDX(page.ring.in_cons++, page.ring.in)], 'a' + seen % 26);
    }
    assert_int_equal(*keys, 0);
}

static void test_initial_domain(void **state)
{
    char bytes[16];

    (void)state;
    services.console.ring = NULL;
    domain.initial = true;
    keys = "hello";
    console_poll();
    assert_int_equal(virqs, 1);
    console_poll();
    assert_int_equal(virqs, 1);
    assert_int_equal(console_read(&domain, bytes, 2), 2);
    assert_memory_equal(bytes, "he", 2);
    keys = "!";
    assert_int_equal(console_read(&domain, bytes, sizeof(bytes)), 4);
    assert_memory_equal(bytes, "llo!", 4);
    assert_int_equal(console_read(&domain, bytes, sizeof(bytes)), 0);
}

static void test_input_is_for_one_domain(void **state)
{
    struct domain_services others = {0};
    struct hv_domain other = {.initial = true, .services = &others};
    char bytes[16];

    (void)state;
    keys = "secret";
    console_run(&other);
    assert_int_equal(console_read(&other, bytes, sizeof(bytes)), 0);
    assert_string_equal(keys, "secret");
    assert_int_equal(virqs, 0);
    services.console.ring = NULL;
    console_poll(); /* now it waits for its domain */
    assert_int_equal(*keys, 0);
    others.console.ring = &page;
    console_run(&other);
    assert_int_equal(page.ring.in_prod, 0);
}

/* However much a guest in the background has to say, it takes little time at once; all of it comes out in the end. */
static void test_background(void **state)
{
    struct domain_services others = {.console = {.ring = &page, .port = PORT}};
    struct hv_domain other = {.name = "other", .services = &others};
    unsigned lines = 0;

    (void)state;
    services.console.ring = NULL;
    domains[3] = &other.engine;
    for (unsigned i = 0; i < sizeof(page.ring.out) / 2; i++)
        put("x\n");
    console_run(&other);
    assert_in_range(sent, 128, 160);
    for (unsigned i = 0; i < 1000 && page.ring.out_cons != page.ring.out_prod; i++) {
        sent = 0;
        running->expire(running);
        assert_in_range(sent, 1, 160);
        for (size_t j = 0; j < sent; j++)
            lines += line[j] == '\n';
    }
    assert_in_range(lines, sizeof(page.ring.out) / 2 - 20, sizeof(page.ring.out) / 2);
}

/* Its ring is emptied like any other, into the log; what is left of a line, at its end. */
static void test_back_end(void **state)
{
    (void)state;
    console_detach(&domain);
    said[0] = '\0';
    domain.is_back_end = true;
    put("ready\nand wai");
    console_run(&domain);
    assert_int_equal(page.ring.out_cons, page.ring.out_prod);
    assert_int_equal(notifications, 1);
    console_write(&domain, "ting\nfor", 8);
    assert_string_equal(said, "domain 0 (): ready\ndomain 0 (): and waiting\n");
    console_detach(&domain);
    assert_said("domain 0 (): for\n");
    assert_int_equal(sent, 0);
}

/* A guest that does not wait for its last words is heard all the same. */
static void test_last_words(void **state)
{
    struct domain_services others = {.console = {.ring = &page, .port = PORT}};
    struct hv_domain other = {.name = "other", .services = &others};

    (void)state;
    services.console.ring = NULL;
    for (unsigned i = 0; i < sizeof(page.ring.out) / 4 - 2; i++)
        put("x\r\n ");
    put("bye");
    console_detach(&other);
    assert_int_equal(page.ring.out_cons, page.ring.out_prod);
    assert_memory_equal(line + sent - strlen("other:  bye\r\n"), "other:  bye\r\n", strlen("other:  bye\r\n"));
}

static void test_written_lines_end_with_a_carriage_return(void **state)
{
    (void)state;
    console_write(&domain, "a\nb\r\n\n", 6);
    console_write(&domain, "\r", 1);
    console_write(&domain, "\n", 1);
    assert_int_equal(sent, 10);
    assert_memory_equal(line, "a\r\nb\r\n\r\n\r\n", 10);
}

/* What another guest wrote last has nothing to do with it. */
static void test_written_lines_of_two(void **state)
{
    struct domain_services others = {0};
    struct hv_domain other = {.name = "other", .services = &others};

    (void)state;
    console_write(&domain, "a", 1);
    console_write(&other, "x\r", 2);
    console_write(&domain, "\n", 1);
    assert_int_equal(sent, 3);
    assert_memory_equal(line, "a\r\n", 3);
}

/* From here on the line is multiplexed: there is no way back. */
static void test_multiplexed(void **state)
{
    static struct xencons_interface ring;
    struct domain_services others = {.console = {.ring = &ring, .port = PORT}};
    struct hv_domain other = {.name = "other", .services = &others, .engine = {.machine = &machine, .id = DOMID(3)}};

    (void)state;
    console_multiplex();
    domain.engine.id.v = 1;
    domains[3] = &other.engine;
    keys = "lost\x10\x43to three\x10\x41to one\x10?\x10\x43!";
    running->expire(running);
    assert_int_equal(page.ring.in_prod, 6);
    assert_memory_equal(page.ring.in, "to one", 6);
    console_poll();
    assert_int_equal(ring.in_prod, 9);
    assert_memory_equal(ring.in, "to three!", 9);
    assert_int_equal(lists, 1);
    sent = 0;
    put("one\n");
    console_run(&domain);
    assert_int_equal(sent, 6);
    assert_memory_equal(line, "\x10\x41one\n", 6);
    /* It has gone, and what comes for it with it; nobody else gets that. */
    console_detach(&other);
    domains[3] = NULL;
    console_attach(&domain);
    keys = "secret\x10\x41.";
    running->expire(running);
    assert_int_equal(*keys, 0);
    assert_int_equal(page.ring.in_prod, 7);
    assert_int_equal(page.ring.in[6], '.');
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_output),
        TEST(test_full_ring_that_wraps),
        TEST(test_impossible_indexes),
        TEST(test_input),
        TEST(test_more_input_than_fits),
        TEST(test_initial_domain),
        TEST(test_input_is_for_one_domain),
        TEST(test_background),
        TEST(test_back_end),
        TEST(test_last_words),
        TEST(test_written_lines_end_with_a_carriage_return),
        TEST(test_written_lines_of_two),
        TEST(test_multiplexed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
