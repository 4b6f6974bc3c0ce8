/* SPDX-License-Identifier: MIT */
/* A run that is spoken to: who asks what, what of it the hypervisor is asked, and who hears of the answer. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/control.h>

#define CLIENTS (CONTROL_CLIENTS_MAX + 2)

static char root[64];
static struct control control;
static struct log hypervisor;
static int line[2]; /* the hypervisor's end is the second */
static int clients[CLIENTS];
static const struct outcomes guests = {
    .count = 2,
    .list = {{.number = 1, .name = "one", .ends_by_reboot = true},
             {.number = 9, .name = "nine", .ends_by_reboot = true}},
};

static const struct guest_options options[2] = {
    {.nr_disks = 1, .disks = {{.name = "xvda"}}},
    {.nr_disks = 2,
     .disks = {{.name = "xvda"}, {.name = "xvdb"}},
     .nr_nics = 2,
     .nics = {{.mac = {0x52, 0x54, 0, 0xab, 0, 1}}, {.mac = {0x52, 0x54, 0, 0xab, 0, 2}}},
     .nr_shares = 1,
     .shares = {{.tag = "home"}}},
};

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/paravane-test.XXXXXX");
    if (!mkdtemp(root) || setenv("XDG_RUNTIME_DIR", root, 1) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, line))
        return -1;
    memset(&control, 0, sizeof(control));
    hypervisor = (struct log){.from = line[0]};
    for (unsigned i = 0; i < CLIENTS; i++)
        clients[i] = -1;
    control_open(&control, &guests, options, &hypervisor);
    control_note(&control, "domain 1 (one): built, and so on");
    control_note(&control, "domain 9 (nine): built, and so on");
    return control.place.listener < 0;
}

static int end(void **state)
{
    (void)state;
    control_close(&control);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (clients[i] >= 0)
            close(clients[i]);
    }
    close(line[0]);
    close(line[1]);
    return rmdir(root);
}

/* As long as there is anything to do. */
static void turn(void)
{
    struct pollfd polls[CONTROL_POLLED];

    do {
        control_poll(&control, polls);
        if (poll(polls, CONTROL_POLLED, 0) <= 0)
            return;
        control_move(&control, polls);
    } while (true);
}

