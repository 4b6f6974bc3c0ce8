/* SPDX-License-Identifier: MIT */
/* What it takes to have event words: each error, what is held and let go of, and when what has waited is delivered. */
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

static struct guest *const guest = &guests[1];

static bool no_memory(void)
{
    return true;
}

/* Nothing is held, and the domain has bits. */
static void expect_bits(void)
{
    uint32_t port;

    assert_int_equal(guest->domain.engine.nr_holds, 0);
    assert_int_equal(event_ports(&guest->domain), guest_ports(guest));
    assert_int_equal(bind_ipi(guest, 0, &port), 0);
    assert_int_equal(send(guest, port), 0);
    expect_raised(guest, 0, port);
    assert_int_equal(close_port(guest, port), 0);
}

/*
 * Shows event_channel_op.init-control, event_channel_op.control-no-vcpu, event_channel_op.control-refused,
 * event_channel_op.array-bitmaps, event_channel_op.control-frame, event_channel_op.control-twice,
 * event_channel_op.control-no-memory.
 */
static void test_init_control(void **state)
{
    (void)state;
    assert_int_equal(init_control(guest, VCPUS, 0, 0), -XEN_ENOENT);
    assert_int_equal(init_control(guest, 0, 0, 4), -XEN_EINVAL);
    assert_int_equal(init_control(guest, 0, 0, 4032), -XEN_EINVAL);
    assert_int_equal(init_control(guest, 0, 0, 4096), -XEN_EINVAL);
    assert_int_equal(init_control(guest, 0, 0, 0xfffffff8), -XEN_EINVAL);
    assert_int_equal(init_control(guest, 0, EVENT_FRAMES, 0), -XEN_EINVAL);
    object_fails = no_memory;
    assert_int_equal(init_control(guest, 0, 0, 0), -XEN_ENOMEM);
    assert_refused(WHY_HYPERVISOR_MEMORY, guest->domain.engine.id.v);
    object_fails = NULL;
    assert_int_equal(expand_array(guest, 1), -XEN_EOPNOTSUPP);
    expect_bits();
    assert_int_equal(init_control(guest, 1, 0, 4024), 0);
    assert_int_equal(init_control(guest, 1, 2, 0), -XEN_EINVAL); /* once each */
    assert_int_equal(init_control(guest, 2, 0, 4024), 0);        /* the guest's choice */
    assert_int_equal(event_holds[0], 2);
    assert_int_equal(event_holds[2], 0);
    assert_int_equal(event_ports(&guest->domain), 131072);
}

/* Shows event_channel_op.expand-array, event_channel_op.array-full, event_channel_op.array-refused. */
static void test_expand_array(void **state)
{
    uint32_t port;

    (void)state;
    assert_int_equal(init_control(guest, 0, 0, 0), 0);
    assert_int_equal(expand_array(guest, EVENT_FRAMES), -XEN_EINVAL);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(expand_array(guest, WORDS_FRAME + i), 0);
    assert_int_equal(expand_array(guest, 1), -XEN_ENOSPC);
    assert_int_equal(guest->domain.engine.nr_holds, 129);
    for (uint32_t i = 1; i < 131072; i++) {
        assert_int_equal(event_alloc_unbound(&guest->domain, DOMID(2), &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(alloc_unbound(guest, 2, &port), -XEN_ENOSPC);
    event_raise_port(&guest->domain, 131071);
    assert_int_equal(*word_of(131071), 0xa0000000);
    assert_int_equal(control_of(0)->head[7], 131071);
    assert_int_equal(reset(guest, DOMID_SELF), 0);
    handle(guest);
    expect_bits();
}

/*
 * Shows event_channel_op.set-priority, event_channel_op.priority-bitmaps, event_channel_op.priority-closed,
 * event_channel_op.priority-no-port, event_channel_op.priority-refused.
 */
static void test_set_priority(void **state)
{
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, 0, &port), 0);
    assert_int_equal(set_priority(guest, port, 16), -XEN_ENOSYS);
    assert_int_equal(set_priority(guest, UINT32_MAX, 16), -XEN_EINVAL); /* no such port, first of all */
    assert_int_equal(init_control(guest, 0, 0, 0), 0);
    assert_int_equal(set_priority(guest, port, 16), -XEN_EINVAL);
    assert_int_equal(set_priority(guest, port, UINT32_MAX), -XEN_EINVAL);
    assert_int_equal(set_priority(guest, port + 1, 0), -XEN_EINVAL);
    assert_int_equal(set_priority(guest, port, 15), 0);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(set_priority(guest, port, 0), -XEN_EACCES);
    assert_int_equal(set_priority(guest, 0, 0), -XEN_EACCES);
    words_expand();
    assert_int_equal(bind_ipi(guest, 0, &port), 0); /* has the usual one again */
    assert_int_equal(send(guest, port), 0);
    assert_int_equal(control_of(0)->ready, 0x80);
}

/*
 * Back to bits, with all that they had before; and to words again, of which the guest has made new ones.  Shows
 * event_channel_op.reset.
 */
static void test_reset(void **state)
{
    uint32_t port;

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        memset(event_frames, 0, sizeof(event_frames));
        words_start(VCPUS);
        words_expand();
        assert_int_equal(bind_ipi(guest, 2, &port), 0);
        assert_int_equal(send(guest, port), 0);
        assert_int_equal(words_take(2), port);
        assert_int_equal(send(guest, port), 0);
        assert_int_equal(reset(guest, DOMID_SELF), 0);
        handle(guest);
        expect_bits();
        assert_int_equal(set_priority(guest, 1, 1), -XEN_ENOSYS);
        assert_int_equal(reset(guest, DOMID_SELF), 0);
    }
}

/*
 * Events stay with their port when a vCPU that has no queues gets some, and when a port goes to one that has.  Shows
 * event_channel_op.words-late.
 */
static void test_waiting(void **state)
{
    uint32_t ipi, end, other;

    (void)state;
    words_start(1);
    words_expand();
    assert_int_equal(bind_ipi(guest, 1, &ipi), 0);
    assert_int_equal(alloc_unbound(guest, DOMID_SELF, &end), 0);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, end, &other), 0);
    assert_int_equal(bind_vcpu(guest, end, 2), 0);
    handle(guest);
    assert_int_equal(send(guest, ipi), 0);
    assert_int_equal(send(guest, other), 0);
    assert_int_equal(*word_of(ipi), PENDING);
    assert_int_equal(*word_of(end), PENDING);
    expect_nothing(guest);
    words_control(1);
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 1);
    assert_int_equal(words_take(1), ipi);
    assert_int_equal(*word_of(end), PENDING);
    assert_int_equal(bind_vcpu(guest, end, 1), 0);
    assert_int_equal(words_take(1), end);
    assert_true(words_handle(end));
}

/* VCPUOP_register_vcpu_info: there are no selectors to set. */
static void test_recheck(void **state)
{
    (void)state;
    words_start(1);
    guest->vcpus[0].info->evtchn_upcall_pending = 0;
    event_recheck(&guest->vcpus[0]);
    assert_int_equal(guest->vcpus[0].info->evtchn_upcall_pending, 1);
    assert_false(is_selected(guest, 0, 0));
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
    const struct CMUnitTest tests[] = {
        BOTH(test_init_control), BOTH(test_expand_array), BOTH(test_set_priority),
        BOTH(test_reset),        BOTH(test_waiting),      BOTH(test_recheck),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
