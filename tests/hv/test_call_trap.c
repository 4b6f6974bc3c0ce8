/* SPDX-License-Identifier: MIT */
/* How the guest's kernel is entered and left: stack_switch, set_callbacks, callback_op, nmi_op, iret. */
/* links: hv/call/call_trap.c engine/access.c tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c */
/* links: tests/hv/lib/call_refused.c */
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
static unsigned crashes, swaps, entries, faults;
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

void bounce_exception_error(struct hv_vcpu *which, unsigned vector, uint64_t error)
{
    assert_ptr_equal(which, &vcpu);
    assert_int_equal(vector, VECTOR_PROTECTION);
    assert_int_equal(error, 0);
    faults++;
}

static void begin(enum width width)
{
    guest_begin(width);
    memset(&frame, 0, sizeof(frame));
    memset(&info, 0, sizeof(info));
    vcpu.frame = &frame;
    vcpu.info = &info;
    crashes = swaps = entries = faults = 0;
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

static bool is_wide(void)
{
    return domain.engine.width == WIDTH_64;
}

/* Shows stack_switch.selector. */
static void stack(void)
{
    assert_int_equal(call(call_stack_switch, 0x18, 0x7000, 0), 0);
    assert_int_equal(vcpu.bounce.kernel_ss, 0x1b); /* in no ring of the hypervisor's; a 32-bit guest's is 1 when used */
    assert_int_equal(vcpu.bounce.kernel_sp, 0x7000);
}

/* Shows callback_op.set-callbacks. */
static void test_callbacks_of_old(void **state)
{
    (void)state;
    begin(WIDTH_64);
    vcpu.bounce.event.mask_events = true;
    assert_int_equal(call(call_set_callbacks, HANDLER, NO_ADDRESS, HANDLER + 2), 0);
    expect(&vcpu.bounce.event, HANDLER, false);
    expect(&vcpu.bounce.failsafe, 0, false);
    expect(&vcpu.bounce.syscall, HANDLER + 2, false);
}

/* Shows callback_op.set-callbacks-32. */
static void test_narrow_callbacks_of_old(void **state)
{
    const uint64_t args[6] = {0x61, HANDLER, 0x69, UINT32_MAX, 5, 6};

    (void)state;
    begin(WIDTH_PAE);
    vcpu.bounce.event.mask_events = true;
    assert_int_equal(call_set_callbacks(&vcpu, args), 0);
    expect(&vcpu.bounce.event, HANDLER, false);
    expect(&vcpu.bounce.failsafe, UINT32_MAX, false);
    expect(&vcpu.bounce.syscall, 0, false);
    assert_int_equal(vcpu.bounce.event.cs, 0x61);
    assert_int_equal(vcpu.bounce.failsafe.cs, 0x69);
}

/* The selector of a 32-bit guest's is its type and 0x61. */
static int64_t register_callback(unsigned type, unsigned flags, uint64_t address)
{
    if (is_wide())
        GUEST(struct callback_register) =
            (struct callback_register){.type = (uint16_t)type, .flags = (uint16_t)flags, .address = address};
    else
        GUEST(struct compat_callback_register) = (struct compat_callback_register){
            .type = (uint16_t)type, .flags = (uint16_t)flags, .address = {0x61 + 8 * type, (uint32_t)address}};
    return call(call_callback_op, CALLBACKOP_register, at(0), 0);
}

/*
 * Shows callback_op.register, callback_op.register-32, callback_op.unknown-command, callback_op.unreadable,
 * callback_op.nowhere, callback_op.unknown-type, callback_op.mask-events.
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
        if (type == CALLBACKTYPE_syscall && !is_wide()) {
            assert_int_equal(register_callback(type, 0, HANDLER), -XEN_ENOSYS);
            continue;
        }
        assert_int_equal(register_callback(type, CALLBACKF_mask_events, HANDLER + type), 0);
        expect(all[type], HANDLER + type, true);
        assert_int_equal(all[type]->cs, is_wide() ? 0 : 0x61 + 8 * type);
        if (is_wide())
            assert_int_equal(register_callback(type, 0, NO_ADDRESS), -XEN_EINVAL);
        expect(all[type], HANDLER + type, true);
        assert_int_equal(register_callback(type, 0xfffe, HANDLER), 0);
        expect(all[type], HANDLER, false);
    }
    assert_int_equal(register_callback(CALLBACKTYPE_sysenter_deprecated, 0, HANDLER + 9), is_wide() ? -XEN_ENOSYS : 0);
    expect(&vcpu.bounce.sysenter, is_wide() ? HANDLER : HANDLER + 9, false);
    assert_int_equal(register_callback(6, 0, HANDLER), -XEN_ENOSYS);
    assert_int_equal(register_callback(UINT16_MAX, 0, HANDLER), -XEN_ENOSYS);
    assert_int_equal(call(call_callback_op, CALLBACKOP_register, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_callback_op, CALLBACKOP_unregister, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_callback_op, 2, at(0), 0), -XEN_ENOSYS);
}

/* No handler but that of the NMI can be taken back.  Shows callback_op.unregister, callback_op.unregister-unknown. */
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
    if (!is_wide())
        assert_int_equal(vcpu.bounce.nmi.cs, FLAT_RING1_CS);
    assert_int_equal(call(call_nmi_op, XENNMI_register_callback, nowhere(), 0), -XEN_EFAULT);
    GUEST(uint64_t) = NO_ADDRESS;
    if (is_wide())
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

/*
 * ---- iret, of a 32-bit guest.
 */

#define NARROW_SIZE sizeof(struct compat_iret_context)

/* Only @room bytes of the frame are there, in front of the end of memory. */
static void make_narrow_iret(size_t room, uint32_t cs, uint32_t eflags)
{
    const struct compat_iret_context context = {1, 0x1000, cs, eflags, 0x2000, 0x5678};

    begin(WIDTH_PAE);
    memcpy(guest_memory + GUEST_MEMORY_SIZE - room, &context, room);
    frame.rsp = at(GUEST_MEMORY_SIZE - room) | UINT64_C(0xdead) << 32; /* whatever the upper half is */
    frame.rip = 0x5002;
    frame.cs = FLAT_RING1_CS;
    frame.ss = FLAT_RING1_SS;
    frame.rflags = 0x246;
    info.evtchn_upcall_mask = 0x55;
    assert_int_equal(call(call_iret, 0, 0, 0), 0);
    assert_true(vcpu.engine.diverted);
    assert_int_equal(entries + swaps, 0); /* both rings have one root */
}

/* Out of ring 1 with another stack, within it with the same.  Shows iret.narrow, iret.narrow-flags. */
static void test_narrow_iret(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring <= 3; ring++) {
        size_t room = ring == 1 ? 16 : NARROW_SIZE; /* what is not needed is not there */

        make_narrow_iret(room, 0xabcd0070 + ring, ~(uint32_t)RFLAGS_VM);
        assert_true(frame.rax == 1 && frame.rip == 0x1000 && crashes == 0);
        assert_int_equal(frame.cs, 0x70 + ring);
        assert_int_equal(frame.ss, ring == 1 ? FLAT_RING1_SS : 0x5678);
        assert_int_equal(frame.rsp, ring == 1 ? at(GUEST_MEMORY_SIZE) : 0x2000);
        assert_int_equal(frame.rflags, 0x254fd7);
        assert_int_equal(info.evtchn_upcall_mask, 0);
        make_narrow_iret(room, 0x70 + ring, 0);
        assert_int_equal(frame.rflags, 0x202);
        assert_int_equal(info.evtchn_upcall_mask, 1);
    }
}

