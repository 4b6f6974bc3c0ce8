/* SPDX-License-Identifier: MIT */
/* Events as the guest sees them, of either width: the bits, and who is woken. */
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
#include <tests/hv/lib/guest_events.h>

/*
 * The guest is told once of each step: what stands there already is not raised again, and closing ends it.  Shows
 * event_channel_op.merged.
 */
static void test_merging(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t first, second;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &first), 0);
    assert_int_equal(bind_ipi(guest, 1, &second), 0);
    assert_int_equal(send(guest, first), 0);
    guest->vcpus[1].info->evtchn_upcall_pending = 0; /* the handler begins */
    assert_int_equal(send(guest, second), 0);        /* of the same word */
    assert_true(is_pending(guest, second));
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(guest->wakes[1], 1);

    handle(guest);
    assert_int_equal(send(guest, first), 0);
    assert_true(is_pending(guest, first));
    guest->vcpus[1].info->evtchn_upcall_pending = 0;
    memset((uint8_t *)guest->vcpus[1].info + 4, 0, 12); /* the handler has taken the selector, of either width */
    guest->wakes[1] = 0;
    assert_int_equal(send(guest, first), 0);
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(guest->wakes[1], 0);
    assert_int_equal(close_port(guest, first), 0);
    assert_false(is_pending(guest, first));
}

/* Shows shared_info.raise. */
static void test_masks(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &port), 0);
    set_mask(guest, port, true);
    assert_int_equal(send(guest, port), 0);
    assert_true(is_pending(guest, port));
    assert_int_equal(guest->wakes[1], 0);
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(unmask(guest, port), 0);
    expect_raised(guest, 1, port);
    set_mask(guest, port, true);
    assert_int_equal(unmask(guest, port), 0);
    expect_nothing(guest);
    assert_int_equal(send(guest, port), 0); /* what is pending already is raised no more */
    assert_int_equal(send(guest, port), 0);
    expect_raised(guest, 1, port);
    set_mask(guest, port, true);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(unmask(guest, port), 0); /* of a closed one the bits are left alone */
    assert_true(is_masked(guest, port));
}

static void test_pollers(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &port), 0);
    set_mask(guest, port, true);
    guest->vcpus[2].run.polling = true;
    assert_false(event_is_pending(&guest->domain, port));
    assert_int_equal(send(guest, port), 0);
    assert_true(event_is_pending(&guest->domain, port));
    assert_int_equal(guest->wakes[2], 1);
    assert_int_equal(guest->wakes[1], 0);
    assert_false(event_is_pending(&guest->domain, guest_ports(guest)));
}

static void test_deliverable(void **state)
{
    struct hv_vcpu *vcpu = &guests[1].vcpus[1];
    uint32_t words = guest_is_wide(&guests[1]) ? 64 : 32;

    (void)state;
    assert_false(hv_vcpu_has_upcall(vcpu));
    event_recheck(vcpu);
    for (uint32_t i = 0; i < words; i++)
        assert_true(is_selected(&guests[1], 1, i * words));
    assert_int_equal(vcpu->info->arch.cr2, 0);
    assert_int_equal(guests[1].wakes[1], 1);
    assert_false(hv_vcpu_has_upcall(vcpu));
    event_unmask_upcalls(vcpu);
    assert_true(hv_vcpu_has_upcall(vcpu));
    vcpu->info->evtchn_upcall_pending = 0;
    assert_false(hv_vcpu_has_upcall(vcpu));
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
    const struct CMUnitTest tests[] = {
        BOTH(test_merging),
        BOTH(test_masks),
        BOTH(test_pollers),
        BOTH(test_deliverable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
