/* SPDX-License-Identifier: MIT */
/* event_channel_op, of guests of both widths: each error, who may name whom, and the form before this one. */
/* links: hv/domain/event.c hv/domain/event_2level.c hv/domain/event_fifo.c hv/domain/event_table.c */
/* links: hv/service/event_channel.c hv/service/event_words.c hv/call/call_event.c engine/access.c */
/* links: tests/hv/lib/guest_events.c tests/hv/lib/guest_memory.c tests/hv/lib/objects.c tests/hv/lib/port_halt.c */
/* links: tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <tests/hv/lib/guest_events.h>

/*
 * Who may name whom.  Shows event_channel_op.no-domain, event_channel_op.no-right, event_channel_op.alloc-unbound,
 * event_channel_op.reset, event_channel_op.reset-ending.
 */
static void test_rights(void **state)
{
    struct evtchn_alloc_unbound alloc = {.dom = 2, .remote_dom = 1};
    struct evtchn_status query = {.dom = 2, .port = 1};
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(&guests[2], 0, &port), 0);
    assert_int_equal(EVENT_CALL(&guests[1], alloc_unbound, &alloc), -XEN_EPERM);
    assert_int_equal(EVENT_CALL(&guests[1], status, &query), -XEN_EPERM);
    assert_int_equal(reset(&guests[1], 2), -XEN_EPERM);
    assert_int_equal(status(&guests[2], 1).status, EVTCHNSTAT_ipi);
    guests[1].domain.engine.privileged = true;
    assert_int_equal(EVENT_CALL(&guests[1], status, &query), 0);
    assert_int_equal(query.status, EVTCHNSTAT_ipi);
    assert_int_equal(EVENT_CALL(&guests[1], alloc_unbound, &alloc), 0);
    assert_int_equal(status(&guests[2], alloc.port).status, EVTCHNSTAT_unbound);
    assert_int_equal(reset(&guests[1], 2), 0);
    assert_int_equal(send(&guests[2], 1), -XEN_EINVAL);
    query.dom = alloc.dom = 99;
    assert_int_equal(EVENT_CALL(&guests[1], alloc_unbound, &alloc), -XEN_ESRCH);
    assert_int_equal(EVENT_CALL(&guests[1], status, &query), -XEN_ESRCH);
    assert_int_equal(reset(&guests[1], 99), -XEN_ESRCH);
    guests[2].domain.engine.dying = true;
    assert_int_equal(reset(&guests[1], 2), -XEN_ESRCH);
    guests[2].domain.engine.dying = false;
    guests[1].domain.engine.dying = true;
    assert_int_equal(reset(&guests[1], 2), -XEN_ESRCH);
    guests[1].domain.engine.dying = false;
}

/* Others run in the middle of a reset: neither the domain nor who asked for it may come to its end then. */
static unsigned looks;

static void look_beside_reset(void)
{
    for (unsigned i = 1; i <= 2; i++)
        assert_int_equal(guests[i].domain.engine.operations, 1);
    looks++;
}

static void test_reset_is_entered(void **state)
{
    uint32_t port;

    (void)state;
    looks = 0;
    assert_int_equal(bind_ipi(&guests[2], 0, &port), 0);
    guests[1].domain.engine.privileged = true;
    guest_events_preempt = look_beside_reset;
    assert_int_equal(reset(&guests[1], 2), 0);
    guest_events_preempt = NULL;
    assert_true(looks > 0);
    for (unsigned i = 1; i <= 2; i++)
        assert_int_equal(guests[i].domain.engine.operations, 0);
}

/*
 * Nothing is opened for a domain that is on its way out, nor bound to what it has.  Shows event_channel_op.no-domain.
 */
static void xsa_509_a_dying_domain_cannot_be_named(void **state)
{
    struct evtchn_alloc_unbound alloc = {.dom = 2, .remote_dom = 1};
    struct evtchn_bind_interdomain bind = {.remote_dom = 2};
    struct evtchn_status query = {.dom = 2, .port = 1};

    (void)state;
    guests[1].domain.engine.privileged = true;
    assert_int_equal(EVENT_CALL(&guests[1], alloc_unbound, &alloc), 0);
    bind.remote_port = alloc.port;
    for (unsigned ended = 0; ended < 2; ended++) {
        guests[2].domain.ended = ended;
        guests[2].domain.engine.dying = !ended;
        assert_int_equal(EVENT_CALL(&guests[1], alloc_unbound, &alloc), -XEN_ESRCH);
        assert_int_equal(EVENT_CALL(&guests[1], bind_interdomain, &bind), -XEN_ESRCH);
        assert_int_equal(EVENT_CALL(&guests[1], status, &query), -XEN_ESRCH);
    }
    guests[2].domain.ended = false;
    assert_int_equal(EVENT_CALL(&guests[1], bind_interdomain, &bind), 0);
}

