/* SPDX-License-Identifier: MIT */
/* What advisories about event channels teach, tried on calls of guests of both widths: docs/advisories.md. */
/* links: hv/domain/event.c hv/domain/event_2level.c hv/domain/event_fifo.c hv/domain/event_table.c */
/* links: hv/service/event_channel.c hv/service/event_words.c hv/call/call_event.c engine/access.c */
/* links: tests/hv/lib/guest_words.c tests/hv/lib/guest_events.c tests/hv/lib/guest_memory.c */
/* links: tests/hv/lib/objects.c tests/hv/lib/port_halt.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_words.h>
#include <tests/hv/lib/objects.h>

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
 * ---- Event words.
 */

/* The first guest has words in place of bits, one vCPU of it without queues. */
static void have_words(void)
{
    words_start(2);
    words_expand();
}

/* Events for a vCPU without queues, of each kind of port, arrive when it has some. */
static void xsa_107_no_control_block(void **state)
{
    uint32_t ports[4], other;

    (void)state;
    words_start(1);
    words_expand();
    assert_int_equal(bind_ipi(one, 1, &ports[0]), 0);
    assert_int_equal(bind_virq(one, VIRQ_TIMER, 1, &ports[1]), 0);
    assert_int_equal(alloc_unbound(one, 2, &ports[2]), 0);
    assert_int_equal(bind_interdomain(two, 1, ports[2], &other), 0);
    assert_int_equal(bind_vcpu(one, ports[2], 1), 0);
    assert_int_equal(event_open_backend(&one->domain, guest_listen, &ports[3]), 0);
    assert_int_equal(bind_vcpu(one, ports[3], 1), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(send(one, ports[0]), 0);
        event_raise_virq(&one->vcpus[1], VIRQ_TIMER);
        assert_int_equal(send(two, other), 0);
        event_notify(&one->domain, ports[3]);
    }
    expect_nothing(one);
    words_control(1);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(words_take(1), ports[i]);
        assert_true(words_handle(ports[i]));
    }
    assert_int_equal(words_take(1), 0);
}

/* What fails leaves nothing behind, whichever vCPU it was for. */
static void xsa_188_bad_control_blocks(void **state)
{
    uint32_t port;

    (void)state;
    for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++) {
        assert_int_equal(init_control(one, vcpu, EVENT_FRAMES, 0), -XEN_EINVAL);
        assert_int_equal(init_control(one, vcpu, UINT64_MAX, 0), -XEN_EINVAL);
        assert_int_equal(init_control(one, vcpu, 0, 4), -XEN_EINVAL);
        assert_int_equal(init_control(one, vcpu, 0, 4040), -XEN_EINVAL);
        assert_int_equal(bind_ipi(one, vcpu, &port), 0);
        assert_int_equal(send(one, port), 0);
        expect_raised(one, vcpu, port);
    }
    words_start(0);
    words_control(1);
    for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++) {
        assert_int_equal(init_control(one, vcpu, EVENT_FRAMES, 0), -XEN_EINVAL);
        assert_int_equal(init_control(one, 1, 0, 0), -XEN_EINVAL);
        assert_int_equal(send(one, vcpu + 1), 0);
    }
    expect_nothing(one);
    words_expand();
    assert_int_equal(words_take(1), 2);
}

/* At each step of a set-up the peer sends, or everything is reset. */
static unsigned sends;

static void send_beside(void)
{
    assert_int_equal(send(two, 1 + sends++ % 3), 0);
}

static void reset_in_the_middle(void)
{
    guest_events_preempt = NULL;
    assert_int_equal(reset(one, DOMID_SELF), 0);
}

static void connect_to_vcpu_1(void)
{
    uint32_t port;

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(alloc_unbound(one, 2, &port), 0);
        assert_int_equal(bind_vcpu(one, port, 1), 0);
        assert_int_equal(bind_interdomain(two, 1, port, &port), 0);
    }
}

