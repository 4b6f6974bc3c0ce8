/* SPDX-License-Identifier: MIT */
/*
 * A guest to talk to, as "talk" on its command line says: it repeats each line behind "heard: ", and "end" and "crash"
 * are its end.  With "bytes" it says every byte, by itself and behind an escape of multiplexed consoles
 * (hv/base/multiplex.h), and half an escape before the verdict.  Otherwise it is a test that nobody talks to it.
 */
#include <abi/sched.h>
#include <guest/console.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>

#define ESCAPE '\x10'

/* Until input may have come. */
static void wait(void)
{
    evtchn_port_t port = guest.start->console.domU.evtchn;
    const struct sched_poll poll = {.ports = (uintptr_t)&port, .nr_ports = 1};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
    event_clear(port);
}

/* A line without its end, which may be a carriage return. */
static void read_line(char *line, size_t size)
{
    size_t length = 0;
    char byte;

    for (;;) {
        while (!console_read(&byte, 1))
            wait();
        if (byte == '\r' || byte == '\n')
            break;
        if (length < size - 1)
            line[length++] = byte;
    }
    line[length] = '\0';
}

static void talk(void)
{
    const struct sched_shutdown crash = {.reason = SHUTDOWN_crash};
    char line[128];

    for (;;) {
        print("talk> ");
        read_line(line, sizeof(line));
        print("heard: %s\n", line);
        if (!strcmp(line, "crash"))
            (void)hypercall_sched_op(SCHEDOP_shutdown, &crash);
        if (!strcmp(line, "end")) {
            test_ok("talked to");
            return;
        }
    }
}

static void say_bytes(void)
{
    char text[2] = {ESCAPE};

    for (unsigned byte = 0; byte < 256; byte++) {
        text[1] = (char)byte;
        console_write(&text[1], 1);
        console_write(text, 2);
    }
    console_write(text, 1);
    test_ok("said");
}

void test_main(void)
{
    char byte;

    if (!strcmp(guest.start->cmd_line, "talk"))
        talk();
    else if (!strcmp(guest.start->cmd_line, "bytes"))
        say_bytes();
    else
        test_check(!console_read(&byte, 1), "nobody talks", "%x", byte);
}
