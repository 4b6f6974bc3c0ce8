/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op and sched_op, of guests of both widths: each command and each error, against stand-ins for the engine, the
 * scheduler and the clock that note what they are asked.
 */
/* links: hv/call/call_vcpu.c hv/call/vcpu_initialise.c hv/call/call_sched.c engine/access.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/sched.h>
#include <engine/engine.h>
#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>
#include <hv/time/apic.h>

#define VCPUS      3u
#define MEMORY     UINT64_C(0x10000)
#define INFO_FRAME 77u

/*
 * ---- The rest of the hypervisor.
 */

static struct hv_domain domain, other;
static struct domain *domains[2] = {&domain.domain, &other.domain};
static struct machine machine = {.domains = domains, .nr_domains = 2};
static struct hv_vcpu vcpus[VCPUS];
static struct vcpu *table[VCPUS];
static struct cpu_frame frames[VCPUS];
static struct vcpu_info infos[VCPUS];
static _Alignas(4096) uint8_t memory[16384]; /* at MEMORY */
static _Alignas(4096) uint8_t info_frame[4096];
static struct hv_vcpu *caller;

static uint64_t now;
static bool pending[64], memory_is_gone;
static unsigned objects, shut_down, shut_down_other, yields, blocks, stopped, started, woken, destroyed, gdt_frames,
    gdt_entries, ldt_entries, trap_calls, updates, rechecks;
static int hold_error, gdt_error, ldt_error, trap_error, root_error;
static mfn_t held, roots[2], first_gdt_frame;
static uint64_t ldt_base, singleshot, periodic, poll_deadline;
static uint32_t watchdogs[WATCHDOGS];
static bool extended_is_good;
static uint8_t extended_first;
static void (*while_blocked)(void);

void *allocate(size_t size)
{
    objects++;
    return calloc(1, size);
}

void release(void *object, size_t size)
{
    (void)size;
    objects--;
    free(object);
}

static bool in_memory(vaddr_t at, size_t size)
{
    return !memory_is_gone && at.v >= MEMORY && at.v + size <= MEMORY + sizeof(memory);
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    assert_ptr_equal(vcpu, &caller->vcpu);
    if (size && !in_memory(from, size))
        return false;
    memcpy(to, memory + (from.v - MEMORY), size);
    return true;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    assert_ptr_equal(vcpu, &caller->vcpu);
    if (!in_memory(to, size))
        return false;
    memcpy(memory + (to.v - MEMORY), from, size);
    return true;
}

void *port_frame_map(mfn_t mfn)
{
    assert_int_equal(mfn.v, INFO_FRAME);
    return info_frame;
}

int domain_hold_writable(struct domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain.domain);
    if (!hold_error)
        held = mfn;
    return hold_error;
}

int vcpu_set_gdt(struct vcpu *vcpu, const mfn_t *list, unsigned entries)
{
    (void)vcpu;
    gdt_entries = entries;
    first_gdt_frame = list[0];
    return gdt_error;
}

int vcpu_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries)
{
    (void)vcpu;
    ldt_base = base.v;
    ldt_entries = entries;
    return ldt_error;
}

int vcpu_set_trap(struct vcpu *vcpu, unsigned vector, uint64_t address, uint16_t cs, uint8_t flags)
{
    trap_calls++;
    vcpu->traps[vector] = (struct trap_gate){address, cs, flags};
    return vector == 200 ? trap_error : 0;
}

int vcpu_set_roots(struct vcpu *vcpu, mfn_t kernel, mfn_t user)
{
    (void)vcpu;
    roots[0] = kernel;
    roots[1] = user;
    return root_error;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    (void)vcpu;
    destroyed++;
}

bool state_set_extended(struct hv_vcpu *vcpu, const void *fxsave)
{
    (void)vcpu;
    extended_first = *(const uint8_t *)fxsave;
    return extended_is_good;
}

bool state_set_cr4(struct hv_vcpu *vcpu, uint64_t cr4)
{
    vcpu->state.cr4 = cr4;
    return true;
}

int state_set_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t value)
{
    assert_true(index < 4 || index == 6 || index == 7);
    vcpu->state.debug[index] = value;
    return 0;
}

void bounce_request_nmi(struct hv_vcpu *vcpu)
{
    vcpu->bounce.nmi_pending = true;
}

void sched_yield(void)
{
    yields++;
}