/* Shows iret.unreadable, iret.narrow-ring-0. */
static void test_narrow_iret_impossible(void **state)
{
    (void)state;
    make_narrow_iret(NARROW_SIZE, 0x70, 0x202);
    assert_int_equal(crashes, 1);
    make_narrow_iret(12, 0x71, 0x202);
    assert_int_equal(crashes, 1);
    make_narrow_iret(20, 0x73, 0x202);
    assert_int_equal(crashes, 1);
    assert_int_equal(frame.rip, 0x5002);
    assert_int_equal(info.evtchn_upcall_mask, 0x55);
}

/* A fault of the call itself, whatever the rest of the frame says.  Shows iret.narrow-vm. */
static void xsa_136_a_narrow_frame_that_asks_for_vm(void **state)
{
    (void)state;
    for (uint32_t ring = 0; ring < 4; ring++) {
        make_narrow_iret(NARROW_SIZE, 0x70 + ring, 0x202 | (uint32_t)RFLAGS_VM);
        assert_int_equal(faults, 1);
        assert_int_equal(crashes, 0);
        assert_int_equal(frame.rip, 0x5000);
        assert_int_equal(frame.cs, FLAT_RING1_CS);
        assert_int_equal(frame.rflags, 0x246);
        assert_int_equal(info.evtchn_upcall_mask, 0x55);
    }
}

TEST_BOTH(stack, begin)
TEST_BOTH(callbacks, begin)
TEST_BOTH(callbacks_taken_back, begin)
TEST_BOTH(nmi, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_callbacks_of_old),
        cmocka_unit_test(test_narrow_callbacks_of_old),
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_callbacks_taken_back),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_iret),
        cmocka_unit_test(test_iret_in_syscall),
        cmocka_unit_test(test_iret_impossible),
        cmocka_unit_test(test_iret_nmi_and_iopl),
        cmocka_unit_test(test_narrow_iret),
        cmocka_unit_test(test_narrow_iret_impossible),
        cmocka_unit_test(xsa_136_a_narrow_frame_that_asks_for_vm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
