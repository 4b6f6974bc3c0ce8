/* SPDX-License-Identifier: MIT */
/* Ports that a guest names where none may be. */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/time.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

#define POLL_MAX 128u

static long poll(const evtchn_port_t *ports, uint32_t count)
{
    const struct sched_poll poll = {.ports = arg_of(ports), .nr_ports = count, .timeout = 1};

    return hypercall_sched_op(SCHEDOP_poll, &poll);
}

/* XSA-221: numbers of ports are looked at before they are used, and so is how many there are. */
static void polls(void)
{
    static const evtchn_port_t bad[] = {0, 4095, 4096, 131071, 131072, 1u << 31, UINT32_MAX};
    static const uint32_t too_many[] = {POLL_MAX + 1, 1u << 31, UINT32_MAX};
    evtchn_port_t ports[POLL_MAX], good;
    unsigned wrong = 0;

    test_need(event_bind_ipi(NULL, &good), "a port");
    for (unsigned i = 0; i < POLL_MAX; i++)
        ports[i] = good;
    wrong += poll(ports, 0) != 0;
    wrong += poll(ports, 1) != 0;
    wrong += poll(ports, POLL_MAX) != 0;
    for (unsigned i = 0; i < sizeof(too_many) / sizeof(too_many[0]); i++)
        wrong += poll(ports, too_many[i]) != -XEN_EINVAL;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wrong += poll(&bad[i], 1) != -XEN_EINVAL;
        ports[POLL_MAX - 1] = bad[i];
        wrong += poll(ports, POLL_MAX) != -XEN_EINVAL;
    }
    test_check(wrong == 0, "xsa_221_ports_that_are_none", "%u wrong answers", wrong);
    test_need(event_close(good), "close");
}

void lessons_events(void)
{
    polls();
}
