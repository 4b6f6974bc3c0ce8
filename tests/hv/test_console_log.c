/* SPDX-License-Identifier: MIT */
/* What a back end says in the log: whole lines, nothing unprintable, and not more than people read. */
/* links: hv/service/console_log.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/domain.h>
#include <hv/service/console_log.h>
#include <hv/service/services.h>
#include <hv/time/time.h>
#include <tests/hv/lib/said.h>

#define SECOND UINT64_C(1000000000)

static struct domain_services services;
static struct hv_domain domain = {.engine = {.id = {9}}, .name = "back", .services = &services};
static uint64_t now;

uint64_t time_now(void)
{
    return now;
}

static int begin(void **state)
{
    (void)state;
    memset(&services, 0, sizeof(services));
    now = 1000 * SECOND;
    said[0] = '\0';
    return 0;
}

static void say(const char *text)
{
    console_log(&domain, text, strlen(text));
}

static unsigned lines_said(void)
{
    unsigned count = 0;

    for (const char *at = said; (at = strchr(at, '\n')); at++)
        count++;
    said[0] = '\0';
    return count;
}

static void test_lines(void **state)
{
    (void)state;
    say("one\ntw");
    assert_string_equal(said, "domain 9 (back): one\n");
    say("o\r\n\n\r\n");
    assert_string_equal(said, "domain 9 (back): one\ndomain 9 (back): two\n");
    say("part");
    console_log_end(&domain);
    console_log_end(&domain);
    assert_string_equal(said, "domain 9 (back): one\ndomain 9 (back): two\ndomain 9 (back): part\n");
}

static void test_unprintable(void **state)
{
    (void)state;
    say("a\x1b[2Jb\xff\tc\n");
    assert_string_equal(said, "domain 9 (back): a?[2Jb??c\n");
}

static void test_long_line(void **state)
{
    char text[CONSOLE_LINE_MAX + 3];

    (void)state;
    memset(text, 'x', sizeof(text));
    console_log(&domain, text, sizeof(text));
    assert_int_equal(strlen(said), strlen("domain 9 (back): ") + CONSOLE_LINE_MAX + 1);
    console_log(&domain, "\n", 1);
    assert_string_equal(strchr(said, '\n'), "\ndomain 9 (back): xxx\n");
}

/* However much it says: so many at once, so many a second, and what is missing is told. */
static void test_flood(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONSOLE_LOG_AT_ONCE / 4; i++)
        say("line\n");
    assert_int_equal(lines_said(), CONSOLE_LOG_AT_ONCE / 4);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < CONSOLE_LOG_AT_ONCE / 4; j++)
            say("line\n");
        if (i < 3)
            assert_int_equal(lines_said(), CONSOLE_LOG_AT_ONCE / 4);
    }
    assert_int_equal(lines_said(), 0);
    now += SECOND / CONSOLE_LOG_PER_SECOND;
    say("heard\nunheard\n");
    assert_said("domain 9 (back): 25 lines left out here\ndomain 9 (back): heard\n");
    assert_unsaid("unheard");
    console_log_end(&domain);
    assert_said("domain 9 (back): 1 lines left out here\n");
    (void)lines_said();
    now += SECOND;
    for (unsigned i = 0; i < 1000; i++)
        say("line\n");
    assert_int_equal(lines_said(), CONSOLE_LOG_PER_SECOND);
    now += 1000000 * SECOND; /* what was not used is not kept for ever */
    for (unsigned i = 0; i < 1000; i++)
        say("line\n");
    assert_int_equal(lines_said(), CONSOLE_LOG_AT_ONCE + 1);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_unprintable),
        TEST(test_long_line),
        TEST(test_flood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
