/* SPDX-License-Identifier: MIT */
/* Event channels by their calls, of guests of both widths: each kind, and random calls with a check of their own. */
/* links: hv/domain/event.c hv/domain/event_2level.c hv/domain/event_fifo.c hv/domain/event_table.c */
/* links: hv/service/event_channel.c hv/service/event_words.c hv/call/call_event.c engine/access.c */
/* links: tests/hv/lib/guest_events.c tests/hv/lib/guest_memory.c tests/hv/lib/objects.c tests/hv/lib/port_halt.c */
/* links: tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_events.h>

/*
 * Shows event_channel_op.bind-virq, event_channel_op.no-virq, event_channel_op.virq-no-vcpu,
 * event_channel_op.virq-bound, event_channel_op.virqs, event_channel_op.bind-vcpu, event_channel_op.bind-refused,
 * event_channel_op.send-refused.
 */
static void test_virq(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port, other, console;

    (void)state;
    assert_int_equal(bind_virq(guest, 24, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, UINT32_MAX, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, VCPUS, &port), -XEN_ENOENT);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 1, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, VCPUS, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &other), -XEN_EEXIST);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 2, &other), 0);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), -XEN_EEXIST);
    console = 3;
    event_raise_virq(&guest->vcpus[0], VIRQ_TIMER);
    expect_nothing(guest);
    event_raise_virq(&guest->vcpus[1], VIRQ_TIMER);
    expect_raised(guest, 1, port);
    event_raise_virq(&guest->vcpus[2], VIRQ_TIMER);
    expect_raised(guest, 2, other);
    assert_int_equal(bind_vcpu(guest, port, 0), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(guest, console, 2), 0);
    event_raise_virq(&guest->vcpus[1], VIRQ_CONSOLE);
    expect_raised(guest, 2, console);
    assert_int_equal(status(guest, console).status, EVTCHNSTAT_virq);
    assert_int_equal(status(guest, console).u.virq, VIRQ_CONSOLE);
    assert_int_equal(status(guest, console).vcpu, 2);
    assert_int_equal(send(guest, console), -XEN_EINVAL);
    assert_int_equal(close_port(guest, console), 0);
    event_raise_virq(&guest->vcpus[1], VIRQ_CONSOLE);
    expect_nothing(guest);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &port), 0);
    assert_int_equal(port, 1);
}

/*
 * Shows event_channel_op.bind-ipi, event_channel_op.ipi-no-vcpu, event_channel_op.bind-refused, event_channel_op.send.
 */
static void test_ipi(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, VCPUS, &port), -XEN_ENOENT);
    assert_int_equal(bind_ipi(guest, 2, &port), 0);
    assert_int_equal(send(guest, port), 0);
    expect_raised(guest, 2, port);
    assert_int_equal(bind_vcpu(guest, port, 1), -XEN_EINVAL);
    assert_int_equal(status(guest, port).status, EVTCHNSTAT_ipi);
    assert_int_equal(status(guest, port).vcpu, 2);
}

/*
 * Shows event_channel_op.alloc-unbound, event_channel_op.bind-interdomain, event_channel_op.pending-at-once,
 * event_channel_op.send-unbound, event_channel_op.close, event_channel_op.not-waiting, event_channel_op.status.
 */
static void test_loopback(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t a, b;

    (void)state;
    assert_int_equal(alloc_unbound(guest, DOMID_SELF, &a), 0);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(guest, a).u.unbound.dom, 1);
    assert_int_equal(send(guest, a), 0);
    expect_nothing(guest);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, a, &b), 0);
    assert_int_not_equal(a, b);
    expect_raised(guest, 0, b); /* at once */
    assert_int_equal(bind_vcpu(guest, a, 1), 0);
    assert_int_equal(send(guest, b), 0);
    expect_raised(guest, 1, a);
    assert_int_equal(send(guest, a), 0);
    expect_raised(guest, 0, b);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status(guest, a).u.interdomain.dom, 1);
    assert_int_equal(status(guest, a).u.interdomain.port, b);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, a, &b), -XEN_EINVAL);
    assert_int_equal(close_port(guest, status(guest, a).u.interdomain.port), 0);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(send(guest, a), 0);
    expect_nothing(guest);
}