void sched_block(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu, caller);
    blocks++;
    if (while_blocked)
        while_blocked();
}

void sched_stop(struct hv_vcpu *vcpu)
{
    vcpu->run.down = true;
    stopped |= 1u << vcpu->vcpu.id;
}

void sched_start(struct hv_vcpu *vcpu)
{
    vcpu->run.down = false;
    started |= 1u << vcpu->vcpu.id;
}

void sched_wake(struct hv_vcpu *vcpu)
{
    woken |= 1u << vcpu->vcpu.id;
}

struct vcpu_runstate_info sched_runstate(const struct hv_vcpu *vcpu)
{
    return (struct vcpu_runstate_info){
        .state = (int32_t)vcpu->vcpu.id, .state_entry_time = 1001, .time = {1002, 1003, 1004, 1005}};
}

void domain_shut_down(struct hv_domain *which, unsigned reason)
{
    if (which == &domain)
        shut_down = 100 + reason;
    else
        shut_down_other = 100 + reason;
    which->ended = true;
}

void domain_end(struct hv_vcpu *vcpu, unsigned reason)
{
    vcpu->vcpu.diverted = true;
    domain_shut_down(vcpu_domain(vcpu), reason);
}

uint64_t time_now(void)
{
    return now;
}

void time_update_vcpu(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    updates++;
}

void time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline)
{
    assert_ptr_equal(vcpu, caller);
    singleshot = deadline;
}

void time_stop_singleshot(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    singleshot = 0;
}

void time_set_periodic(struct hv_vcpu *vcpu, uint64_t period)
{
    (void)vcpu;
    periodic = period;
}

void time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline)
{
    (void)vcpu;
    poll_deadline = deadline;
}

void time_stop_poll(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    poll_deadline = 0;
}

void time_set_watchdog(struct hv_domain *which, unsigned id, uint32_t seconds)
{
    assert_ptr_equal(which, &domain);
    assert_true(id < WATCHDOGS);
    watchdogs[id] = seconds;
}

bool time_has_watchdog(const struct hv_domain *which, unsigned id)
{
    assert_ptr_equal(which, &domain);
    return watchdogs[id];
}

void event_unmask_upcalls(struct hv_vcpu *vcpu)
{
    vcpu->info->evtchn_upcall_mask = 0;
}

void event_recheck(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu->info, info_frame + 64);
    rechecks++;
}

/* Ports 1 to 63 are in use. */
bool event_is_open(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port > 0 && port < 64;
}

bool event_is_pending(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port < 64 && pending[port];
}

uint32_t apic_id(void)
{
    return 9;
}

/*
 * ---- A guest.
 */

static void make(enum width width)
{
    memset(&domain, 0, sizeof(domain));
    memset(&other, 0, sizeof(other));
    memset(vcpus, 0, sizeof(vcpus));
    memset(infos, 0, sizeof(infos));
    memset(pending, 0, sizeof(pending));
    memset(watchdogs, 0, sizeof(watchdogs));
    memset(memory, 0xa5, sizeof(memory));
    domain.domain =
        (struct domain){.machine = &machine, .id = DOMID(0), .width = width, .vcpus = table, .nr_vcpus = VCPUS};
    other.domain = (struct domain){.machine = &machine, .id = DOMID(1)};
    for (unsigned i = 0; i < VCPUS; i++) {
        table[i] = &vcpus[i].vcpu;
        vcpus[i].vcpu.domain = &domain.domain;
        vcpus[i].vcpu.id = i;
        vcpus[i].frame = &frames[i];
        vcpus[i].info = &infos[i];
        vcpus[i].info_frame = MFN_NONE;
        vcpus[i].run.down = i > 0;
        vcpus[i].initialised = i == 0;
        infos[i].evtchn_upcall_mask = 1;
    }
    caller = &vcpus[0];
    now = 5000;
    memory_is_gone = false;
    shut_down = shut_down_other = yields = blocks = stopped = started = woken = destroyed = updates = rechecks = 0;
    trap_calls = gdt_frames = 0;
    hold_error = gdt_error = ldt_error = trap_error = root_error = 0;
    extended_is_good = true;
    singleshot = periodic = poll_deadline = 0;
    while_blocked = NULL;
}

static int set_up_64(void **state)
{
    (void)state;
    make(WIDTH_64);
    return 0;
}

