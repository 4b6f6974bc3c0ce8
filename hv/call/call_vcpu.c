/* SPDX-License-Identifier: MIT */
/* vcpu_op, in order: up and down; the runstate; timers; the vcpu_info and other places; the call. */
#include <abi/errno.h>
#include <abi/sched.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/base/string.h>
#include <hv/call/calls.h>
#include <hv/call/vcpu_initialise.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define PERIOD_LEAST UINT64_C(1000000) /* ns */
#define PERIOD_MOST  (UINT64_MAX >> 2)

static int64_t do_initialise(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    return vcpu_initialise(caller, vcpu, arg);
}

static int64_t do_up(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)caller;
    (void)arg;
    if (!vcpu->initialised)
        return call_refuse(-XEN_EINVAL, WHY_VCPU_NOT_INITIALISED, vcpu->engine.id);
    if (vcpu->run.down) {
        vcpu_time_update(vcpu);
        sched_start(vcpu);
    }
    return 0;
}

static bool is_up(const struct hv_vcpu *vcpu)
{
    return vcpu->initialised && !vcpu->run.down;
}

static bool is_last_up(const struct hv_vcpu *vcpu)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);

    for (uint64_t i = 0; i < domain->engine.nr_vcpus; i++) {
        const struct hv_vcpu *other = hv_vcpu_find(domain, i);

        if (other != vcpu && is_up(other))
            return false;
    }
    return true;
}

static int64_t do_down(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)caller;
    (void)arg;
    if (!is_up(vcpu))
        return 0;
    if (is_last_up(vcpu))
        shutdown_by_guest(caller, END_LAST_VCPU);
    else
        sched_stop(vcpu);
    return 0;
}

/* One that another has brought down may still be on its way there: until then its guest's code runs. */
static bool runs(const struct hv_vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->run.info.state, __ATOMIC_ACQUIRE) == RUNSTATE_running;
}

static int64_t do_is_up(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)caller;
    (void)arg;
    return is_up(vcpu) || runs(vcpu);
}

/*
 * ---- The runstate.
 */

static size_t runstate_size(const struct hv_vcpu *vcpu)
{
    return hv_vcpu_is_64bit(vcpu) ? sizeof(struct vcpu_runstate_info) : sizeof(struct compat_vcpu_runstate_info);
}

static bool write_runstate(struct hv_vcpu *caller, const struct hv_vcpu *vcpu, vaddr_t place)
{
    const struct vcpu_runstate_info info = runstate_read(vcpu);
    struct compat_vcpu_runstate_info compat = {.state = info.state, .state_entry_time = info.state_entry_time};
    const void *from = hv_vcpu_is_64bit(vcpu) ? (const void *)&info : &compat;

    for (unsigned i = 0; i < ARRAY_SIZE(info.time); i++)
        compat.time[i] = info.time[i];
    return access_write(&caller->engine, place, from, runstate_size(vcpu));
}

static int64_t do_get_runstate_info(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    return write_runstate(caller, vcpu, arg) ? 0 : call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
}

/*
 * The address of an area of @size bytes.  The structures of both widths and of both areas are 8 bytes of which a 32-bit
 * guest fills in the first 4.
 */
static int read_area(struct hv_vcpu *caller, vaddr_t arg, size_t size, uint64_t *area)
{
    if (!access_read_word(&caller->engine, area, arg))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if (*area && !access_range_ok(caller->engine.domain, VADDR(*area), size))
        return call_refuse(-XEN_EFAULT, WHY_AREA, *area);
    return 0;
}

/* What cannot be written now is written when it can. */
static int64_t do_register_runstate_memory_area(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    uint64_t area;
    int error = read_area(caller, arg, runstate_size(vcpu), &area);
    bool written;

    if (error)
        return error;
    vcpu->run.area = area;
    written = area && write_runstate(caller, vcpu, VADDR(area));
    (void)written;
    return 0;
}

/*
 * ---- Timers.
 */

static int64_t do_set_periodic_timer(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct vcpu_set_periodic_timer timer;

    if (!access_read(&caller->engine, &timer, arg, sizeof(timer)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if (timer.period_ns < PERIOD_LEAST || timer.period_ns > PERIOD_MOST)
        return call_refuse(-XEN_EINVAL, WHY_TIMER_PERIOD, timer.period_ns);
    vcpu_time_set_periodic(vcpu, timer.period_ns);
    return 0;
}

static int64_t do_stop_periodic_timer(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)caller;
    (void)arg;
    vcpu_time_set_periodic(vcpu, 0);
    return 0;
}

static bool read_singleshot(struct hv_vcpu *caller, vaddr_t arg, struct vcpu_set_singleshot_timer *timer)
{
    struct compat_vcpu_set_singleshot_timer compat;

    if (hv_vcpu_is_64bit(caller))
        return access_read(&caller->engine, timer, arg, sizeof(*timer));
    if (!access_read(&caller->engine, &compat, arg, sizeof(compat)))
        return false;
    *timer = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = compat.timeout_abs_ns, .flags = compat.flags};
    return true;
}

static int64_t do_set_singleshot_timer(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct vcpu_set_singleshot_timer timer;

    if (caller != vcpu)
        return call_refuse(-XEN_EINVAL, WHY_TIMER_OTHER_VCPU, vcpu->engine.id);
    if (!read_singleshot(caller, arg, &timer))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if ((timer.flags & VCPU_SSHOTTMR_future) && timer.timeout_abs_ns < time_now())
        return call_refuse(-XEN_ETIME, WHY_TIMER_PAST, timer.timeout_abs_ns);
    vcpu_time_set_singleshot(vcpu, timer.timeout_abs_ns);
    return 0;
}

