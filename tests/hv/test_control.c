/* SPDX-License-Identifier: MIT */
/* Requests on the log's line: what each does, what is refused, and lines that are too long or none at all. */
/* links: hv/service/control.c hv/service/control_request.c hv/service/store_text.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/domain/report.h>
#include <hv/domain/shutdown.h>
#include <hv/service/console_list.h>
#include <hv/service/control.h>
#include <hv/service/control_request.h>
#include <hv/service/xenstore.h>
#include <tests/hv/lib/said.h>

#define MORE_MEMORY "that is more than its maximum: `paravane list` shows it, --maxmem says it at the start"
#define MORE_VCPUS  "it has not so many: what it may have, --vcpus N,max=M says at the start"

static struct hv_domain guest, back_end, ended;
static struct domain *domains[8] = {[2] = &guest.engine, [3] = &back_end.engine, [4] = &ended.engine};
static const struct machine machine = {.domains = domains, .nr_domains = 8};

static const char *input; /* what comes on the line */
static char written[128]; /* into the xenstore */
static int store_error;
static bool listens;
static struct hv_domain *destroyed;
static unsigned reports;

int serial_log_get(void)
{
    return *input ? (unsigned char)*input++ : -1;
}

void report_where(const struct machine *of)
{
    assert_ptr_equal(of, &machine);
    reports++;
}

const char *console_list_state(const struct hv_domain *domain)
{
    assert_ptr_equal(domain, &guest);
    return "waiting";
}

uint64_t console_list_time(const struct hv_domain *domain)
{
    assert_ptr_equal(domain, &guest);
    return 1234567;
}

void shutdown_destroy(struct hv_domain *domain)
{
    destroyed = domain;
}

int xenstore_write(struct hv_domain *domain, const char *name, struct store_text value)
{
    assert_ptr_equal(domain, &guest);
    snprintf(written, sizeof(written), "%s=%.*s", name, (int)value.length, value.bytes);
    return store_error;
}

int xenstore_write_vcpus(struct hv_domain *domain, unsigned online)
{
    assert_ptr_equal(domain, &guest);
    snprintf(written, sizeof(written), "vcpus=%u", online);
    return store_error;
}

bool xenstore_is_one(const struct hv_domain *domain, const char *name)
{
    assert_ptr_equal(domain, &guest);
    snprintf(written, sizeof(written), "%s", name);
    return listens && !strncmp(name, "control/feature-", 16);
}

/* Everything that comes is looked at, however often that takes. */
static void send(const char *text)
{
    input = text;
    said[0] = written[0] = '\0';
    destroyed = NULL;
    while (*input)
        control_poll(&machine);
}

static void assert_answer(const char *text, const char *answer)
{
    send(text);
    assert_string_equal(said, answer);
}

static struct control_request passed;
static uint32_t not_plugged;

static void change(struct hv_domain *domain, const struct control_request *request)
{
    assert_ptr_equal(domain, &guest);
    passed = *request;
}

static uint32_t out(const struct hv_domain *domain)
{
    assert_ptr_equal(domain, &guest);
    return not_plugged;
}

static int set_up(void **state)
{
    static const struct control_devices devices = {change, out};

    (void)state;
    guest = (struct hv_domain){
        .engine = {.id = DOMID(2), .nr_vcpus = 2, .nr_frames = 1024, .max_frames = 2048}, .name = "box", .restarts = 3};
    back_end = (struct hv_domain){.engine = {.id = DOMID(3), .nr_vcpus = 1}, .name = "backend", .is_back_end = true};
    ended = (struct hv_domain){.engine = {.id = DOMID(4), .nr_vcpus = 1}, .name = "gone", .ended = true};
    listens = true;
    store_error = 0;
    reports = 0;
    not_plugged = 0;
    control_listen(&devices);
    return 0;
}

static void test_list(void **state)
{
    (void)state;
    assert_answer("17 list\n", "answer 17 guest 2 box waiting 2 4096 8192 1234 3\nanswer 17 ok these are all\n");
}

static void test_shutdown(void **state)
{
    (void)state;
    assert_answer("1 poweroff 2\n", "answer 1 ok it has been asked\n");
    assert_string_equal(written, "control/shutdown=poweroff");
    assert_answer("2 reboot 2\n", "answer 2 ok it has been asked\n");
    assert_string_equal(written, "control/shutdown=reboot");
    listens = false;
    assert_answer("3 reboot 2\n", "answer 3 ok it has been asked, and has not said that it listens\n");
    store_error = -XEN_ENOSPC;
    assert_answer("4 poweroff 2\n",
                  "answer 4 no the guest has filled its part of the xenstore, so that it cannot be told\n");
    store_error = -XEN_EIO;
    assert_answer("5 poweroff 2\n",
                  "answer 5 no the guest has no connection with the xenstore, by which it could be told\n");
}