/*
 * What is no port, because it has never been in use, and what is a closed one.  Shows event_channel_op.bad-port,
 * event_channel_op.close-free, event_channel_op.send-refused, event_channel_op.status, event_channel_op.unmask,
 * event_channel_op.bind-no-vcpu.
 */
static void test_bad_ports(void **state)
{
    struct guest *guest = &guests[1];
    const uint32_t bad[] = {0, 2, 3, guest_ports(guest) - 1, guest_ports(guest), UINT32_MAX};
    uint32_t port;

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(bind_ipi(guest, 0, &port), 0);
    assert_int_equal(close_port(guest, 2), 0);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct evtchn_status query = {.dom = DOMID_SELF, .port = bad[i]};
        struct evtchn_set_priority priority = {.port = bad[i]};
        bool known = bad[i] <= 2;

        assert_int_equal(send(guest, bad[i]), -XEN_EINVAL);
        assert_int_equal(close_port(guest, bad[i]), -XEN_EINVAL);
        assert_int_equal(bind_vcpu(guest, bad[i], 0), -XEN_EINVAL);
        assert_int_equal(unmask(guest, bad[i]), known ? 0 : -XEN_EINVAL);
        assert_int_equal(EVENT_CALL(guest, status, &query), known ? 0 : -XEN_EINVAL);
        assert_int_equal(query.status, EVTCHNSTAT_closed);
        assert_int_equal(EVENT_CALL(guest, set_priority, &priority), known ? -XEN_ENOSYS : -XEN_EINVAL);
    }
    assert_int_equal(bind_vcpu(guest, 5, VCPUS), -XEN_ENOENT);
}

/* Shows event_channel_op.unknown-command, event_channel_op.unreadable, event_channel_op.no-pirq. */
static void test_calls(void **state)
{
    struct guest *guest = &guests[1];
    struct evtchn_op op = {.cmd = EVTCHNOP_bind_ipi, .u.bind_ipi.vcpu = 1};
    struct evtchn_bind_pirq pirq = {.pirq = 1};
    uint64_t args[6] = {EVTCHNOP_set_priority + 1, GUEST_MEMORY};

    (void)state;
    for (; args[0] < 20; args[0]++)
        assert_int_equal(call_event_channel_op(&guest->vcpus[0], args), -XEN_ENOSYS);
    args[1] = GUEST_MEMORY + GUEST_MEMORY_SIZE;
    for (args[0] = 0; args[0] <= EVTCHNOP_set_priority; args[0]++)
        assert_int_equal(call_event_channel_op(&guest->vcpus[0], args), -XEN_EFAULT);
    assert_int_equal(EVENT_CALL(guest, bind_pirq, &pirq), -XEN_EINVAL);

    memcpy(guest_memory, &op, sizeof(op));
    args[0] = GUEST_MEMORY;
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), 0);
    memcpy(&op, guest_memory, sizeof(op));
    assert_int_equal(op.cmd, EVTCHNOP_bind_ipi);
    assert_int_equal(op.u.bind_ipi.port, 1);
    assert_int_equal(status(guest, 1).status, EVTCHNSTAT_ipi);
    op.cmd = EVTCHNOP_reset; /* newer than this form */
    memcpy(guest_memory, &op, sizeof(op));
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_ENOSYS);
    args[0] = 1;
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_EFAULT);
    guest_memory_is_read_only = true;
    args[0] = GUEST_MEMORY;
    op.cmd = EVTCHNOP_bind_ipi;
    memcpy(guest_memory, &op, sizeof(op));
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_EFAULT);
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
    const struct CMUnitTest tests[] = {
        BOTH(test_rights),
        BOTH(test_reset_is_entered),
        cmocka_unit_test_setup_teardown(xsa_509_a_dying_domain_cannot_be_named, set_up_64, tear_down),
        BOTH(test_bad_ports),
        BOTH(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