static int64_t do_stop_singleshot_timer(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)arg;
    if (caller != vcpu)
        return call_refuse(-XEN_EINVAL, WHY_TIMER_OTHER_VCPU, vcpu->engine.id);
    vcpu_time_stop_singleshot(vcpu);
    return 0;
}

/*
 * ---- Places.
 */

static int check_info_place(const struct hv_vcpu *vcpu, uint32_t offset)
{
    uint32_t alignment = hv_vcpu_is_64bit(vcpu) ? _Alignof(uint64_t) : _Alignof(uint32_t);

    if (offset % alignment || offset > PAGE_SIZE - sizeof(struct vcpu_info))
        return call_refuse(-XEN_ENXIO, WHY_INFO_PLACE, offset);
    return 0;
}
_Static_assert(sizeof(struct vcpu_info) == sizeof(struct compat_vcpu_info), "vcpu_info of both widths");

/* The frame stays held until the domain's end, so that nothing but data can ever be where the hypervisor writes. */
static int64_t do_register_vcpu_info(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct vcpu_register_vcpu_info wanted;
    void *place;
    int error;

    if (!access_read(&caller->engine, &wanted, arg, sizeof(wanted)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    error = check_info_place(vcpu, wanted.offset);
    if (error)
        return error;
    if (!mfn_is_none(vcpu->info_frame))
        return call_refuse(-XEN_EINVAL, WHY_INFO_MOVED, vcpu->engine.id);
    error = domain_hold_writable(&hv_vcpu_domain(vcpu)->engine, MFN(wanted.mfn));
    if (error)
        return error;
    place = (uint8_t *)port_frame_map(MFN(wanted.mfn)) + wanted.offset;
    memcpy(place, vcpu->info, sizeof(*vcpu->info));
    vcpu->info = place;
    vcpu->info_frame = MFN(wanted.mfn);
    event_recheck(vcpu);
    vcpu_time_move(vcpu);
    return 0;
}

static int64_t do_register_vcpu_time_memory_area(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    uint64_t area;
    int error = read_area(caller, arg, sizeof(struct vcpu_time_info), &area);

    if (error)
        return error;
    vcpu->time.area = area;
    vcpu_time_move(vcpu);
    return 0;
}

/*
 * ---- The rest.
 */

static int64_t do_send_nmi(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)caller;
    if (arg.v)
        return call_refuse(-XEN_EINVAL, WHY_NMI_ARGUMENT, arg.v);
    bounce_request_nmi(vcpu);
    if (is_up(vcpu))
        runstate_wake(vcpu);
    return 0;
}

/* Only the domain that owns the machine may know of the processors beneath it. */
static int64_t do_get_physid(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg)
{
    const cpumask_t allowed = sched_allowed(vcpu);
    struct vcpu_get_physid physid;
    const struct cpu *cpu;

    if (!hv_vcpu_domain(vcpu)->initial)
        return call_refuse(-XEN_EINVAL, WHY_NOT_INITIAL, vcpu->engine.domain->id.v);
    if (allowed.bits & (allowed.bits - 1))
        return call_refuse(-XEN_EINVAL, WHY_NOT_BOUND, vcpu->engine.id);
    cpu = cpu_find((unsigned)__builtin_ctzll(allowed.bits));
    physid.phys_id = (uint64_t)cpu->acpi << 32 | cpu->apic;
    if (!access_write(&caller->engine, arg, &physid, sizeof(physid)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    return 0;
}

typedef int64_t command_fn(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t arg);

static command_fn *const commands[] = {
    [VCPUOP_initialise] = do_initialise,
    [VCPUOP_up] = do_up,
    [VCPUOP_down] = do_down,
    [VCPUOP_is_up] = do_is_up,
    [VCPUOP_get_runstate_info] = do_get_runstate_info,
    [VCPUOP_register_runstate_memory_area] = do_register_runstate_memory_area,
    [VCPUOP_set_periodic_timer] = do_set_periodic_timer,
    [VCPUOP_stop_periodic_timer] = do_stop_periodic_timer,
    [VCPUOP_set_singleshot_timer] = do_set_singleshot_timer,
    [VCPUOP_stop_singleshot_timer] = do_stop_singleshot_timer,
    [VCPUOP_register_vcpu_info] = do_register_vcpu_info,
    [VCPUOP_send_nmi] = do_send_nmi,
    [VCPUOP_get_physid] = do_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = do_register_vcpu_time_memory_area,
};

int64_t call_vcpu_op(struct hv_vcpu *caller, const uint64_t args[6])
{
    uint32_t number = (uint32_t)args[0];
    command_fn *command = TABLE_FIND(commands, number);
    struct hv_vcpu *vcpu = hv_vcpu_find(hv_vcpu_domain(caller), (uint32_t)args[1]);

    if (!vcpu && number == VCPUOP_is_up)
        return -XEN_ENOENT; /* no refusal, but the answer that a kernel waits for which counts its vCPUs so */
    if (!vcpu)
        return call_refuse(-XEN_ENOENT, WHY_NO_VCPU, (uint32_t)args[1]);
    return command ? command(caller, vcpu, VADDR(args[2])) : call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
}
