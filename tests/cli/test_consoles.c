/* SPDX-License-Identifier: MIT */
/* One line taken apart into consoles, and keys put on it: what is shown, what goes to files, and who is in front. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/consoles.h>

static char path[] = "/tmp/paravane-test.XXXXXX";
static struct outcomes guests;
static struct consoles consoles;
static struct control control; /* nobody is connected */
static struct relay out, in;
static int line[2]; /* a pipe in QEMU's place */
static const char *paths[GUESTS_MAX];

static void open_all(bool hurried)
{
    out = (struct relay){.from = -1, .to = -1};
    in = (struct relay){.from = -1, .to = -1};
    assert_int_equal(consoles_open(&consoles, &guests, paths), STATUS_GOOD);
    control = (struct control){.last_id = 0};
    consoles_begin(&consoles, line[0], &out, &control, hurried);
}

static int begin(void **state)
{
    (void)state;
    guests = (struct outcomes){
        .count = 3,
        .list = {{.number = 1, .name = "one"}, {.number = 2, .name = "two"}, {.number = 9, .name = "nine"}}};
    memset(paths, 0, sizeof(paths));
    if (pipe2(line, O_NONBLOCK))
        return -1;
    open_all(true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    consoles_close(&consoles);
    close(line[0]);
    return close(line[1]);
}

/* Bytes come on the line. */
static void come(const char *bytes, size_t count)
{
    assert_int_equal(write(line[1], bytes, count), (ssize_t)count);
    consoles_read(&consoles, POLLIN);
    consoles_work(&consoles);
}

#define COME(text) come(text, sizeof(text) - 1)

/* What waits has been written. */
static void write_out(void)
{
    out.in_line = relay_ends_in_line(&out);
    out.begin = out.end = 0;
}

/* They are what stdout has got since the last time. */
static void assert_shown(const char *text)
{
    assert_int_equal(out.end - out.begin, strlen(text));
    assert_memory_equal(out.buffer + out.begin, text, strlen(text));
    write_out();
    consoles_work(&consoles);
}

#define ASSERT_TYPED(code)                                                 \
    do {                                                                   \
        assert_int_equal(in.end - in.begin, sizeof(code) - 1);             \
        assert_memory_equal(in.buffer + in.begin, code, sizeof(code) - 1); \
        in.begin = in.end = 0;                                             \
    } while (0)

static void test_shown(void **state)
{
    (void)state;
    COME("nobody's\x10\x41login: \x1b[1m\x10\x42hello\nsecret");
    assert_shown("login: \x1b[1m\r\ntwo: hello\r\n");
    COME("\x10\x41\x10.\x10\x42s\x1b[2J\n\n\x10\x49nine\r\n\x10\x43nobody's\n");
    assert_shown("\x10\r\ntwo: secrets\r\nnine: nine\r\n");
}

/* Whatever a guest says, it does not come to another's console. */
static void test_hostile(void **state)
{
    (void)state;
    COME("\x10\x42");
    for (unsigned i = 0; i < 65536; i++) {
        const char said[] = {'\x10', (char)(i >> 8), (char)i, '\n'};

        for (unsigned j = 0; j < sizeof(said); j++) {
            char code[2];

            come(code, multiplex_encode(said[j], code));
        }
        if (out.end > out.begin && strncmp(out.buffer + out.begin, "two: ", 5) != 0)
            fail_msg("%x", i);
        out.begin = out.end = 0;
    }
    COME("\x10\x41.");
    assert_shown(".");
}

/* Whoever comes later to another's console finds what that guest has said, wherever it went, and nobody else's. */
static void test_kept(void **state)
{
    (void)state;
    COME("nobody's\x10\x42hello\n\x10\x49\x10.\x10\x41one\x10\x42 two\x10!list\n\x10\x43nobody's\n");
    assert_int_equal(control.backlogs[1].count, 10);
    assert_memory_equal(control.backlogs[1].bytes, "hello\n two", 10);
    assert_int_equal(control.backlogs[0].count, 3);
    assert_int_equal(control.backlogs[2].count, 1);
    assert_int_equal(control.backlogs[2].bytes[0], '\x10');
}

/* What is typed elsewhere is for that guest alone; the next key here is for the one in front again. */
static void test_typed_elsewhere(void **state)
{
    (void)state;
    consoles_type(&consoles, &in, "a", 1);
    ASSERT_TYPED("\x10\xc1"
                 "a");
    consoles_type_for(&consoles, &in, 2, "b\x10", 2);
    ASSERT_TYPED("\x10\xc9"
                 "b\x10.");
    consoles_type(&consoles, &in, "c", 1);
    ASSERT_TYPED("\x10\xc1"
                 "c");
}

static void test_brought(void **state)
{
    (void)state;
    COME("\x10\x42half a li");
    assert_shown("");
    consoles_bring(&consoles, 1);
    assert_shown("half a li");
    COME("ne\n\x10\x41now I am behind\n");
    assert_shown("ne\none: now I am behind\r\n");
    consoles_bring(&consoles, 7); /* there is none */
    assert_int_equal(consoles.front, 1);
    consoles_bring_next(&consoles);
    assert_int_equal(consoles.front, 2);
    consoles_bring_next(&consoles);
    assert_int_equal(consoles.front, 0);
}

static void test_typed(void **state)
{
    (void)state;
    consoles_type(&consoles, &in,
                  "a\x10"
                  "b",
                  3);
    ASSERT_TYPED("\x10\xc1"
                 "a\x10.b");
    consoles_type(&consoles, &in, "c", 1);
    ASSERT_TYPED("c");
    consoles_bring(&consoles, 2);
    consoles_type(&consoles, &in, NULL, 0);
    consoles_ask(&consoles, &in);
    ASSERT_TYPED("\x10\xc9\x10?");
    consoles_close(&consoles);
    open_all(false);
    consoles_type(&consoles, &in, "d", 1);
    ASSERT_TYPED("\x10\x41"
                 "d");
}

/* No part of a code is sent alone, and no key to the guest before. */
static void test_typed_too_much(void **state)
{
    static char keys[RELAY_BUFFER];

    (void)state;
    consoles_type(&consoles, &in, keys, sizeof(keys));
    assert_int_equal(relay_room(&in), 0);
    in.begin = 1;
    consoles_type(&consoles, &in, "\x10", 1);
    assert_int_equal(relay_room(&in), 1);
    consoles_bring(&consoles, 1);
    consoles_type(&consoles, &in, "x", 1);
    assert_int_equal(relay_room(&in), 1);
    in.begin = in.end;
    consoles_type(&consoles, &in, "y", 1);
    ASSERT_TYPED("\x10\xc2y");
}

/* The one in front has ended: first it says all that it has said, then the next one comes. */
static void test_ends(void **state)
{
    (void)state;
    COME("\x10\x41");
    outcomes_note(&guests, "domain 1 (one) powered off");
    assert_int_equal(write(line[1], "bye", 3), 3);
    consoles_work(&consoles);
    assert_int_equal(consoles.front, 0);
    COME("\x10\x42two\n");
    assert_int_equal(consoles.front, 0);
    assert_shown("bye\r\ntwo: two\r\n");
    assert_int_equal(consoles.front, 1);
    outcomes_note(&guests, "domain 2 (two) crashed");
    consoles_work(&consoles);
    assert_int_equal(consoles.front, 2);
    outcomes_note(&guests, "domain 9 (nine) powered off");
    consoles_work(&consoles);
    assert_int_equal(consoles.front, 2);
}

static void assert_file(const char *text)
{
    char got[64];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof(got), file), strlen(text));
    assert_memory_equal(got, text, strlen(text));
    fclose(file);
}