static void xsa_358_events_while_it_is_set_up(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    connect_to_vcpu_1();
    assert_int_equal(send(two, 3), 0);
    guest_events_preempt = send_beside;
    words_control(1);
    assert_true(sends >= 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(words_handle(words_take(1)));
    assert_int_equal(words_take(1), 0);
    guest_events_preempt = reset_in_the_middle;
    assert_int_equal(init_control(one, 2, 2, 0), 0);
    assert_int_equal(one->domain.engine.nr_holds, 0);
    assert_int_equal(event_ports(&one->domain), guest_ports(one));
}

/* Ports above those that bits have, of a guest that goes back to bits: they are nothing, to its peer and to itself. */
static void xsa_338_high_ports_after_a_reset(void **state)
{
    const uint32_t high = 5000;
    uint32_t port;

    (void)state;
    have_words();
    for (uint32_t i = 1; i <= high; i++)
        assert_int_equal(alloc_unbound(one, 2, &port), 0);
    assert_int_equal(bind_interdomain(two, 1, high, &port), 0);
    assert_int_equal(reset(one, DOMID_SELF), 0);
    assert_int_equal(send(two, port), 0);
    assert_int_equal(bind_interdomain(two, 1, high - 1, &port), -XEN_EINVAL);
    assert_int_equal(send(one, high), -XEN_EINVAL);
    assert_int_equal(close_port(one, high), -XEN_EINVAL);
    assert_int_equal(unmask(one, high), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(one, high, 1), -XEN_EINVAL);
    assert_false(event_is_pending(&one->domain, high));
    assert_int_equal(close_port(two, 1), 0);
    expect_nothing(one);
}

/*
 * ---- Limits.
 */

/* All ports of the form and the width there are, and not one more; nothing beside them is written to. */
static void xsa_342_no_port_beyond_the_bits(void **state)
{
    const uint32_t ports = guest_ports(one), mask = guest_is_wide(one) ? 2560 : 2176;
    uint32_t port;

    (void)state;
    memset(one->shared.bytes, 0x5a, sizeof(one->shared.bytes));
    for (uint32_t i = 1; i < ports; i++) {
        assert_int_equal(bind_ipi(one, 1, &port), 0);
        assert_int_equal(send(one, port), 0);
        assert_int_equal(unmask(one, port), 0);
    }
    assert_int_equal(alloc_unbound(one, 2, &port), -XEN_ENOSPC);
    assert_int_equal(bind_virq(one, VIRQ_TIMER, 0, &port), -XEN_ENOSPC);
    for (unsigned i = sizeof(struct vcpu_info) * VCPUS; i < sizeof(one->shared.bytes); i++) {
        if (i < 2048 || (i >= 2048 + ports / 8 && i < mask) || i >= mask + ports / 8)
            assert_int_equal(one->shared.bytes[i], 0x5a);
    }
    memset(one->shared.bytes, 0, sizeof(one->shared.bytes));
}

/* One call after another finds no memory: it fails with that, and all that was there before works on. */
static unsigned until_failure;

static bool fails_once(void)
{
    return until_failure-- == 0;
}

static void xsa_317_each_failure_is_noticed(void **state)
{
    unsigned failures = 0;
    uint32_t port;

    (void)state;
    object_fails = fails_once;
    for (unsigned i = 1; i < guest_ports(one); i++) {
        until_failure = 0;
        while (bind_ipi(one, 0, &port) == -XEN_ENOMEM) {
            assert_refused(WHY_HYPERVISOR_MEMORY, 1);
            failures++;
        }
        assert_int_equal(port, i);
    }
    until_failure = UINT32_MAX;
    assert_int_equal(failures, guest_ports(one) / EVENT_PAGE_PORTS - 1);
    assert_int_equal(bind_ipi(one, 0, &port), -XEN_ENOSPC);
    assert_int_equal(send(one, 1), 0);
    object_fails = NULL;
}

/* Interrupts that others have bound stay bound, whatever is tried. */
static void xsa_496_a_failed_bind_undoes_nothing(void **state)
{
    uint32_t port;

    (void)state;
    for (uint32_t virq = 0; virq < 24; virq++)
        assert_int_equal(bind_virq(one, virq, 0, &port), 0);
    for (uint32_t virq = 0; virq < 26; virq++) {
        for (uint32_t vcpu = 0; vcpu <= VCPUS; vcpu++) {
            for (unsigned twice = 0; twice < 2; twice++) {
                (void)bind_virq(two, virq, vcpu, &port);
                if (vcpu == 0 || !event_virq_is_of_vcpu(virq))
                    assert_true(bind_virq(one, virq, vcpu, &port) < 0);
            }
        }
    }
    for (uint32_t virq = 0; virq < 24; virq++) {
        event_raise_virq(&one->vcpus[0], virq);
        expect_raised(one, 0, virq + 1);
    }
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

static bool race_init_control(void)
{
    return is_refused(init_control(one, 2, 2, 0));
}

static bool race_expand(void)
{
    return is_refused(expand_array(one, WORDS_FRAME + 1));
}

static bool race_set_priority(void)
{
    int64_t result = set_priority(one, PORTS, 3);

    return result == 0 || result == -XEN_ENOSYS || result == -XEN_EACCES;
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
    race_init_control,
    race_expand,
    race_set_priority,
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

static void reset_beside(void **state, bool words)
{
    if (words)
        have_words();
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

/*
 * Shows event_channel_op.being-reset, event_channel_op.reset-twice, event_channel_op.control-reset,
 * event_channel_op.array-reset.
 */
static void xsa_343_everything_beside_a_reset(void **state)
{
    for (racer = 0; racer < EVERYONE; racer++) {
        for (when = 0; when < PORTS; when++) {
            reset_beside(state, false);
            reset_beside(state, true);
        }
    }
}

/* Between two preemption points at most one port is closed, however many there are. */
static uint32_t behind;

static void look_behind(void)
{
    behind++;
    assert_false(event_table_is_open(&one->domain, behind));
    assert_true(behind == EVENT_PORTS_MAX - 1 || event_table_is_open(&one->domain, behind + 1));
}

static void open_all(void)
{
    uint32_t port;

    have_words();
    for (uint32_t i = 1; i < EVENT_PORTS_MAX; i++)
        assert_int_equal(event_alloc_unbound(&one->domain, DOMID(2), &port), 0);
    behind = 0;
    guest_events_preempt = look_behind;
}

static void xsa_344_one_port_at_a_time(void **state)
{
    (void)state;
    open_all();
    assert_int_equal(reset(one, DOMID_SELF), 0);
    assert_int_equal(behind, EVENT_PORTS_MAX - 1);
    guest_events_preempt = NULL;
    open_all();
    event_destroy(&one->domain);
    guest_events_preempt = NULL;
    assert_int_equal(behind, EVENT_PORTS_MAX - 1);
}

/* An object that the end has taken does not come back.  Shows event_channel_op.being-reset. */
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
        LESSON(xsa_107_no_control_block),
        LESSON(xsa_188_bad_control_blocks),
        LESSON(xsa_317_each_failure_is_noticed),
        LESSON(xsa_338_high_ports_after_a_reset),
        LESSON(xsa_342_no_port_beyond_the_bits),
        LESSON(xsa_343_everything_beside_a_reset),
        LESSON(xsa_344_one_port_at_a_time),
        LESSON(xsa_358_events_while_it_is_set_up),
        LESSON(xsa_496_a_failed_bind_undoes_nothing),
        BOTH(test_nothing_behind_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
