/* SPDX-License-Identifier: MIT */
/* sched_op, of guests of both widths: each command and each error. */
/* links: hv/call/call_sched.c engine/access.c */
/* links: tests/hv/lib/guest_memory.c tests/hv/lib/guest_vcpus.c tests/hv/lib/objects.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/sched.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_vcpus.h>

static int64_t sched_op(uint64_t command, const void *structure, size_t size)
{
    const uint64_t args[6] = {command, GUEST_MEMORY};
    const unsigned before = call_refused_count();

    if (size)
        memcpy(guest_memory, structure, size);
    return call_refused_told(before, call_sched_op(&vcpus[0], args));
}

/* Shows sched_op.yield, sched_op.block, sched_op.unknown-command. */
static void test_yield_and_block(void **state)
{
    const uint64_t compat_args[6] = {SCHEDOP_block};

    (void)state;
    assert_int_equal(sched_op(SCHEDOP_yield, NULL, 0), 0);
    assert_int_equal(noted.yields, 1);
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(noted.blocks, 1);
    assert_int_equal(infos[0].evtchn_upcall_mask, 0);
    infos[0].evtchn_upcall_mask = 1;
    infos[0].evtchn_upcall_pending = 1;
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(noted.blocks, 1);
    infos[0].evtchn_upcall_pending = 0;
    vcpus[0].bounce.nmi_pending = true;
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(noted.blocks, 1);
    vcpus[0].bounce.nmi_blocked = true;
    assert_int_equal(call_sched_op_compat(&vcpus[0], compat_args), 0);
    assert_int_equal(noted.blocks, 2);
    assert_int_equal(sched_op(8, NULL, 0), -XEN_ENOSYS);
    assert_int_equal(sched_op(UINT32_MAX, NULL, 0), -XEN_ENOSYS);
}

/* Shows sched_op.shutdown, sched_op.shutdown-code, sched_op.unreadable. */
static void test_shutdown(void **state)
{
    struct sched_shutdown shutdown = {SHUTDOWN_reboot};
    uint64_t compat_args[6] = {SCHEDOP_shutdown, SHUTDOWN_suspend};

    (void)state;
    guest_memory_is_gone = true;
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), -XEN_EFAULT);
    assert_int_equal(sched_op(SCHEDOP_shutdown_code, &shutdown, sizeof(shutdown)), -XEN_EFAULT);
    guest_memory_is_gone = false;
    assert_int_equal(sched_op(SCHEDOP_shutdown_code, &shutdown, sizeof(shutdown)), 0);
    assert_true(domain.reason_noted && domain.noted_reason == SHUTDOWN_reboot);
    assert_int_equal(noted.shut_down, 0);
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), 0);
    assert_int_equal(noted.shut_down, 100 + SHUTDOWN_reboot);
    assert_true(vcpus[0].engine.diverted);
    shutdown.reason = SHUTDOWN_MAX + 1;
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), 0);
    assert_int_equal(noted.shut_down, 100 + SHUTDOWN_crash);
    assert_int_equal(call_sched_op_compat(&vcpus[0], compat_args), 0);
    assert_int_equal(noted.shut_down, 100 + SHUTDOWN_suspend);
    compat_args[0] = SCHEDOP_poll;
    assert_int_equal(call_sched_op_compat(&vcpus[0], compat_args), -XEN_ENOSYS);
}

static int64_t poll(uint64_t ports, uint32_t nr_ports, uint64_t timeout)
{
    const struct sched_poll wide = {.ports = ports, .nr_ports = nr_ports, .timeout = timeout};
    const struct compat_sched_poll compat = {.ports = (uint32_t)ports, .nr_ports = nr_ports, .timeout = timeout};

    return is_wide() ? sched_op(SCHEDOP_poll, &wide, sizeof(wide)) : sched_op(SCHEDOP_poll, &compat, sizeof(compat));
}

static void let_time_pass(void)
{
    assert_true(vcpus[0].run.polling);
    assert_int_equal(vcpus[0].report.poll.nr_ports, 2); /* who asks where the guest is, is told */
    assert_int_equal(vcpus[0].report.poll.ports[1], 17);
    planned.now += 1000;
}

static void let_port_be_raised(void)
{
    if (noted.blocks == 3) /* twice for nothing */
        planned.pending[17] = true;
}

/* One port more than there may be is refused whatever it is.  Shows sched_op.poll-many. */
static void test_poll_many(void **state)
{
    uint32_t *ports = (uint32_t *)(void *)(guest_memory + 1024);

    (void)state;
    for (unsigned i = 0; i < 129; i++)
        ports[i] = 1;
    assert_int_equal(poll(GUEST_MEMORY + 1024, 128, 1), 0);
    assert_int_equal(poll(GUEST_MEMORY + 1024, 129, 1), -XEN_EINVAL);
    assert_int_equal(poll(GUEST_MEMORY + GUEST_MEMORY_SIZE, 129, 1), -XEN_EINVAL); /* its array is not looked at */
}