static void test_file(void **state)
{
    (void)state;
    consoles_close(&consoles);
    paths[0] = path;
    open_all(true);
    assert_int_equal(consoles.front, 1); /* whose console is shown */
    COME("\x10\x41raw\x1b[2J\x10.\r\n\x10\x42shown");
    assert_shown("shown");
    assert_file("raw\x1b[2J\x10\r\n");
    assert_false(consoles_are_busy(&consoles));
    consoles_bring(&consoles, 0);
    COME("\x10\x41more");
    assert_shown("");
    assert_file("raw\x1b[2J\x10\r\nmore");
}

static void test_file_lost(void **state)
{
    int error = 0;

    (void)state;
    consoles_close(&consoles);
    paths[0] = "/nowhere/console";
    assert_int_equal(consoles_open(&consoles, &guests, paths), STATUS_FAILED);
    consoles_close(&consoles);
    paths[0] = NULL;
    paths[1] = "/dev/full";
    open_all(true);
    COME("\x10\x41shown");
    assert_null(consoles_broken(&consoles, &error));
    COME("\x10\x42lost");
    assert_string_equal(consoles_broken(&consoles, &error), "/dev/full");
    assert_int_equal(error, ENOSPC);
}

/* Nobody takes what is shown: nothing is lost, and nothing runs over. */
static void test_unread(void **state)
{
    static const char said[] = "\x10\x42x\n\x10\x41yz";
    size_t shown = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(write(line[1], said, sizeof(said) - 1), sizeof(said) - 1);
    for (unsigned i = 0; i < 1000; i++) {
        struct pollfd polls[CONSOLES_POLLED];

        consoles_poll(&consoles, polls);
        if (polls[0].fd >= 0)
            consoles_read(&consoles, POLLIN);
        consoles_work(&consoles);
        shown += out.end - out.begin;
        write_out();
    }
    /* "two: x" and its line's end; in front of all but the first one more; and what is in front. */
    assert_int_equal(shown, 1000 * (6 + 2) + 999 * 2 + 1000 * 2);
    assert_false(consoles_are_busy(&consoles));
}

/* The list is the hypervisor's, line by line, whatever comes in between or is no line of it. */
static void test_list(void **state)
{
    (void)state;
    COME("\x10!1 one running 1 16384 5");
    COME("\x10\x42"
         "2 two x 9 9 9 9\n\x10!00000 7\r\nnonsense\r\n9 nine wait");
    assert_true(consoles.rows[0].is_there);
    assert_string_equal(consoles.rows[0].state, "running");
    assert_int_equal(consoles.rows[0].run_us, 500000);
    assert_int_equal(consoles.rows[0].memory_kib, 16384);
    assert_int_equal(consoles.rows[0].restarts, 7);
    assert_false(consoles.rows[1].is_there);
    COME("ing 2 1 1 0\r\n2 two down 1 1 1\r\n");
    assert_false(consoles.rows[1].is_there); /* a line that lacks something */
    COME("end\r\n");
    assert_false(consoles.rows[0].is_there); /* told */
    for (unsigned i = 0; i < 10000; i++)
        COME("x"); /* a line without an end */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shown),          TEST(test_hostile), TEST(test_brought), TEST(test_typed),
        TEST(test_typed_too_much), TEST(test_ends),    TEST(test_file),    TEST(test_file_lost),
        TEST(test_unread),         TEST(test_list),    TEST(test_kept),    TEST(test_typed_elsewhere),
    };
    int fd = mkstemp(path), status;

    if (fd < 0 || close(fd))
        return 1;
    status = cmocka_run_group_tests(tests, NULL, NULL);
    return unlink(path) ? 1 : status;
}
