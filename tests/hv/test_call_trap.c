/* SPDX-License-Identifier: MIT */
/* How the guest's kernel is entered and left: stack_switch, set_callbacks, callback_op, nmi_op, iret. */
/* links: hv/call/call_trap.c engine/access.c tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/callback.h>
#include <abi/context.h>
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/domain/shutdown.h>
#include <tests/hv/lib/guest_calls.h>

#define HANDLER    UINT64_C(0x123000)
#define NO_ADDRESS UINT64_C(0x1234567812345678)

static struct cpu_frame frame;
static struct vcpu_info info;
static unsigned crashes, swaps, entries;
static bool has_no_user_root;

void shutdown_crash(struct hv_vcpu *which, const char *format, ...)
{
    assert_ptr_equal(which, &vcpu);
    assert_non_null(format);
    crashes++;
}

int vcpu_enter_user(struct vcpu *which)
{
    assert_ptr_equal(which, &vcpu.engine);
    entries++;
    return has_no_user_root ? -XEN_EINVAL : 0;
}

void state_swap_gs(void)
{
    swaps++;
}

static void begin(enum width width)
{
    guest_begin(width);
    memset(&frame, 0, sizeof(frame));
    memset(&info, 0, sizeof(info));
    vcpu.frame = &frame;
    vcpu.info = &info;
    crashes = swaps = entries = 0;
    has_no_user_root = false;
}

static void expect(const struct callback *callback, uint64_t address, bool mask_events)
{
    assert_int_equal(callback->address, address);
    assert_int_equal(callback->mask_events, mask_events);
}

/*
 * ---- Where the kernel is entered.
 */

/* Shows stack_switch.selector. */
static void stack(void)
{
    assert_int_equal(call(call_stack_switch, 0x18, 0x7000, 0), 0);
    assert_int_equal(vcpu.bounce.kernel_ss, 0x1b); /* in no ring of the hypervisor's */
    assert_int_equal(vcpu.bounce.kernel_sp, 0x7000);
}

/* Shows callback_op.set-callbacks. */
static void callbacks_of_old(void)
{
    vcpu.bounce.event.mask_events = true;
    assert_int_equal(call(call_set_callbacks, HANDLER, NO_ADDRESS, HANDLER + 2), 0);
    expect(&vcpu.bounce.event, HANDLER, false);
    expect(&vcpu.bounce.failsafe, 0, false);
    expect(&vcpu.bounce.syscall, HANDLER + 2, false);
}

static int64_t register_callback(unsigned type, unsigned flags, uint64_t address)
{
    GUEST(struct callback_register) =
        (struct callback_register){.type = (uint16_t)type, .flags = (uint16_t)flags, .address = address};
    return call(call_callback_op, CALLBACKOP_register, at(0), 0);
}

/*
 * Shows callback_op.register, callback_op.unknown-command, callback_op.unreadable, callback_op.nowhere,
 * callback_op.unknown-type, callback_op.mask-events.
 */
static void callbacks(void)
{
    struct callback *const all[] = {
        [CALLBACKTYPE_event] = &vcpu.bounce.event,       [CALLBACKTYPE_failsafe] = &vcpu.bounce.failsafe,
        [CALLBACKTYPE_syscall] = &vcpu.bounce.syscall,   [CALLBACKTYPE_nmi] = &vcpu.bounce.nmi,
        [CALLBACKTYPE_sysenter] = &vcpu.bounce.sysenter, [CALLBACKTYPE_syscall32] = &vcpu.bounce.syscall32,
    };

    for (unsigned type = 0; type < sizeof(all) / sizeof(all[0]); type++) {
        if (!all[type])
            continue;
        assert_int_equal(register_callback(type, CALLBACKF_mask_events, HANDLER + type), 0);
        expect(all[type], HANDLER + type, true);
        assert_int_equal(register_callback(type, 0, NO_ADDRESS), -XEN_EINVAL);
        expect(all[type], HANDLER + type, true);
        assert_int_equal(register_callback(type, 0xfffe, HANDLER), 0);
        expect(all[type], HANDLER, false);
    }
    assert_int_equal(register_callback(CALLBACKTYPE_sysenter_deprecated, 0, HANDLER + 9),
                     domain.engine.width == WIDTH_64 ? -XEN_ENOSYS : 0);
    expect(&vcpu.bounce.sysenter, domain.engine.width == WIDTH_64 ? HANDLER : HANDLER + 9, false);
    assert_int_equal(register_callback(6, 0, HANDLER), -XEN_ENOSYS);
    assert_int_equal(register_callback(UINT16_MAX, 0, HANDLER), -XEN_ENOSYS);
    assert_int_equal(call(call_callback_op, CALLBACKOP_register, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_callback_op, CALLBACKOP_unregister, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_callback_op, 2, at(0), 0), -XEN_ENOSYS);
}

/* No handler but that of the NMI can be taken back.  Shows callback_op.unregister. */
static void callbacks_taken_back(void)
{
    vcpu.bounce.nmi = vcpu.bounce.event = (struct callback){.address = HANDLER};
    GUEST(struct callback_unregister) = (struct callback_unregister){.type = CALLBACKTYPE_event};
    assert_int_equal(call(call_callback_op, CALLBACKOP_unregister, at(0), 0), -XEN_EINVAL);
    GUEST(struct callback_unregister).type = 6;
    assert_int_equal(call(call_callback_op, CALLBACKOP_unregister, at(0), 0), -XEN_ENOSYS);
    GUEST(struct callback_unregister).type = CALLBACKTYPE_nmi;
    assert_int_equal(call(call_callback_op, CALLBACKOP_unregister, at(0), 0), 0);
    expect(&vcpu.bounce.nmi, 0, false);
    expect(&vcpu.bounce.event, HANDLER, false);
}

