/* SPDX-License-Identifier: MIT */
/* What one serial line shows of several guests. */
/* links: hv/service/console_output.c hv/base/multiplex.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/service/console_output.h>
#include <hv/service/services.h>

static struct domain_services services[2];
static struct hv_domain front = {.name = "front", .services = &services[0]};
static struct hv_domain back = {.name = "back", .services = &services[1]};
static char line[2048];
static size_t sent;

static size_t room = SIZE_MAX; /* bytes that the line still takes */

bool serial_write(const char *bytes, size_t count)
{
    assert_true(count < sizeof(line) - sent);
    if (count > room)
        return false;
    room -= count;
    memcpy(line + sent, bytes, count);
    sent += count;
    line[sent] = '\0';
    return true;
}

static char logged[64];
static bool log_ended;

void console_log(struct hv_domain *domain, const char *bytes, size_t count)
{
    assert_true(domain->is_back_end);
    assert_true(strlen(logged) + count < sizeof(logged));
    strncat(logged, bytes, count);
}

void console_log_end(struct hv_domain *domain)
{
    assert_true(domain->is_back_end);
    log_ended = true;
}

static void begin(void)
{
    memset(services, 0, sizeof(services));
    (void)console_output(&front, true, "\n", 1);
    sent = 0;
    line[0] = '\0';
}

static void say(struct hv_domain *domain, const char *text)
{
    (void)console_output(domain, domain == &front, text, strlen(text));
}

static void test_foreground(void **state)
{
    (void)state;
    begin();
    say(&front, "login: \x1b[1mme\r\n");
    assert_string_equal(line, "login: \x1b[1mme\r\n");
}

/* By whole lines, whose end may be \n, \r\n or, of console_io, both. */
static void test_background(void **state)
{
    (void)state;
    begin();
    say(&back, "one\ntw");
    assert_string_equal(line, "back: one\r\n");
    say(&back, "o\r\n");
    assert_string_equal(line, "back: one\r\nback: two\r\n");
}

/* A line of the foreground is not torn but by a line of its own. */
static void test_both(void **state)
{
    (void)state;
    begin();
    say(&front, "$ ls");
    say(&back, "hidden");
    say(&front, " -l\r\n");
    say(&back, " no more\n");
    say(&front, "$ ");
    say(&back, "now\n");
    assert_string_equal(line, "$ ls -l\r\nback: hidden no more\r\n$ \r\nback: now\r\n");
}

/* A guest that never ends its lines is shown all the same, and keeps to its room. */
static void test_long_line(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < CONSOLE_LINE_MAX - 1; i++)
        say(&back, "x");
    assert_int_equal(sent, 0);
    say(&back, "yz");
    assert_int_equal(sent, strlen("back: ") + CONSOLE_LINE_MAX + 2);
    assert_string_equal(line + sent - 3, "y\r\n");
    console_output_flush(&back, false);
    assert_string_equal(line + sent - 11, "\r\nback: z\r\n");
}

/* What it costs on the line is known; empty lines cost nothing, or a guest could make 2 KB of its ring 64. */
static void test_cost(void **state)
{
    (void)state;
    begin();
    assert_int_equal(console_output(&back, false, "\n\r\n\n", 4), 0);
    assert_int_equal(console_output(&back, false, "a\nbc\nd", 6), strlen("back: a\r\nback: bc\r\n"));
    assert_int_equal(sent, strlen("back: a\r\nback: bc\r\n"));
    assert_int_equal(console_output(&front, true, "\n\n", 2), 2);
}

static void test_flush(void **state)
{
    (void)state;
    begin();
    console_output_flush(&back, false);
    assert_int_equal(sent, 0);
    say(&back, "$ ");
    console_output_flush(&back, true); /* it comes to the foreground */
    assert_string_equal(line, "$ ");
    console_output_flush(&back, true);
    assert_string_equal(line, "$ ");
}

/* Nothing of what a back end says goes to the line, multiplexed or not. */
static void test_back_end(void **state)
{
    (void)state;
    memset(services, 0, sizeof(services));
    sent = 0;
    logged[0] = '\0';
    log_ended = false;
    back.is_back_end = true;
    say(&back, "ready\n");
    assert_int_equal(console_output(&back, true, "x", 1), 1);
    console_output_flush(&back, false);
    back.is_back_end = false;
    assert_string_equal(logged, "ready\nx");
    assert_true(log_ended);
    assert_int_equal(sent, 0);
}

/* From here on the line is multiplexed: there is no way back. */
static void multiplex(void)
{
    console_output_multiplex();
    memset(services, 0, sizeof(services));
    front.engine.id.v = 2;
    back.engine.id.v = 5;
    room = SIZE_MAX;
    sent = 0;
    line[0] = '\0';
}

static void test_multiplexed(void **state)
{
    (void)state;
    multiplex();
    assert_true(console_output_is_multiplexed());
    say(&front, "log");
    say(&front, "in: ");
    say(&back, "\x1b[1m\r\n\n");
    console_output_hypervisor("5 back\r\n", 8);
    say(&front, "root\n");
    assert_string_equal(line, "\x10\x42login: \x10\x45\x1b[1m\r\n\n\x10!5 back\r\n\x10\x42root\n");
    console_output_flush(&front, true);
    console_output_flush(&back, false);
    assert_int_equal(console_output(&back, false, "\n\n", 2), 2);
}

/* No guest can select a console, or be taken for the hypervisor. */
static void test_multiplexed_escapes(void **state)
{
    (void)state;
    multiplex();
    say(&front, "\x10\x45\x10!");
    assert_string_equal(line, "\x10\x42\x10.\x45\x10.!");
}

/* What a stuck line has lost is lost, but nothing comes to another's console. */
static void test_multiplexed_losses(void **state)
{
    (void)state;
    multiplex();
    say(&front, "a");
    room = 2;
    assert_int_equal(console_output(&front, true, "bcd", 3), 3);
    room = 1;
    say(&back, "lost");
    room = SIZE_MAX;
    say(&back, "e");
    room = 1;
    say(&back, "\x10");
    room = SIZE_MAX;
    say(&back, "f");
    assert_string_equal(line, "\x10\x42\x61\x62\x63\x10\x10\x45\x65\x10\x10\x45\x66");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreground),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_back_end),
        cmocka_unit_test(test_multiplexed),
        cmocka_unit_test(test_multiplexed_escapes),
        cmocka_unit_test(test_multiplexed_losses),
        cmocka_unit_test(test_back_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
