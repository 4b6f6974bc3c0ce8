/* SPDX-License-Identifier: MIT */
/* Lines between a run and who speaks to it, and answers of the hypervisor's: what is one, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cli/control_line.h>

static void test_asked(void **state)
{
    static const struct {
        const char *line;
        struct ask ask;
        const char *request; /* NULL: the hypervisor is not asked that */
    } rows[] = {
        {"list", {ASK_LIST, "", 0, ""}, "7 list"},
        {"console a", {ASK_CONSOLE, "a", 0, ""}, NULL},
        {"poweroff a.b-c_d", {ASK_POWEROFF, "a.b-c_d", 0, ""}, "7 poweroff 3"},
        {"reboot list", {ASK_REBOOT, "list", 0, ""}, "7 reboot 3"},
        {"destroy abcdefghijklmnopqrstuvwxyz01234",
         {ASK_DESTROY, "abcdefghijklmnopqrstuvwxyz01234", 0, ""},
         "7 destroy 3"},
        {"memory a 262144", {ASK_MEMORY, "a", 262144, ""}, "7 memory 3 262144"},
        {"vcpus a 1", {ASK_VCPUS, "a", 1, ""}, "7 vcpus 3 1"},
        {"plug a xvdb", {ASK_PLUG, "a", 0, "xvdb"}, "7 plug 3 0"},
        {"unplug a 52:54:00:00:00:01", {ASK_UNPLUG, "a", 0, "52:54:00:00:00:01"}, "7 unplug 3 0"},
        {"remove a 1", {ASK_REMOVE, "a", 0, "1"}, "7 remove 3 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ask ask;
        char line[ASK_LINE_MAX + 1];

        assert_true(ask_parse(rows[i].line, &ask));
        assert_int_equal(ask.verb, rows[i].ask.verb);
        assert_string_equal(ask.name, rows[i].ask.name);
        assert_int_equal(ask.amount, rows[i].ask.amount);
        assert_string_equal(ask.device, rows[i].ask.device);
        ask_print(&ask, line);
        assert_string_equal(line, rows[i].line);
        assert_int_equal(ask_print_request(&ask, 7, 3, line), rows[i].request != NULL);
        if (rows[i].request)
            assert_string_equal(line, rows[i].request);
    }
}

static void test_not_asked(void **state)
{
    static const char *const lines[] = {
        "",
        " ",
        "fly",
        "listen",
        "list a",
        "console",
        "console a 1",
        "console a b",
        "destroy",
        "memory a",
        "memory 1",
        "memory a x",
        "memory a 1x",
        "memory a 1 1",
        "vcpus a",
        "plug a",
        "unplug a xvdb 1",
        "unplug a abcdefghijklmnopqrstuvwxyz012345",
        "remove",
        "destroy abcdefghijklmnopqrstuvwxyz012345", /* 32 characters */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct ask ask;

        if (ask_parse(lines[i], &ask))
            fail_msg("'%s' is taken for something", lines[i]);
    }
}

static void test_answers(void **state)
{
    static const char *const lines[] = {"",
                                        "answer",
                                        "answer 1",
                                        "answer x ok it",
                                        "answer 1 maybe",
                                        "the answer 1 ok it",
                                        "domain 1 (answer 1 ok it) powered off",
                                        "answer 1 okay"};
    struct answer answer;

    (void)state;
    assert_true(answer_parse("answer 12 ok it has been asked", &answer));
    assert_int_equal(answer.id, 12);
    assert_int_equal(answer.kind, ANSWER_OK);
    assert_string_equal(answer.line, "ok it has been asked");
    assert_true(answer_parse("answer 999999999 no there is no such guest", &answer));
    assert_int_equal(answer.id, 999999999);
    assert_int_equal(answer.kind, ANSWER_NO);
    assert_true(answer_parse("answer 1 guest 1 a running 1 1 1 1 1", &answer));
    assert_int_equal(answer.kind, ANSWER_GUEST);
    assert_true(answer_parse("answer 1 out 2 8001", &answer));
    assert_int_equal(answer.kind, ANSWER_OUT);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_false(answer_parse(lines[i], &answer));
}

static void test_guest(void **state)
{
    struct guest_line guest;

    (void)state;
    assert_true(guest_line_parse("guest 3 a waiting 2 1024 18446744073709551615 5 4294967295", &guest));
    assert_int_equal(guest.number, 3);
    assert_string_equal(guest.name, "a");
    assert_string_equal(guest.state, "waiting");
    assert_int_equal(guest.vcpus, 2);
    assert_int_equal(guest.memory_kib, 1024);
    assert_int_equal(guest.most_kib, UINT64_MAX);
    assert_int_equal(guest.run_us, 5);
    assert_int_equal(guest.restarts, UINT32_MAX);
    assert_false(guest_line_parse("guest 3 a waiting 2 1024 2048 5", &guest));
    assert_false(guest_line_parse("guest 3 a waiting 2 1024 2048 5 0 1", &guest));
    assert_false(guest_line_parse("name a", &guest));
}

static void test_devices(void **state)
{
    unsigned number;

    (void)state;
    assert_string_equal(devices_line_parse("devices 12 +xvda -home", &number), "+xvda -home");
    assert_int_equal(number, 12);
    assert_null(devices_line_parse("devices", &number));
    assert_null(devices_line_parse("devices all", &number));
    assert_null(devices_line_parse("guest 1 a running 1 1 1 1 1", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked), cmocka_unit_test(test_not_asked), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_guest), cmocka_unit_test(test_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