static int set_up_32(void **state)
{
    (void)state;
    make(WIDTH_PAE);
    return 0;
}

static bool is_wide(void)
{
    return domain.domain.width == WIDTH_64;
}

static int64_t vcpu_op(uint64_t command, uint64_t id, uint64_t arg)
{
    const uint64_t args[6] = {command, id, arg};

    return call_vcpu_op(caller, args);
}

static int64_t sched_op(uint64_t command, const void *structure, size_t size)
{
    const uint64_t args[6] = {command, MEMORY};

    if (size)
        memcpy(memory, structure, size);
    return call_sched_op(caller, args);
}

/*
 * ---- vcpu_op.
 */

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 0, 0), 1);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_is_up, VCPUS, 0), -XEN_ENOENT);
    assert_int_equal(vcpu_op(VCPUOP_is_up, UINT32_MAX, 0), -XEN_ENOENT);
    assert_int_equal(vcpu_op(14, 0, 0), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(UINT32_MAX, 0, 0), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(14, VCPUS, 0), -XEN_ENOENT);
    memory_is_gone = true;
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_get_runstate_info, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, MEMORY), -XEN_EFAULT);
    assert_int_equal(objects, 0);
}

static void test_up_and_down(void **state)
{
    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_up, 1, 0), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_down, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_up, 0, 0), 0);
    assert_int_equal(started, 0);
    vcpus[1].initialised = true;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_up, 1, 0), 0);
    assert_int_equal(started, 2);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 1);
    assert_int_equal(vcpu_op(VCPUOP_down, 0, 0), 0);
    assert_int_equal(stopped, 1);
    assert_int_equal(shut_down, 0);
    assert_int_equal(vcpu_op(VCPUOP_down, 1, 0), 0); /* the last */
    assert_int_equal(shut_down, 100 + END_LAST_VCPU);
}

static void test_runstate(void **state)
{
    const struct vcpu_runstate_info *wide = (const void *)memory;
    const struct compat_vcpu_runstate_info *compat = (const void *)memory;
    uint64_t area = MEMORY + 512, bad = is_wide() ? UINT64_C(0xffff800000000000) : 0xf6000000;
    size_t size = is_wide() ? 48 : 44;

    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_get_runstate_info, 2, MEMORY), 0);
    if (is_wide()) {
        assert_true(wide->state == 2 && wide->state_entry_time == 1001 && wide->time[3] == 1005);
    } else {
        assert_true(compat->state == 2 && compat->state_entry_time == 1001 && compat->time[3] == 1005);
    }
    assert_int_equal(memory[size], 0xa5);
    memcpy(memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, MEMORY), 0);
    assert_true(vcpus[2].run.area == area);
    assert_int_equal(memory[512], 2);
    assert_int_equal(memory[512 + size], 0xa5);
    memcpy(memory, &bad, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, MEMORY), -XEN_EFAULT);
    assert_true(vcpus[2].run.area == area);
    area = 0;
    memcpy(memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, MEMORY), 0);
    assert_true(vcpus[2].run.area == 0);
    area = 0x5000; /* nothing is mapped there */
    memcpy(memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, MEMORY), 0);
    assert_true(vcpus[2].run.area == area);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, MEMORY), 0);
    assert_true(vcpus[1].time.area == area);
    assert_int_equal(updates, 1);
    memcpy(memory, &bad, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, MEMORY), -XEN_EFAULT);
    assert_true(vcpus[1].time.area == area);
}

static void set_memory_singleshot(uint64_t timeout, uint32_t flags)
{
    memcpy(memory, &timeout, 8);
    memcpy(memory + 8, &flags, 4);
}

