/* SPDX-License-Identifier: MIT */
/* VCPUOP_initialise, of guests of both widths: what the vCPU begins with, and what is refused. */
/* links: hv/call/call_vcpu.c hv/call/vcpu_initialise.c engine/access.c */
/* links: tests/hv/lib/guest_memory.c tests/hv/lib/guest_vcpus.c tests/hv/lib/objects.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/vcpu.h>
#include <tests/hv/lib/guest_vcpus.h>
#include <tests/hv/lib/objects.h>

static struct vcpu_guest_context context;
static struct compat_vcpu_guest_context compat_context;

/* The same in both widths, as far as it is there. */
static void make_context(void)
{
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel | VGCF_failsafe_disables_events;
    context.user_regs = (struct cpu_user_regs){.rax = 1,
                                               .rbx = 2,
                                               .rcx = 3,
                                               .rdx = 4,
                                               .rsi = 5,
                                               .rdi = 6,
                                               .rbp = 7,
                                               .rip = 0x1000,
                                               .rsp = 0x2000,
                                               .rflags = 0xffffffff,
                                               .cs = 0x10,
                                               .ss = 0x18,
                                               .ds = 0x21,
                                               .es = 0x22,
                                               .fs = 0x23,
                                               .gs = 0x24};
    context.trap_ctxt[14] = (struct trap_info){.vector = 3, .flags = 4, .cs = 0x11, .address = 0x3000};
    context.ldt_base = 0x4000;
    context.ldt_ents = 5;
    context.gdt_frames[0] = 1234;
    context.gdt_ents = 512;
    context.kernel_ss = 0x18;
    context.kernel_sp = 0x5000;
    context.ctrlreg[0] = 8;
    context.ctrlreg[3] = xen_pfn_to_cr3(UINT64_C(0x123456));
    context.debugreg[1] = 0x7000;
    context.debugreg[5] = 1;
    context.event_callback_eip = 0x8000;
    context.failsafe_callback_eip = 0x9000;
    context.syscall_callback_eip = 0xa000;
    context.fs_base = 0xb000;
    context.gs_base_kernel = 0xc000;
    context.gs_base_user = 0xd000;
    context.fpu_ctxt.x[0] = 0x77;
}

static void narrow_context(void)
{
    const struct cpu_user_regs *regs = &context.user_regs;

    memset(&compat_context, 0, sizeof(compat_context));
    memcpy(&compat_context.fpu_ctxt, &context.fpu_ctxt, 512);
    compat_context.flags = (uint32_t)context.flags;
    compat_context.user_regs = (struct compat_cpu_user_regs){.eax = (uint32_t)regs->rax,
                                                             .ebx = (uint32_t)regs->rbx,
                                                             .ecx = (uint32_t)regs->rcx,
                                                             .edx = (uint32_t)regs->rdx,
                                                             .esi = (uint32_t)regs->rsi,
                                                             .edi = (uint32_t)regs->rdi,
                                                             .ebp = (uint32_t)regs->rbp,
                                                             .eip = (uint32_t)regs->rip,
                                                             .esp = (uint32_t)regs->rsp,
                                                             .eflags = (uint32_t)regs->rflags,
                                                             .cs = regs->cs,
                                                             .ss = regs->ss,
                                                             .ds = regs->ds,
                                                             .es = regs->es,
                                                             .fs = regs->fs,
                                                             .gs = regs->gs};
    compat_context.trap_ctxt[14] = (struct compat_trap_info){.vector = 3, .flags = 4, .cs = 0x11, .address = 0x3000};
    compat_context.ldt_base = (uint32_t)context.ldt_base;
    compat_context.ldt_ents = (uint32_t)context.ldt_ents;
    compat_context.gdt_frames[0] = (uint32_t)context.gdt_frames[0];
    compat_context.gdt_ents = (uint32_t)context.gdt_ents;
    compat_context.kernel_ss = (uint32_t)context.kernel_ss;
    compat_context.kernel_sp = (uint32_t)context.kernel_sp;
    compat_context.ctrlreg[0] = (uint32_t)context.ctrlreg[0];
    compat_context.ctrlreg[3] = compat_xen_pfn_to_cr3(0x123456);
    compat_context.debugreg[1] = (uint32_t)context.debugreg[1];
    compat_context.event_callback_cs = 0x18;
    compat_context.event_callback_eip = (uint32_t)context.event_callback_eip;
    compat_context.failsafe_callback_cs = 0x2a;
    compat_context.failsafe_callback_eip = (uint32_t)context.failsafe_callback_eip;
}

