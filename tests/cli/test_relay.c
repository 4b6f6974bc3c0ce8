/* SPDX-License-Identifier: MIT */
/* Whether a line is under way is a matter of what has been written, not of what waits. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/relay.h>

static int in[2], out[2];

static int begin(void **state)
{
    (void)state;
    return pipe(in) || pipe(out);
}

static int end(void **state)
{
    (void)state;
    return close(in[0]) | close(in[1]) | close(out[0]) | close(out[1]);
}

static void say(const char *text)
{
    assert_int_equal(write(in[1], text, strlen(text)), strlen(text));
}

static void test_line(void **state)
{
    struct relay relay = {.from = in[0], .to = out[1]};

    (void)state;
    say("login: ");
    relay_move(&relay, POLLIN);
    assert_false(relay.in_line); /* nothing of it is on the terminal yet, and a message of ours may come first */
    relay_leave_line(&relay);
    relay_move(&relay, POLLOUT);
    assert_true(relay.in_line);
    relay_leave_line(&relay);
    assert_false(relay.in_line);
    say("root\n");
    relay_move(&relay, POLLIN);
    relay_move(&relay, POLLOUT);
    assert_false(relay.in_line);
}

static void test_put(void **state)
{
    struct relay relay = {.from = -1, .to = out[1]};

    (void)state;
    relay_put(&relay, "> ", 2);
    assert_false(relay.in_line);
    assert_true(relay_ends_in_line(&relay));
    relay_move(&relay, POLLOUT);
    assert_true(relay.in_line);
    assert_true(relay_ends_in_line(&relay));
    assert_true(relay_is_done(&relay));
}

/* So that a write would wait: the descriptor blocks, as that of QEMU's console does. */
static void fill_up(void)
{
    static const char bytes[RELAY_BUFFER];

    assert_int_equal(fcntl(out[1], F_SETFL, O_NONBLOCK), 0);
    while (write(out[1], bytes, sizeof(bytes)) > 0)
        ;
    assert_int_equal(fcntl(out[1], F_SETFL, 0), 0);
}

/* Keys of another terminal come between the look and the move: the run would wait for ever, and take no signal. */
static void test_put_behind_the_look(void **state)
{
    struct relay relay = {.from = in[0], .to = out[1]};
    struct pollfd look;

    (void)state;
    fill_up();
    say("typed");
    look = relay_poll(&relay);
    assert_int_equal(poll(&look, 1, 0), 1);
    relay_put(&relay, "keys", 4);
    alarm(10);
    relay_move(&relay, look.revents);
    alarm(0);
    look = relay_poll(&relay);
    assert_int_equal(poll(&look, 1, 0), 0);
    assert_int_equal(relay_room(&relay), RELAY_BUFFER - 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line, begin, end),
        cmocka_unit_test_setup_teardown(test_put, begin, end),
        cmocka_unit_test_setup_teardown(test_put_behind_the_look, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