static void test_timers(void **state)
{
    static const struct {
        uint64_t period;
        int64_t result;
    } periods[] = {{0, -XEN_EINVAL},
                   {999999, -XEN_EINVAL},
                   {1000000, 0},
                   {(UINT64_C(1) << 62) - 1, 0},
                   {UINT64_C(1) << 62, -XEN_EINVAL},
                   {INT64_MAX, -XEN_EINVAL},
                   {UINT64_C(1) << 63, -XEN_EINVAL},
                   {UINT64_MAX, -XEN_EINVAL}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(periods); i++) {
        memcpy(memory, &periods[i].period, 8);
        assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 1, MEMORY), periods[i].result);
        if (periods[i].result == 0)
            assert_true(periodic == periods[i].period);
    }
    assert_int_equal(vcpu_op(VCPUOP_stop_periodic_timer, 1, 0), 0);
    assert_true(periodic == 0);

    set_memory_singleshot(4000, 0);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 1, MEMORY), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, MEMORY), 0);
    assert_true(singleshot == 4000);
    set_memory_singleshot(4500, VCPU_SSHOTTMR_future);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, MEMORY), -XEN_ETIME);
    assert_true(singleshot == 4000);
    set_memory_singleshot(6000, VCPU_SSHOTTMR_future);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, MEMORY), 0);
    assert_true(singleshot == 6000);
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
    assert_true(singleshot == 0);
}

static int64_t register_info(uint64_t mfn, uint32_t offset)
{
    const struct vcpu_register_vcpu_info wanted = {.mfn = mfn, .offset = offset};

    memcpy(memory, &wanted, sizeof(wanted));
    return vcpu_op(VCPUOP_register_vcpu_info, 1, MEMORY);
}

static void test_register_info(void **state)
{
    (void)state;
    assert_int_equal(register_info(INFO_FRAME, 4096 - 63), -XEN_ENXIO);
    assert_int_equal(register_info(INFO_FRAME, 4096 - 56), -XEN_ENXIO);
    assert_int_equal(register_info(INFO_FRAME, 2), -XEN_ENXIO);
    assert_int_equal(register_info(INFO_FRAME, UINT32_MAX - 63), -XEN_ENXIO);
    hold_error = -XEN_EACCES;
    assert_int_equal(register_info(INFO_FRAME, 64), -XEN_EACCES);
    assert_ptr_equal(vcpus[1].info, &infos[1]);
    assert_true(mfn_is_none(vcpus[1].info_frame));
    hold_error = 0;
    infos[1].arch.cr2 = 0x1234;
    assert_int_equal(register_info(INFO_FRAME, 64), 0);
    assert_int_equal(held.v, INFO_FRAME);
    assert_ptr_equal(vcpus[1].info, info_frame + 64);
    assert_int_equal(vcpus[1].info->arch.cr2, 0x1234);
    assert_int_equal(vcpus[1].info->evtchn_upcall_mask, 1);
    assert_int_equal(rechecks, 1);
    assert_int_equal(updates, 1);
    assert_int_equal(register_info(INFO_FRAME, 128), -XEN_EINVAL);
    assert_ptr_equal(vcpus[1].info, info_frame + 64);
}

static void test_nmi_and_physid(void **state)
{
    uint64_t physid;

    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 0, 1), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 0, 0), 0);
    assert_true(vcpus[0].bounce.nmi_pending);
    assert_int_equal(woken, 1);
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 1, 0), 0);
    assert_true(vcpus[1].bounce.nmi_pending);
    assert_int_equal(woken, 1);
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, MEMORY), -XEN_EINVAL);
    domain.initial = true;
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, MEMORY), 0);
    memcpy(&physid, memory, 8);
    assert_int_equal(physid, 9);
    memory_is_gone = true;
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, MEMORY), -XEN_EFAULT);
}

/*
 * ---- VCPUOP_initialise.
 */

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
        memcpy(memory, &context, sizeof(context));
    else
        memcpy(memory, &compat_context, sizeof(compat_context));
    return vcpu_op(VCPUOP_initialise, id, MEMORY);
}

