/* SPDX-License-Identifier: MIT */
/* Time spent in each state, and the area that the guest may have asked for: abi/vcpu.h. */
#include <engine/access.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

static void account(struct vcpu_runstate_info *info, uint64_t now)
{
    info->time[info->state] += now - info->state_entry_time;
    info->state_entry_time = now;
}

void runstate_init(struct hv_vcpu *vcpu)
{
    vcpu->run.info.state = RUNSTATE_offline;
    vcpu->run.info.state_entry_time = time_now();
}

void runstate_set(struct hv_vcpu *vcpu, unsigned state)
{
    account(&vcpu->run.info, time_now());
    vcpu->run.info.state = (int32_t)state;
}

/* Wants to run from now on: whoever is to look, looks.  Returns the processor that has to be told. */
static unsigned make_runnable(struct hv_vcpu *vcpu)
{
    unsigned cpu = fair_wake(vcpu);

    runstate_set(vcpu, RUNSTATE_runnable);
    return cpu;
}

void runstate_wake_from(struct hv_vcpu *vcpu, int state)
{
    bool wakes;
    unsigned cpu = 0;

    lock_take(&fair_lock);
    wakes = vcpu->run.info.state == state;
    if (wakes)
        cpu = make_runnable(vcpu);
    lock_drop(&fair_lock);
    if (wakes && cpu != cpu_here()->id)
        cpu_kick(cpu);
}

void runstate_wake(struct hv_vcpu *vcpu)
{
    runstate_wake_from(vcpu, RUNSTATE_blocked);
}

struct vcpu_runstate_info runstate_read(const struct hv_vcpu *vcpu)
{
    struct vcpu_runstate_info info;
    uint64_t entered;

    lock_take(&fair_lock);
    info = vcpu->run.info;
    lock_drop(&fair_lock);
    entered = info.state_entry_time;
    account(&info, time_now());
    info.state_entry_time = entered;
    return info;
}

/* Failure only means that the guest cannot be reached where it wanted to be: in user mode, or not mapped. */
void runstate_show(struct hv_vcpu *vcpu)
{
    struct vcpu_runstate_info info = vcpu->run.info;
    struct compat_vcpu_runstate_info compat = {.state = info.state};
    bool shown;

    if (!vcpu->run.area || vcpu->engine.user_mode)
        return;
    if (hv_vcpu_is_64bit(vcpu)) {
        shown = access_write(&vcpu->engine, VADDR(vcpu->run.area), &info, sizeof(info));
    } else {
        memcpy(&compat.state_entry_time, &info.state_entry_time, sizeof(info.state_entry_time) + sizeof(info.time));
        shown = access_write(&vcpu->engine, VADDR(vcpu->run.area), &compat, sizeof(compat));
    }
    (void)shown;
}