/* Shows callback_op.nmi-op, callback_op.nmi-unknown-command, callback_op.nmi-unreadable, callback_op.nmi-nowhere. */
static void nmi(void)
{
    GUEST(uint64_t) = HANDLER;
    assert_int_equal(call(call_nmi_op, XENNMI_register_callback, at(0), 0), 0);
    expect(&vcpu.bounce.nmi, HANDLER, false);
    assert_int_equal(call(call_nmi_op, XENNMI_register_callback, nowhere(), 0), -XEN_EFAULT);
    GUEST(uint64_t) = domain.engine.width == WIDTH_64 ? NO_ADDRESS : COMPAT_HYPERVISOR_VIRT_START;
    assert_int_equal(call(call_nmi_op, XENNMI_register_callback, at(0), 0), -XEN_EINVAL);
    expect(&vcpu.bounce.nmi, HANDLER, false);
    assert_int_equal(call(call_nmi_op, XENNMI_unregister_callback, 0, 0), 0);
    expect(&vcpu.bounce.nmi, 0, false);
    assert_int_equal(call(call_nmi_op, 2, at(0), 0), -XEN_ENOSYS);
}

/*
 * ---- iret, of a 64-bit guest.
 */

static void make_iret(uint64_t flags, uint64_t cs, uint64_t rflags)
{
    begin(WIDTH_64);
    frame.rsp = at(0);
    GUEST(struct iret_context) = (struct iret_context){.rax = 1,
                                                       .r11 = 2,
                                                       .rcx = 3,
                                                       .flags = flags,
                                                       .rip = 0x1000,
                                                       .cs = cs,
                                                       .rflags = rflags,
                                                       .rsp = 0x2000,
                                                       .ss = 0x5678};
    assert_int_equal(call(call_iret, 0, 0, 0), 0);
    assert_true(vcpu.engine.diverted); /* no result in rax */
}

/* Shows iret.frame, iret.to-user, iret.selectors, iret.flags, iret.mask, iret.registers. */
static void test_iret(void **state)
{
    (void)state;
    make_iret(0, 0xe033, UINT64_MAX);
    assert_true(frame.rax == 1 && frame.r11 == 2 && frame.rcx == 3 && frame.rip == 0x1000 && frame.rsp == 0x2000);
    assert_int_equal(frame.cs, 0xe033);
    assert_int_equal(frame.ss, 0x567b);
    assert_int_equal(frame.rflags, 0x254fd7); /* no IOPL, VM, VIF, VIP; IF */
    assert_true(entries == 1 && swaps == 1 && crashes == 0);
    assert_int_equal(info.evtchn_upcall_mask, 0);
    make_iret(0, 0xe030, 0);
    assert_int_equal(frame.cs, 0xe033);
    assert_int_equal(frame.rflags, 0x202);
    assert_int_equal(entries + swaps, 0); /* in its kernel */
    assert_int_equal(info.evtchn_upcall_mask, 1);
}

/* Shows iret.in-syscall. */
static void test_iret_in_syscall(void **state)
{
    (void)state;
    make_iret(VGCF_in_syscall, FLAT_USER_CS32, 0x202);
    assert_int_equal(frame.cs, FLAT_USER_CS32);
    assert_int_equal(frame.ss, FLAT_USER_SS64);
    assert_true(frame.rcx == 0x1000 && frame.r11 == 0x202);
    make_iret(VGCF_in_syscall, 0x1233, 0x202);
    assert_int_equal(frame.cs, FLAT_USER_CS64);
}

/* Shows iret.unreadable, iret.no-user-table. */
static void test_iret_impossible(void **state)
{
    (void)state;
    begin(WIDTH_64);
    frame.rsp = nowhere();
    frame.rip = 5;
    assert_int_equal(call(call_iret, 0, 0, 0), 0);
    assert_int_equal(crashes, 1);
    assert_int_equal(frame.rip, 5);
    begin(WIDTH_64);
    has_no_user_root = true;
    frame.rsp = at(0);
    GUEST(struct iret_context) = (struct iret_context){.cs = 3};
    assert_int_equal(call(call_iret, 0, 0, 0), 0);
    assert_int_equal(crashes, 1);
    assert_int_equal(swaps, 0);
}

/*
 * One that was held back comes now; IOPL is in the frame for whoever has asked for that.  Shows iret.nmi, iret.iopl,
 * vm_assist.iopl.
 */
static void test_iret_nmi_and_iopl(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(WIDTH_64);
        frame.rsp = at(0);
        vcpu.bounce.nmi_blocked = true;
        vcpu.bounce.nmi_pending = i;
        vcpu.state.iopl = 0x1000;
        domain.vm_assist = i ? UINT64_C(1) << VMASST_TYPE_architectural_iopl : 0;
        GUEST(struct iret_context) = (struct iret_context){.rflags = 0x3200};
        assert_int_equal(call(call_iret, 0, 0, 0), 0);
        assert_false(vcpu.bounce.nmi_blocked);
        assert_int_equal(vcpu.run.attention, i);
        assert_int_equal(vcpu.state.iopl, i ? 0x3000 : 0x1000);
        assert_int_equal(frame.rflags, 0x202);
    }
}

TEST_BOTH(stack, begin)
TEST_BOTH(callbacks_of_old, begin)
TEST_BOTH(callbacks, begin)
TEST_BOTH(callbacks_taken_back, begin)
TEST_BOTH(nmi, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_callbacks_of_old),
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_callbacks_taken_back),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_iret),
        cmocka_unit_test(test_iret_in_syscall),
        cmocka_unit_test(test_iret_impossible),
        cmocka_unit_test(test_iret_nmi_and_iopl),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