static void test_initialise(void **state)
{
    struct hv_vcpu *vcpu = &vcpus[1];

    (void)state;
    make_context();
    assert_int_equal(initialise(0), -XEN_EEXIST);
    assert_int_equal(initialise(1), 0);
    assert_int_equal(objects, 0);
    assert_true(vcpu->initialised && vcpu->run.down && !vcpu->vcpu.user_mode);
    assert_int_equal(destroyed, 0);
    assert_int_equal(roots[0].v, 0x123456);
    assert_true(mfn_is_none(roots[1]));
    assert_true(gdt_entries == 512 && first_gdt_frame.v == 1234);
    assert_true(ldt_base == 0x4000 && ldt_entries == 5);
    assert_int_equal(trap_calls, 256);
    assert_true(vcpu->vcpu.traps[14].address == 0x3000 && vcpu->vcpu.traps[3].address == 0);
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

static void test_initialise_fpu(void **state)
{
    (void)state;
    make_context();
    context.flags |= VGCF_i387_valid;
    extended_is_good = false;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    assert_false(vcpus[1].initialised);
    assert_int_equal(destroyed, 1);
    extended_is_good = true;
    assert_int_equal(initialise(1), 0);
    assert_int_equal(extended_first, 0x77);
}

/* Whatever the engine refuses, the vCPU is as before, and another try may succeed. */
static void test_initialise_refused(void **state)
{
    int *const errors[] = {&gdt_error, &ldt_error, &trap_error, &root_error};

    (void)state;
    make_context();
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        *errors[i] = -XEN_EINVAL;
        assert_int_equal(initialise(1), -XEN_EINVAL);
        assert_int_equal(destroyed, i + 1);
        assert_false(vcpus[1].initialised);
        assert_int_equal(vcpus[1].frame->rip, frames[1].rip);
        assert_int_equal(objects, 0);
        *errors[i] = 0;
    }
    context.gdt_ents = 8193;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    assert_int_equal(destroyed, 4);
    context.gdt_ents = 1;
    vcpus[1].info = NULL;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    vcpus[1].info = &infos[1];
    assert_int_equal(initialise(1), 0);
}

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
    assert_int_equal(destroyed, 0);
}

static void test_initialise_in_user_mode(void **state)
{
    (void)state;
    make_context();
    context.flags = VGCF_syscall_disables_events;
    assert_int_equal(initialise(1), -XEN_EINVAL);
    context.ctrlreg[1] = xen_pfn_to_cr3(0x654321);
    assert_int_equal(initialise(1), 0);
    assert_int_equal(roots[1].v, 0x654321);
    assert_true(vcpus[1].vcpu.user_mode);
    assert_true(vcpus[1].state.gs_base == 0xd000 && vcpus[1].state.gs_base_inactive == 0xc000);
    assert_true(vcpus[1].bounce.syscall.mask_events && !vcpus[1].bounce.failsafe.mask_events);
}

/*
 * ---- sched_op.
 */

static void test_yield_and_block(void **state)
{
    const uint64_t compat_args[6] = {SCHEDOP_block};

    (void)state;
    assert_int_equal(sched_op(SCHEDOP_yield, NULL, 0), 0);
    assert_int_equal(yields, 1);
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(blocks, 1);
    assert_int_equal(infos[0].evtchn_upcall_mask, 0);
    infos[0].evtchn_upcall_mask = 1;
    infos[0].evtchn_upcall_pending = 1;
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(blocks, 1);
    infos[0].evtchn_upcall_pending = 0;
    vcpus[0].bounce.nmi_pending = true;
    assert_int_equal(sched_op(SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(blocks, 1);
    vcpus[0].bounce.nmi_blocked = true;
    assert_int_equal(call_sched_op_compat(caller, compat_args), 0);
    assert_int_equal(blocks, 2);
    assert_int_equal(sched_op(8, NULL, 0), -XEN_ENOSYS);
    assert_int_equal(sched_op(UINT32_MAX, NULL, 0), -XEN_ENOSYS);
}

static void test_shutdown(void **state)
{
    struct sched_shutdown shutdown = {SHUTDOWN_reboot};
    uint64_t compat_args[6] = {SCHEDOP_shutdown, SHUTDOWN_suspend};

    (void)state;
    memory_is_gone = true;
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), -XEN_EFAULT);
    assert_int_equal(sched_op(SCHEDOP_shutdown_code, &shutdown, sizeof(shutdown)), -XEN_EFAULT);
    memory_is_gone = false;
    assert_int_equal(sched_op(SCHEDOP_shutdown_code, &shutdown, sizeof(shutdown)), 0);
    assert_true(domain.reason_noted && domain.noted_reason == SHUTDOWN_reboot);
    assert_int_equal(shut_down, 0);
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), 0);
    assert_int_equal(shut_down, 100 + SHUTDOWN_reboot);
    assert_true(vcpus[0].vcpu.diverted);
    shutdown.reason = SHUTDOWN_MAX + 1;
    assert_int_equal(sched_op(SCHEDOP_shutdown, &shutdown, sizeof(shutdown)), 0);
    assert_int_equal(shut_down, 100 + SHUTDOWN_crash);
    assert_int_equal(call_sched_op_compat(caller, compat_args), 0);
    assert_int_equal(shut_down, 100 + SHUTDOWN_suspend);
    compat_args[0] = SCHEDOP_poll;
    assert_int_equal(call_sched_op_compat(caller, compat_args), -XEN_ENOSYS);
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
    now += 1000;
}