static int64_t initialise(unsigned id)
{
    narrow_context();
    if (is_wide())
        memcpy(guest_memory, &context, sizeof(context));
    else
        memcpy(guest_memory, &compat_context, sizeof(compat_context));
    return vcpu_op(VCPUOP_initialise, id, GUEST_MEMORY);
}

/*
 * Shows vcpu_op.initialise, vcpu_op.initialise-twice, vcpu_guest_context.adjusted,
 * vcpu_guest_context.control-registers.
 */
static void test_initialise(void **state)
{
    struct hv_vcpu *vcpu = &vcpus[1];

    (void)state;
    make_context();
    assert_int_equal(initialise(0), -XEN_EEXIST);
    assert_int_equal(initialise(1), 0);
    assert_int_equal(objects, 0);
    assert_true(vcpu->initialised && vcpu->run.down && !vcpu->engine.user_mode);
    assert_int_equal(noted.destroyed, 0);
    assert_int_equal(noted.roots[0].v, 0x123456);
    assert_true(mfn_is_none(noted.roots[1]));
    assert_true(noted.gdt_entries == 512 && noted.first_gdt_frame.v == 1234);
    assert_true(noted.ldt_base == 0x4000 && noted.ldt_entries == 5);
    assert_int_equal(noted.trap_calls, 256);
    assert_true(vcpu->engine.traps[14].address == 0x3000 && vcpu->engine.traps[3].address == 0);
    assert_true(frames[1].rax == 1 && frames[1].rbx == 2 && frames[1].rcx == 3 && frames[1].rdx == 4);
    assert_true(frames[1].rsi == 5 && frames[1].rdi == 6 && frames[1].rbp == 7);
    assert_true(frames[1].rip == 0x1000 && frames[1].rsp == 0x2000);
    assert_int_equal(frames[1].cs, is_wide() ? 0x13 : 0x11);
    assert_int_equal(frames[1].ss, is_wide() ? 0x1b : 0x19);
    assert_int_equal(frames[1].rflags, 0x254fd7); /* no IOPL, VM, VIF, VIP; IF */
    assert_true(vcpu->state.ds == 0x21 && vcpu->state.es == 0x22 && vcpu->state.fs == 0x23 && vcpu->state.gs == 0x24);
    assert_true(vcpu->state.task_switched && vcpu->state.iopl == 0x3000);
    assert_true(vcpu->state.debug[1] == 0x7000);
    assert_true(vcpu->bounce.kernel_sp == 0x5000);
    assert_int_equal(vcpu->bounce.kernel_ss, is_wide() ? 0x1b : 0x19);
    assert_true(vcpu->bounce.event.address == 0x8000 && vcpu->bounce.failsafe.address == 0x9000);
    assert_true(vcpu->bounce.failsafe.mask_events && !vcpu->bounce.syscall.mask_events);
    if (is_wide()) {
        assert_true(vcpu->bounce.syscall.address == 0xa000);
        assert_true(vcpu->state.fs_base == 0xb000);
        assert_true(vcpu->state.gs_base == 0xc000 && vcpu->state.gs_base_inactive == 0xd000);
    } else {
        assert_int_equal(vcpu->bounce.event.cs, 0x19);
        assert_int_equal(vcpu->bounce.failsafe.cs, 0x2a);
    }
    assert_int_equal(initialise(1), -XEN_EEXIST);
}

/* Shows vcpu_op.initialise-fpu. */
static void test_initialise_fpu(void **state)
{
    (void)state;
    make_context();
    context.flags |= VGCF_i387_valid;
    planned.extended_is_good = false;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    assert_false(vcpus[1].initialised);
    assert_int_equal(noted.destroyed, 1);
    planned.extended_is_good = true;
    assert_int_equal(initialise(1), 0);
    assert_int_equal(noted.extended_first, 0x77);
}

static bool no_memory(void)
{
    return true;
}

/*
 * Shows vcpu_op.initialise-refused, vcpu_op.initialise-twice, vcpu_op.initialise-no-info, vcpu_op.initialise-no-memory.
 */