/*
 * Shows event_channel_op.bind-interdomain, event_channel_op.send, event_channel_op.not-waiting, event_channel_op.close.
 */
static void test_two_domains(void **state)
{
    struct guest *one = &guests[1], *two = &guests[2];
    uint32_t a, b;

    (void)state;
    assert_int_equal(alloc_unbound(one, 2, &a), 0);
    assert_int_equal(bind_interdomain(one, DOMID_SELF, a, &b), -XEN_EINVAL); /* waits for another */
    assert_int_equal(bind_interdomain(&guests[0], 1, a, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, a + 1, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, 0, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, UINT32_MAX, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 7, a, &b), -XEN_ESRCH);
    assert_int_equal(bind_interdomain(two, 1, a, &b), 0);
    expect_raised(two, 0, b);
    assert_int_equal(send(two, b), 0);
    expect_raised(one, 0, a);
    assert_int_equal(send(one, a), 0);
    expect_raised(two, 0, b);
    event_destroy(&two->domain);
    domain_table[2] = NULL;
    assert_int_equal(status(one, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(one, a).u.unbound.dom, 2);
    assert_int_equal(send(one, a), 0);
    expect_nothing(one);
}

static void test_backend(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(event_open_backend(&guest->domain, guest_listen, &port), 0);
    assert_int_equal(status(guest, port).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status(guest, port).u.interdomain.dom, 0);
    assert_int_equal(send(guest, port), 0);
    assert_int_equal(guest->calls, 1);
    expect_nothing(guest);
    event_notify(&guest->domain, port);
    expect_raised(guest, 0, port);
    assert_int_equal(bind_vcpu(guest, port, 2), 0);
    event_notify(&guest->domain, port);
    expect_raised(guest, 2, port);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(send(guest, port), -XEN_EINVAL);
    assert_int_equal(bind_ipi(guest, 0, &port), 0); /* the same number, and none of the back end's business */
    event_notify(&guest->domain, port);
    event_notify(&guest->domain, UINT32_MAX);
    expect_nothing(guest);
    assert_int_equal(guest->calls, 1);
}

/*
 * Shows event_channel_op.no-port, event_channel_op.interdomain-no-port, event_channel_op.reset,
 * event_channel_op.lowest, shared_info.ports.
 */
static void test_full(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    for (uint32_t i = 1; i < guest_ports(guest); i++) {
        assert_int_equal(bind_ipi(guest, 0, &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(bind_ipi(guest, 0, &port), -XEN_ENOSPC);
    assert_refused(WHY_NO_PORT_FREE, guest_ports(guest));
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), -XEN_ENOSPC);
    assert_int_equal(alloc_unbound(guest, DOMID_SELF, &port), -XEN_ENOSPC);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, 1, &port), -XEN_ENOSPC);
    assert_int_equal(event_open_backend(&guest->domain, guest_listen, &port), -XEN_ENOSPC);
    assert_int_equal(send(guest, guest_ports(guest) - 1), 0);
    expect_raised(guest, 0, guest_ports(guest) - 1);
    assert_int_equal(close_port(guest, 17), 0);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), 0);
    assert_int_equal(port, 17);
    assert_int_equal(reset(guest, DOMID_SELF), 0);
    for (uint32_t i = 1; i < guest_ports(guest); i++)
        assert_int_equal(send(guest, i), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), 0);
    assert_int_equal(port, 1);
}

/*
 * ---- Random calls of two connected domains, and guests that scribble over what they share: the connections stay in
 * pairs, and nothing is reached beyond the ports.
 */