/* Shows sched_op.poll, sched_op.poll-ports, sched_op.poll-unreadable. */
static void test_poll(void **state)
{
    uint32_t *ports = (uint32_t *)(void *)(guest_memory + 1024);
    const uint64_t address = GUEST_MEMORY + 1024;

    (void)state;
    for (unsigned i = 0; i < 128; i++)
        ports[i] = 1;
    ports[1] = 17;
    assert_int_equal(poll(GUEST_MEMORY + GUEST_MEMORY_SIZE, 1, 1), -XEN_EFAULT);
    ports[0] = 64;
    assert_int_equal(poll(address, 1, 1), -XEN_EINVAL);
    assert_int_equal(poll(address, 2, 1), -XEN_EINVAL);
    ports[0] = 0;
    assert_int_equal(poll(address, 1, 1), -XEN_EINVAL);
    ports[0] = 1;
    assert_int_equal(poll(address, 128, 1), 0); /* the time has passed */
    assert_int_equal(noted.blocks, 0);
    planned.while_blocked = let_time_pass;
    assert_int_equal(poll(address, 2, planned.now + 2500), 0);
    assert_int_equal(noted.blocks, 3);
    assert_false(vcpus[0].run.polling);
    assert_int_equal(vcpus[0].report.poll.nr_ports, 0);
    assert_true(noted.poll_deadline == 0);
    noted.blocks = 0;
    planned.while_blocked = let_port_be_raised;
    assert_int_equal(poll(address, 2, 0), 0);
    assert_int_equal(noted.blocks, 3);
    assert_int_equal(poll(address, 2, 0), 0); /* is planned.pending */
    assert_int_equal(noted.blocks, 3);
    infos[0].evtchn_upcall_pending = 1;
    infos[0].evtchn_upcall_mask = 0;
    assert_int_equal(poll(address, 1, 0), 0); /* something else is to be delivered */
    assert_int_equal(noted.blocks, 3);
}

static int64_t watchdog(uint32_t id, uint32_t timeout)
{
    const struct sched_watchdog op = {id, timeout};

    return sched_op(SCHEDOP_watchdog, &op, sizeof(op));
}

/* Shows sched_op.watchdog, sched_op.no-watchdog, sched_op.watchdogs-used. */
static void test_watchdogs(void **state)
{
    (void)state;
    assert_int_equal(watchdog(3, 1), -XEN_EINVAL);
    assert_int_equal(watchdog(1, 1), -XEN_EINVAL);
    assert_int_equal(watchdog(0, 0), -XEN_EINVAL);
    assert_int_equal(watchdog(0, 10), 1);
    assert_int_equal(watchdog(0, 20), 2);
    assert_int_equal(watchdog(0, 30), -XEN_EEXIST);
    assert_int_equal(watchdog(1, 40), 0);
    assert_true(noted.watchdogs[0] == 40 && noted.watchdogs[1] == 20);
    assert_int_equal(watchdog(1, 0), 0);
    assert_true(noted.watchdogs[0] == 0);
    assert_int_equal(watchdog(0, 50), 1);
}

/*
 * Shows sched_op.remote, sched_op.remote-none, sched_op.remote-right, sched_op.pin-override, sched_op.pin-right,
 * sched_op.pin-unreadable, sched_op.pin-none.
 */
static void test_privileges(void **state)
{
    struct sched_remote_shutdown remote = {.domain_id = 1, .reason = SHUTDOWN_poweroff};
    struct sched_pin_override pin = {0};

    (void)state;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_EPERM);
    assert_refused(WHY_REMOTE_SHUTDOWN, 1);
    domain.engine.privileged = true;
    remote.domain_id = 2;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_ESRCH);
    remote.domain_id = DOMID_SELF;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_ESRCH);
    remote.domain_id = 0; /* itself */
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_EPERM);
    remote.domain_id = 1;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), 0);
    assert_true(noted.shut_down_other == 100 + SHUTDOWN_poweroff && noted.shut_down == 0);
    other.engine.dying = true;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_ESRCH);
    guest_memory_is_gone = true;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, 0), -XEN_EFAULT);
    guest_memory_is_gone = false;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), 0);
    assert_int_equal(vcpus[0].share.bound.bits, 1);
    pin.pcpu = 1;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), 0);
    assert_int_equal(vcpus[0].share.bound.bits, 2);
    for (unsigned i = 0; i < 3; i++) {
        pin.pcpu = (int32_t[]){2, 64, INT32_MAX}[i];
        assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), -XEN_EINVAL);
    }
    assert_int_equal(vcpus[0].share.bound.bits, 2);
    pin.pcpu = INT32_MIN;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), 0);
    assert_int_equal(vcpus[0].share.bound.bits, 0);
}

int main(void)
{
#define BOTH(test) cmocka_unit_test_setup(test, set_up_64), cmocka_unit_test_setup(test, set_up_32)
    const struct CMUnitTest tests[] = {
        BOTH(test_yield_and_block), BOTH(test_shutdown),  BOTH(test_poll),
        BOTH(test_poll_many),       BOTH(test_watchdogs), BOTH(test_privileges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