static void test_initialise_refused(void **state)
{
    int *const errors[] = {&planned.gdt_error, &planned.ldt_error, &planned.trap_error, &planned.root_error};

    (void)state;
    make_context();
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        *errors[i] = -XEN_EINVAL;
        assert_int_equal(initialise(1), -XEN_EINVAL);
        assert_int_equal(noted.destroyed, i + 1);
        assert_false(vcpus[1].initialised);
        assert_int_equal(vcpus[1].frame->rip, frames[1].rip);
        assert_int_equal(objects, 0);
        *errors[i] = 0;
    }
    context.gdt_ents = 8193;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    assert_int_equal(noted.destroyed, 4);
    context.gdt_ents = 1;
    vcpus[1].info = NULL;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    vcpus[1].info = &infos[1];
    object_fails = no_memory;
    assert_int_equal(initialise(1), -XEN_ENOMEM);
    assert_refused(WHY_HYPERVISOR_MEMORY, 0);
    object_fails = NULL;
    assert_true(!vcpus[1].initialised && !vcpus[1].initialising);
    assert_int_equal(initialise(1), 0);
}

/* Shows vcpu_op.initialise-senseless. */
static void test_initialise_addresses(void **state)
{
    uint64_t *const addresses[] = {
        &context.user_regs.rip,         &context.user_regs.rsp,        &context.kernel_sp, &context.event_callback_eip,
        &context.failsafe_callback_eip, &context.syscall_callback_eip, &context.fs_base,   &context.gs_base_kernel,
        &context.gs_base_user};

    (void)state;
    make_context();
    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        uint64_t good = *addresses[i];

        *addresses[i] = UINT64_C(0x8000000000000000);
        assert_int_equal(initialise(1), -XEN_EINVAL);
        *addresses[i] = good;
    }
    context.ldt_ents = UINT64_C(0x100000001);
    assert_int_equal(initialise(1), -XEN_EINVAL);
    assert_refused(WHY_CONTEXT_TABLES, UINT64_C(0x100000001));
    assert_int_equal(noted.destroyed, 0);
}

/* Shows vcpu_op.initialise-senseless. */
static void test_initialise_in_user_mode(void **state)
{
    (void)state;
    make_context();
    context.flags = VGCF_syscall_disables_events;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    context.ctrlreg[1] = xen_pfn_to_cr3(0x654321);
    assert_int_equal(initialise(1), 0);
    assert_int_equal(noted.roots[1].v, 0x654321);
    assert_true(vcpus[1].engine.user_mode && vcpus[1].engine.user_cached);
    assert_true(vcpus[1].state.gs_base == 0xd000 && vcpus[1].state.gs_base_inactive == 0xc000);
    assert_true(vcpus[1].bounce.syscall.mask_events && !vcpus[1].bounce.failsafe.mask_events);
}

/* A 32-bit guest has one root for both modes, and addresses that mean nothing but to itself. */
static void test_initialise_narrow(void **state)
{
    (void)state;
    make_context();
    context.flags = 0;
    context.user_regs.cs = 0x13;
    context.user_regs.rip = context.event_callback_eip = context.failsafe_callback_eip = 0xffffffff;
    context.kernel_sp = 0xfffffffc;
    assert_int_equal(initialise(1), 0);
    assert_true(mfn_is_none(noted.roots[1]) && !vcpus[1].engine.user_mode);
    assert_true(frames[1].rip == 0xffffffff && vcpus[1].bounce.event.address == 0xffffffff);
    assert_true(vcpus[1].bounce.kernel_sp == 0xfffffffc && frames[1].cs == 0x13);
    assert_true(vcpus[1].bounce.event.cs == 0x19 && vcpus[1].bounce.failsafe.cs == 0x2a);
}

int main(void)
{
#define BOTH(test) cmocka_unit_test_setup(test, set_up_64), cmocka_unit_test_setup(test, set_up_32)
    const struct CMUnitTest tests[] = {
        BOTH(test_initialise),
        BOTH(test_initialise_fpu),
        BOTH(test_initialise_refused),
        cmocka_unit_test_setup(test_initialise_addresses, set_up_64),
        cmocka_unit_test_setup(test_initialise_in_user_mode, set_up_64),
        cmocka_unit_test_setup(test_initialise_narrow, set_up_32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