/* What has come on @fd, until it would have to be waited for. */
static const char *received(int fd)
{
    static char text[32768];
    size_t length = 0;
    ssize_t got;

    while ((got = recv(fd, text + length, sizeof(text) - 1 - length, MSG_DONTWAIT)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    return text;
}

static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void come(unsigned who)
{
    struct run_peer peers[RUN_PLACES_MAX];
    char why[RUN_PLACE_WHY_MAX];

    assert_int_equal(run_place_connect(peers, why), 1);
    clients[who] = peers[0].fd;
    turn();
}

/* One that has been greeted. */
static void join(unsigned who)
{
    char greeting[64];

    come(who);
    snprintf(greeting, sizeof(greeting), "run %d\nname one\nname nine\nend\n", (int)getpid());
    assert_string_equal(received(clients[who]), greeting);
}

static void ask(unsigned who, const char *text)
{
    assert_int_equal(send(clients[who], text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn();
}

#define ASSERT_TOLD(who, text) assert_string_equal(received(clients[who]), text)
#define ASSERT_REQUEST(text)   assert_string_equal(received(line[1]), text)

static void answer(const char *text)
{
    assert_true(control_note(&control, text));
    turn();
}

static void test_list(void **state)
{
    (void)state;
    join(0);
    ask(0, "list\n");
    ASSERT_REQUEST("1 list\n");
    answer("answer 2 guest 1 one running 1 1 1 1 1"); /* somebody else's */
    answer("answer 1 guest 9 nine running 1 1 1 1 1");
    answer("answer 1 ok these are all");
    ASSERT_TOLD(0, "guest 9 nine running 1 1 1 1 1\ndevices 9 +xvda +xvdb +vif0 +vif1 +home\n"
                   "guest 1 one building 0 0 0 0 0\nok these are all\n");
    control_note(&control, "domain 1 (one) wants to reboot");
    control_note(&control, "domain 9 (nine) crashed: badly");
    ask(0, "list\n");
    ASSERT_REQUEST("2 list\n");
    answer("answer 2 ok these are all");
    ASSERT_TOLD(0, "guest 1 one restarting 0 0 0 0 0\nguest 9 nine ended 0 0 0 0 0\nok these are all\n");
}

/* What is not plugged in is so of the guest that comes next, and of no other. */
static void test_list_devices(void **state)
{
    (void)state;
    join(0);
    ask(0, "list\n");
    ASSERT_REQUEST("1 list\n");
    answer("answer 1 out 9 12");
    answer("answer 1 guest 9 nine running 1 1 1 1 1");
    answer("answer 1 guest 1 one running 1 1 1 1 1");
    answer("answer 1 ok these are all");
    ASSERT_TOLD(0, "guest 9 nine running 1 1 1 1 1\ndevices 9 +xvda -xvdb +vif0 +vif1 -home\n"
                   "guest 1 one running 1 1 1 1 1\ndevices 1 +xvda\nok these are all\n");
}

/* Two at once get their own answers, in whatever order. */
static void test_two(void **state)
{
    (void)state;
    join(0);
    join(1);
    ask(0, "poweroff nine\n");
    ask(1, "memory one 8192\n");
    ASSERT_REQUEST("1 poweroff 9\n2 memory 1 8192\n");
    answer("answer 2 no it does not want to");
    ASSERT_TOLD(0, "");
    ASSERT_TOLD(1, "no it does not want to\n");
    answer("answer 1 ok it has been asked");
    answer("answer 1 ok it has been asked"); /* once is enough */
    ASSERT_TOLD(0, "ok it has been asked\n");
    ASSERT_TOLD(1, "");
}

static void test_end(void **state)
{
    (void)state;
    join(0);
    ask(0, "reboot nine\n");
    answer("answer 1 ok it has been asked");
    assert_false(control_note(&control, "domain 1 (one) powered off"));
    assert_false(control_note(&control, "a line of something else"));
    turn();
    ASSERT_TOLD(0, "ok it has been asked\n");
    control_note(&control, "domain 9 (nine) wants to reboot");
    turn();
    ASSERT_TOLD(0, "ended wants to reboot\n");
    /* Until it is there again it is asked for nothing. */
    ask(0, "destroy nine\n");
    ASSERT_TOLD(0, "no it is just being started anew: try again\n");
    control_note(&control, "domain 9 (nine): built, and so on");
    ask(0, "destroy nine\n");
    ask(0, "\n"); /* not before the answer */
    ASSERT_TOLD(0, "no one line at a time, and that of 127 characters at most\n");
    assert_true(is_closed(clients[0]));
    join(1);
    ask(1, "destroy one\n");
    ASSERT_TOLD(1, "no it has ended: powered off\n");
}

/* Each by its own name, in the order in which the bundle has them; the answer may take its time. */
static void test_devices(void **state)
{
    (void)state;
    join(0);
    join(1);
    ask(0, "unplug nine xvdb\n");
    ask(1, "plug nine vif1\n");
    ASSERT_REQUEST("1 unplug 9 1\n2 plug 9 3\n");
    answer("answer 2 no it is plugged in");
    ASSERT_TOLD(0, "");
    ASSERT_TOLD(1, "no it is plugged in\n");
    ask(1, "remove nine 52:54:00:AB:00:01\n");
    ASSERT_REQUEST("3 remove 9 2\n");
    answer("answer 1 ok it is unplugged");
    answer("answer 3 ok it is unplugged");
    ASSERT_TOLD(0, "ok it is unplugged\n");
    ask(0, "unplug nine home\n");
    ASSERT_REQUEST("4 unplug 9 4\n");
    answer("answer 4 ok it is unplugged");
    ASSERT_TOLD(0, "ok it is unplugged\n");
    ask(0, "unplug one xvdb\n");
    ASSERT_TOLD(0, "no it has no device xvdb; it has xvda\n");
    ask(0, "unplug nine vif2\n");
    ASSERT_TOLD(0, "no it has no device vif2; it has xvda, xvdb, vif0, vif1, home\n");
    ASSERT_REQUEST("");
}

/* What is wrong never reaches the hypervisor. */
static void test_wrong(void **state)
{
    char text[400];

    (void)state;
    join(0);
    ask(0, "fly\n");
    ASSERT_TOLD(0, "no this run does not know what that means: does it belong to another version?\n");
    ask(0, "destroy two\n");
    ASSERT_TOLD(0, "no there is no such guest\n");
    ask(0, "destroy one\r\n");
    ask(0, "");
    ASSERT_TOLD(0, "no this run does not know what that means: does it belong to another version?\n");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ask(0, text);
    assert_non_null(strstr(received(clients[0]), "no one line at a time"));
    ASSERT_REQUEST("");
}

static void test_not_there_yet(void **state)
{
    (void)state;
    control.guests.list[0].is_built = false;
    join(0);
    ask(0, "destroy one\n");
    ASSERT_TOLD(0, "no it is still being built: try again\n");
    control.guests.list[1].is_built = false;
    ask(0, "list\n");
    ASSERT_TOLD(0, "guest 1 one building 0 0 0 0 0\nguest 9 nine building 0 0 0 0 0\nok these are all\n");
    ASSERT_REQUEST("");
}

static void test_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        join(i);
    come(CONTROL_CLIENTS_MAX);
    ASSERT_TOLD(CONTROL_CLIENTS_MAX, "busy\n"); /* so that nobody takes it for a run that has ended */
    assert_true(is_closed(clients[CONTROL_CLIENTS_MAX]));
    close(clients[3]);
    clients[3] = -1;
    turn();
    join(CONTROL_CLIENTS_MAX + 1);
}

/* The run ends: nobody waits for ever. */
static void test_run_ends(void **state)
{
    (void)state;
    join(0);
    join(1);
    ask(0, "poweroff one\n");
    answer("answer 1 ok it has been asked");
    ask(1, "vcpus one 1\n");
    control_close(&control);
    ASSERT_TOLD(0, "ok it has been asked\nended without a word: its run is over\n");
    ASSERT_TOLD(1, "ended without a word: its run is over\n");
}

static void test_console(void **state)
{
    char keys[CONTROL_KEYS_MAX];
    unsigned place;
    size_t count;

    (void)state;
    control_show(&control, 1, "login: ", 7);
    control_show(&control, 0, "secret", 6);
    join(0);
    join(1);
    ask(0, "console nine\n");
    ASSERT_TOLD(0, "ok\nlogin: ");
    ask(1, "console nine\n");
    ASSERT_TOLD(1, "no somebody else has its console: it goes to one at a time\n");
    ask(1, "console one\n");
    ASSERT_TOLD(1, "ok\nsecret");
    assert_false(control_take_keys(&control, &place, keys, &count));
    ask(0, "destroy one\n"); /* is for the guest */
    ASSERT_REQUEST("");
    assert_true(control_take_keys(&control, &place, keys, &count));
    assert_int_equal(place, 1);
    assert_int_equal(count, 12);
    assert_memory_equal(keys, "destroy one\n", 12);
    control_show(&control, 1, "\033[1m", 4);
    turn();
    ASSERT_TOLD(0, "\033[1m");
    ASSERT_TOLD(1, "");
    control_note(&control, "domain 9 (nine) wants to reboot");
    control_note(&control, "domain 9 (nine): built, and so on");
    control_note(&control, "domain 9 (nine) crashed");
    control_note(&control, "domain 9 (nine) crashed");
    assert_true(control_is_behind(&control));
    control_show(&control, 1, "last", 4);
    control_catch_up(&control);
    assert_false(control_is_behind(&control));
    turn();
    ASSERT_TOLD(0, "last\r\nparavane: nine has ended: crashed\r\n");
    /* Who has gone leaves it to others. */
    close(clients[0]);
    clients[0] = -1;
    turn();
    join(2);
    ask(2, "console nine\n");
    assert_non_null(strstr(received(clients[2]), "ok\nlogin: \033[1m"));
}

/* Of what has been said before, the end; and what nobody takes is no burden. */
static void test_backlog(void **state)
{
    static char text[CONTROL_BACKLOG + 100];
    const char *got;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    control_show(&control, 0, text, sizeof(text));
    join(0);
    ask(0, "console one\n");
    got = received(clients[0]);
    assert_int_equal(strlen(got), 3 + CONTROL_BACKLOG);
    assert_memory_equal(got + 3, text + 100, CONTROL_BACKLOG);
    for (unsigned i = 0; i < 10000; i++) {
        control_show(&control, 0, text, 1000);
        turn();
    }
    assert_true(strlen(received(clients[0])) > 1000);
}

/* Keys that no guest takes wait with who typed them. */
static void test_keys_wait(void **state)
{
    char keys[CONTROL_KEYS_MAX], text[1000];
    unsigned place;
    size_t count, sum = 0;

    (void)state;
    join(0);
    ask(0, "console one\n");
    memset(text, 'k', sizeof(text));
    assert_int_equal(send(clients[0], text, sizeof(text), 0), sizeof(text));
    turn();
    while (control_take_keys(&control, &place, keys, &count)) {
        assert_in_range(count, 1, CONTROL_KEYS_MAX);
        sum += count;
        turn();
    }
    assert_int_equal(sum, sizeof(text));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list),     TEST(test_list_devices), TEST(test_two),           TEST(test_end),
        TEST(test_devices),  TEST(test_wrong),        TEST(test_not_there_yet), TEST(test_many),
        TEST(test_run_ends), TEST(test_console),      TEST(test_backlog),       TEST(test_keys_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