static void test_destroy(void **state)
{
    (void)state;
    assert_answer("1 destroy 2\n", "answer 1 ok it is ended\n");
    assert_ptr_equal(destroyed, &guest);
}

/* Numbers that nobody has, or that wrap around to one that somebody has; what is no guest, or no more. */
static void test_no_guest(void **state)
{
    static const unsigned numbers[] = {0, 3, 4, 7, 8, 65536 + 2, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[64];

        snprintf(text, sizeof(text), "1 destroy %u\n", numbers[i]);
        assert_answer(text, "answer 1 no there is no such guest\n");
        assert_null(destroyed);
    }
}

static void test_memory(void **state)
{
    (void)state;
    assert_answer("1 memory 2 8192\n", "answer 1 ok it has been asked\n");
    assert_string_equal(written, "memory/target=8192");
    assert_answer("1 memory 2 4\n", "answer 1 ok it has been asked\n");
    assert_answer("1 memory 2 8196\n", "answer 1 no " MORE_MEMORY "\n");
    assert_string_equal(written, "");
    assert_answer("1 memory 2 18446744073709551612\n", "answer 1 no " MORE_MEMORY "\n");
    assert_answer("1 memory 2 0\n", "answer 1 no memory is whole pages of 4 KiB, one at least\n");
    assert_answer("1 memory 2 4095\n", "answer 1 no memory is whole pages of 4 KiB, one at least\n");
    assert_string_equal(written, "");
}

static void test_vcpus(void **state)
{
    (void)state;
    assert_answer("1 vcpus 2 1\n", "answer 1 ok it has been asked\n");
    assert_string_equal(written, "vcpus=1");
    assert_answer("1 vcpus 2 2\n", "answer 1 ok it has been asked\n");
    assert_answer("1 vcpus 2 3\n", "answer 1 no " MORE_VCPUS "\n");
    assert_answer("1 vcpus 2 4294967297\n", "answer 1 no " MORE_VCPUS "\n");
    assert_answer("1 vcpus 2 0\n", "answer 1 no one vCPU has to stay\n");
    assert_string_equal(written, "");
}

/* Those it passes on, of guests that are there; who is asked may answer when it likes. */
static void test_devices(void **state)
{
    (void)state;
    assert_answer("1 plug 2 15\n", "");
    assert_true(passed.id == 1 && passed.verb == CONTROL_PLUG && passed.amount == 15);
    assert_answer("2 unplug 2 0\n", "");
    assert_int_equal(passed.verb, CONTROL_UNPLUG);
    assert_answer("3 remove 2 0\n", "");
    assert_int_equal(passed.verb, CONTROL_REMOVE);
    assert_answer("4 unplug 3 0\n5 plug 4 0\n",
                  "answer 4 no there is no such guest\nanswer 5 no there is no such guest\n");
    assert_int_equal(passed.id, 3);
    not_plugged = 0x8001;
    assert_answer("6 list\n", "answer 6 out 2 8001\nanswer 6 guest 2 box waiting 2 4096 8192 1234 3\n"
                              "answer 6 ok these are all\n");
    control_answer(2, true, "it is unplugged");
    control_answer(3, false, "it is there");
    assert_said("answer 2 ok it is unplugged\nanswer 3 no it is there\n");
}

/* A line that is too long is not a shorter one, and the next one is itself again. */
static void test_lines(void **state)
{
    char text[2048];

    (void)state;
    assert_answer("fly\n", "answer 0 no that is no request\n");
    assert_answer("\n", "answer 0 no that is no request\n");
    snprintf(text, sizeof(text), "1 destroy %054u\n", 2);
    assert_answer(text, "answer 0 no that is no request\n");
    snprintf(text, sizeof(text), "1 destroy %053u\n", 2); /* 63 characters */
    assert_answer(text, "answer 1 ok it is ended\n");
    memset(text, '1', sizeof(text));
    memcpy(text + 2000, "\n2 destroy 2\n", sizeof("\n2 destroy 2\n"));
    assert_answer(text, "answer 0 no that is no request\nanswer 2 ok it is ended\n");
    assert_answer("3 destr", "");
    assert_answer("oy 2\n", "answer 3 ok it is ended\n");
}

/* One thing at a time; a question is one only where a line would begin. */
static void test_where(void **state)
{
    (void)state;
    input = "??1 destroy 2\n";
    control_poll(&machine);
    assert_int_equal(reports, 1);
    control_poll(&machine);
    assert_int_equal(reports, 2);
    assert_string_equal(input, "1 destroy 2\n");
    assert_answer("1 destroy ?\n?", "answer 0 no that is no request\n");
    assert_int_equal(reports, 3);
    input = "";
    control_poll(&machine);
    assert_int_equal(reports, 3);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list),  TEST(test_shutdown), TEST(test_destroy), TEST(test_no_guest), TEST(test_memory),
        TEST(test_vcpus), TEST(test_devices),  TEST(test_lines),   TEST(test_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
