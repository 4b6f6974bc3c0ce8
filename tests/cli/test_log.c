/* SPDX-License-Identifier: MIT */
/* Where the guest's words and the log's go into one file, neither stands in the middle of the other's line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/log.h>

static int from[2], shown[2], stderr_before;
static struct relay relay;
static struct log hypervisor;

static int begin(void **state)
{
    (void)state;
    if (pipe(from) || pipe(shown))
        return 1;
    stderr_before = dup(STDERR_FILENO);
    relay = (struct relay){.from = -1, .to = -1};
    hypervisor = (struct log){.from = from[0], .prefix = "", .is_live = true, .beside = &relay, .is_mixed = true};
    return dup2(shown[1], STDERR_FILENO) < 0;
}

static int end(void **state)
{
    (void)state;
    fflush(stderr);
    dup2(stderr_before, STDERR_FILENO);
    return close(stderr_before) | close(from[0]) | close(from[1]) | close(shown[0]) | close(shown[1]);
}

static void hypervisor_says(const char *text)
{
    assert_int_equal(write(from[1], text, strlen(text)), strlen(text));
    assert_true(log_read(&hypervisor));
}

/* What has been shown since the last time; a line of the test's own lets it read where there is nothing. */
static void expect_shown(const char *text)
{
    char buffer[4096];
    ssize_t got;

    assert_int_equal(write(shown[1], ".", 1), 1);
    got = read(shown[0], buffer, sizeof(buffer) - 1);
    assert_true(got > 0);
    buffer[got - 1] = '\0';
    assert_string_equal(buffer, text);
}

static void test_waits(void **state)
{
    (void)state;
    relay.in_line = true;
    hypervisor_says("one\ntwo\n");
    assert_true(log_catch_up(&hypervisor, false));
    expect_shown("");
    relay.in_line = false;
    assert_false(log_catch_up(&hypervisor, false));
    expect_shown("paravane: one\nparavane: two\n");
    assert_false(log_catch_up(&hypervisor, true));
    expect_shown("");
}

static void test_not_for_ever(void **state)
{
    (void)state;
    relay.in_line = true;
    hypervisor_says("one\n");
    assert_false(log_catch_up(&hypervisor, true));
    expect_shown("paravane: one\n");
    relay.in_line = true;
    for (unsigned i = 0; i < LOG_LINES_MAX - 2; i++)
        hypervisor_says("more\n");
    expect_shown("");
    hypervisor_says("last\n"); /* as many as are kept */
    assert_false(log_catch_up(&hypervisor, false));
    assert_int_equal(hypervisor.nr_shown, LOG_LINES_MAX);
}

static void test_files_apart(void **state)
{
    (void)state;
    hypervisor.is_mixed = false;
    relay.in_line = true;
    hypervisor_says("one\n");
    expect_shown("paravane: one\n");
}

/* A line for programs has nothing in front, where there are such. */
static void test_objects(void **state)
{
    (void)state;
    hypervisor_says("{\"domain\":1}\n");
    expect_shown("paravane: {\"domain\":1}\n");
    hypervisor.has_objects = true;
    hypervisor_says("{\"domain\":1}\nwords\n");
    expect_shown("{\"domain\":1}\nparavane: words\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits, begin, end),
        cmocka_unit_test_setup_teardown(test_not_for_ever, begin, end),
        cmocka_unit_test_setup_teardown(test_objects, begin, end),
        cmocka_unit_test_setup_teardown(test_files_apart, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
