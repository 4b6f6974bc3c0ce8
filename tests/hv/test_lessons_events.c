/* SPDX-License-Identifier: MIT */
/* What advisories about event channels teach, tried on calls of guests of both widths: docs/advisories.md. */
/* links: hv/domain/event.c hv/domain/event_2level.c hv/domain/event_table.c */
/* links: hv/service/event_channel.c hv/call/call_event.c engine/access.c */
/* links: tests/hv/lib/guest_events.c tests/hv/lib/guest_memory.c tests/hv/lib/objects.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <tests/hv/lib/guest_events.h>

static struct guest *const one = &guests[1], *const two = &guests[2];

/* How many ports of @guest are in use. */
static unsigned count_open(const struct guest *guest)
{
    unsigned open = 0;

    for (uint32_t port = 1; port < guest->domain.events.nr_known; port++)
        open += event_table_is_open(&guest->domain, port);
    return open;
}

/*
 * ---- A reset of the first guest, and at one of its preemption points one call of another vCPU of it, or of its peer.
 */

#define PORTS    6u /* of the first guest: 1 to 3 connected with the same ones of the second, 4 unbound, 5 and 6 not */
#define UNBOUND  4u
#define EVERYONE (sizeof(racers) / sizeof(racers[0]))

/* Each returns whether what it has got is a right answer while a reset is under way, or behind it. */
static bool is_refused(int64_t result)
{
    return result == -XEN_EBUSY;
}

static bool race_send(void)
{
    int64_t result = send(one, 1);

    return result == 0 || result == -XEN_EINVAL;
}

static bool race_peer_sends(void)
{
    return send(two, 1) == 0 && send(two, 3) == 0; /* connected, or unbound */
}

static bool race_close(void)
{
    int64_t result = close_port(one, 2);

    return result == 0 || result == -XEN_EINVAL;
}

static bool race_peer_closes(void)
{
    return close_port(two, 2) == 0;
}

static bool race_alloc(void)
{
    uint32_t port;

    return is_refused(alloc_unbound(one, 2, &port));
}

static bool race_bind_ipi(void)
{
    uint32_t port;

    return is_refused(bind_ipi(one, 1, &port));
}

static bool race_bind_virq(void)
{
    uint32_t port;

    return is_refused(bind_virq(one, VIRQ_TIMER, 1, &port));
}

static bool race_bind_to_peer(void)
{
    uint32_t port;

    return is_refused(bind_interdomain(one, 2, UNBOUND, &port));
}

static bool race_peer_binds(void)
{
    uint32_t port;

    return is_refused(bind_interdomain(two, 1, UNBOUND, &port));
}

static bool race_reset(void)
{
    return is_refused(reset(one, DOMID_SELF));
}

static bool race_peer_resets_itself(void)
{
    void (*preempt)(void) = guest_events_preempt;
    bool right;

    guest_events_preempt = NULL;
    right = reset(two, DOMID_SELF) == 0;
    guest_events_preempt = preempt;
    return right;
}

static bool race_bind_vcpu(void)
{
    int64_t result = bind_vcpu(one, 3, 2);

    return result == 0 || result == -XEN_EINVAL;
}

static bool race_unmask(void)
{
    return unmask(one, 3) == 0 && unmask(one, PORTS) == 0;
}

static bool (*const racers[])(void) = {
    race_send,
    race_peer_sends,
    race_close,
    race_peer_closes,
    race_alloc,
    race_bind_ipi,
    race_bind_virq,
    race_bind_to_peer,
    race_peer_binds,
    race_reset,
    race_peer_resets_itself,
    race_bind_vcpu,
    race_unmask,
};

static unsigned racer, steps, when;

static void race(void)
{
    assert_true(one->domain.engine.operations > 0);
    if (steps++ == when)
        assert_true(racers[racer]());
}

static void connect_guests(void)
{
    uint32_t port;

    for (unsigned i = 1; i < UNBOUND; i++) {
        assert_int_equal(alloc_unbound(one, 2, &port), 0);
        assert_int_equal(bind_interdomain(two, 1, port, &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(alloc_unbound(one, 2, &port), 0);
    assert_int_equal(alloc_unbound(two, 1, &port), 0);
    assert_int_equal(bind_ipi(one, 1, &port), 0);
    assert_int_equal(bind_virq(one, VIRQ_DEBUG, 2, &port), 0);
    assert_int_equal(port, PORTS);
}

/* Nothing of the first guest is left, and nothing of the second is connected with it. */
static void expect_reset(void)
{
    uint32_t port;

    assert_int_equal(count_open(one), 0);
    for (port = 1; port < two->domain.events.nr_known; port++)
        assert_int_not_equal(status(two, port).status, EVTCHNSTAT_interdomain);
    assert_int_equal(bind_virq(one, VIRQ_DEBUG, 2, &port), 0);
    assert_int_equal(port, 1);
}

static void xsa_343_everything_beside_a_reset(void **state)
{
    for (racer = 0; racer < EVERYONE; racer++) {
        for (when = 0; when < PORTS; when++) {
            connect_guests();
            steps = 0;
            guest_events_preempt = race;
            assert_int_equal(reset(one, DOMID_SELF), 0);
            guest_events_preempt = NULL;
            assert_int_equal(steps, PORTS);
            expect_reset();
            tear_down(state);
            (guest_is_wide(one) ? set_up_64 : set_up_32)(state);
        }
    }
}

/* Between two preemption points at most one port is closed, however many there are. */
static unsigned left;

static void count_left(void)
{
    unsigned now = count_open(one);

    assert_true(now + 1 >= left);
    left = now;
}

static void xsa_344_one_port_at_a_time(void **state)
{
    uint32_t port;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(bind_ipi(one, 0, &port), 0);
    left = count_open(one);
    guest_events_preempt = count_left;
    assert_int_equal(reset(one, DOMID_SELF), 0);
    assert_int_equal(left, 0);

    guest_events_preempt = NULL;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(bind_ipi(one, 0, &port), 0);
    left = count_open(one);
    guest_events_preempt = count_left;
    event_destroy(&one->domain);
    guest_events_preempt = NULL;
    assert_int_equal(left, 0);
}

/* An object that the end has taken does not come back. */
static void test_nothing_behind_the_end(void **state)
{
    uint32_t port;

    (void)state;
    connect_guests();
    event_destroy(&one->domain);
    assert_int_equal(bind_interdomain(two, 1, UNBOUND, &port), -XEN_EBUSY);
    assert_int_equal(alloc_unbound(one, 2, &port), -XEN_EBUSY);
    assert_int_equal(send(one, 1), -XEN_EINVAL);
    assert_int_equal(send(two, 1), 0);
    assert_int_equal(reset(one, DOMID_SELF), -XEN_EBUSY);
    event_notify(&one->domain, 1);
    event_raise_virq(&one->vcpus[2], VIRQ_DEBUG);
    assert_int_equal(count_open(one), 0);
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
#define LESSON(test) BOTH(test)
    const struct CMUnitTest tests[] = {
        LESSON(xsa_343_everything_beside_a_reset),
        LESSON(xsa_344_one_port_at_a_time),
        BOTH(test_nothing_behind_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