static void let_port_be_raised(void)
{
    if (blocks == 3) /* twice for nothing */
        pending[17] = true;
}

static void test_poll(void **state)
{
    uint32_t *ports = (uint32_t *)(void *)(memory + 1024);
    const uint64_t address = MEMORY + 1024;

    (void)state;
    for (unsigned i = 0; i < 128; i++)
        ports[i] = 1;
    ports[1] = 17;
    assert_int_equal(poll(address, 129, 1), -XEN_EINVAL);
    assert_int_equal(poll(MEMORY + sizeof(memory), 1, 1), -XEN_EFAULT);
    ports[0] = 64;
    assert_int_equal(poll(address, 1, 1), -XEN_EINVAL);
    assert_int_equal(poll(address, 2, 1), -XEN_EINVAL);
    ports[0] = 0;
    assert_int_equal(poll(address, 1, 1), -XEN_EINVAL);
    ports[0] = 1;
    assert_int_equal(poll(address, 128, 1), 0); /* the time has passed */
    assert_int_equal(blocks, 0);
    while_blocked = let_time_pass;
    assert_int_equal(poll(address, 2, now + 2500), 0);
    assert_int_equal(blocks, 3);
    assert_false(vcpus[0].run.polling);
    assert_true(poll_deadline == 0);
    blocks = 0;
    while_blocked = let_port_be_raised;
    assert_int_equal(poll(address, 2, 0), 0);
    assert_int_equal(blocks, 3);
    assert_int_equal(poll(address, 2, 0), 0); /* is pending */
    assert_int_equal(blocks, 3);
    infos[0].evtchn_upcall_pending = 1;
    infos[0].evtchn_upcall_mask = 0;
    assert_int_equal(poll(address, 1, 0), 0); /* something else is to be delivered */
    assert_int_equal(blocks, 3);
}

static int64_t watchdog(uint32_t id, uint32_t timeout)
{
    const struct sched_watchdog op = {id, timeout};

    return sched_op(SCHEDOP_watchdog, &op, sizeof(op));
}

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
    assert_true(watchdogs[0] == 40 && watchdogs[1] == 20);
    assert_int_equal(watchdog(1, 0), 0);
    assert_true(watchdogs[0] == 0);
    assert_int_equal(watchdog(0, 50), 1);
}

static void test_privileges(void **state)
{
    struct sched_remote_shutdown remote = {.domain_id = 1, .reason = SHUTDOWN_poweroff};
    struct sched_pin_override pin = {0};

    (void)state;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_EPERM);
    domain.domain.privileged = true;
    remote.domain_id = 2;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_ESRCH);
    remote.domain_id = DOMID_SELF;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_ESRCH);
    remote.domain_id = 0; /* itself */
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), -XEN_EPERM);
    remote.domain_id = 1;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown, &remote, sizeof(remote)), 0);
    assert_true(shut_down_other == 100 + SHUTDOWN_poweroff && shut_down == 0);
    memory_is_gone = true;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, 0), -XEN_EFAULT);
    memory_is_gone = false;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), 0);
    pin.pcpu = -1;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), 0);
    pin.pcpu = 1;
    assert_int_equal(sched_op(SCHEDOP_pin_override, &pin, sizeof(pin)), -XEN_EINVAL);
}

int main(void)
{
#define BOTH(test) cmocka_unit_test_setup(test, set_up_64), cmocka_unit_test_setup(test, set_up_32)
    const struct CMUnitTest tests[] = {
        BOTH(test_errors),
        BOTH(test_up_and_down),
        BOTH(test_runstate),
        BOTH(test_timers),
        BOTH(test_register_info),
        BOTH(test_nmi_and_physid),
        BOTH(test_initialise),
        BOTH(test_initialise_fpu),
        BOTH(test_initialise_refused),
        cmocka_unit_test_setup(test_initialise_addresses, set_up_64),
        cmocka_unit_test_setup(test_initialise_in_user_mode, set_up_64),
        BOTH(test_yield_and_block),
        BOTH(test_shutdown),
        BOTH(test_poll),
        BOTH(test_watchdogs),
        BOTH(test_privileges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