static void check_pairs(void)
{
    for (unsigned id = 0; id < DOMAINS; id++) {
        for (uint32_t port = 0; port < guests[id].domain.events.nr_known; port++) {
            struct evtchn_status one = status(&guests[id], port), two;

            if (one.status != EVTCHNSTAT_interdomain)
                continue;
            two = status(&guests[one.u.interdomain.dom], one.u.interdomain.port);
            assert_int_equal(two.status, EVTCHNSTAT_interdomain);
            assert_int_equal(two.u.interdomain.dom, id);
            assert_int_equal(two.u.interdomain.port, port);
        }
    }
}

static void random_call(struct guest *guest)
{
    uint32_t port = (uint32_t)random() % 24, result, vcpu = (uint32_t)random() % (VCPUS + 1);
    uint16_t other = (uint16_t)(random() % (DOMAINS + 1));

    switch (random() % 8) {
    case 0:
        if (random() % 4)
            (void)alloc_unbound(guest, other, &result);
        else
            (void)bind_ipi(guest, vcpu, &result);
        break;
    case 1:
    case 2:
        (void)bind_interdomain(guest, other, port, &result);
        break;
    case 3:
        (void)bind_virq(guest, (uint32_t)random() % 26, vcpu, &result);
        break;
    case 4:
        (void)bind_vcpu(guest, port, vcpu);
        break;
    case 5:
        (void)close_port(guest, port);
        break;
    case 6:
        (void)unmask(guest, port);
        break;
    default:
        (void)send(guest, port);
    }
}

static void test_random(void **state)
{
    (void)state;
    srandom(5);
    for (unsigned i = 0; i < 40000; i++) {
        struct guest *guest = &guests[random() % DOMAINS];

        random_call(guest);
        event_raise_virq(&guest->vcpus[random() % VCPUS], (unsigned)random() % 24);
        guest->shared.bytes[random() % 4096] = (uint8_t)random();
        if (i % 50 == 0)
            check_pairs();
        if (i % 5000 == 0)
            assert_int_equal(reset(guest, DOMID_SELF), 0);
    }
}

/*
 * A port of a device's interrupt; what comes is the device's business.  Shows event_channel_op.bind-pirq,
 * event_channel_op.no-pirq, event_channel_op.pirq-bound.
 */
static void test_pirq(void **state)
{
    struct guest *guest = &guests[0];
    struct evtchn_bind_pirq bind = {.pirq = EVENT_PIRQ_THERE}, other = {.pirq = 4};

    (void)state;
    assert_int_equal(EVENT_CALL(guest, bind_pirq, &other), -XEN_EINVAL);
    assert_int_equal(EVENT_CALL(guest, bind_pirq, &bind), 0);
    assert_int_equal(event_pirq_port, bind.port);
    assert_int_equal(status(guest, bind.port).status, EVTCHNSTAT_pirq);
    assert_int_equal(status(guest, bind.port).u.pirq, EVENT_PIRQ_THERE);
    other = bind;
    assert_int_equal(EVENT_CALL(guest, bind_pirq, &other), -XEN_EEXIST);
    assert_int_equal(bind_vcpu(guest, bind.port, 2), 0);
    assert_int_equal(status(guest, bind.port).vcpu, 2);
    assert_int_equal(send(guest, bind.port), -XEN_EINVAL);
    event_raise_port(&guest->domain, bind.port);
    assert_true(is_pending(guest, bind.port) && guest->wakes[2] == 1);
    assert_int_equal(close_port(guest, bind.port), 0);
    assert_true(event_pirq_port == 0 && !is_pending(guest, bind.port));
    assert_int_equal(EVENT_CALL(guest, bind_pirq, &bind), 0);
    assert_int_equal(reset(guest, DOMID_SELF), 0);
    assert_int_equal(event_pirq_port, 0);
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
    const struct CMUnitTest tests[] = {
        BOTH(test_virq),    BOTH(test_ipi),  BOTH(test_loopback), BOTH(test_two_domains),
        BOTH(test_backend), BOTH(test_full), BOTH(test_random),   BOTH(test_pirq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
