/* SPDX-License-Identifier: MIT */
/* Time spent in each state, and the area that the guest may have asked for: abi/vcpu.h. */
#include <engine/access.h>
#include <engine/check.h>
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

void runstate_set(struct hv_vcpu *vcpu, unsigned state, uint64_t now)
{
    account(&vcpu->run.info, now);
    vcpu->run.info.state = (int32_t)state;
}

/* Once fair_lock is dropped, so that whoever comes does not have to wait for it. */
static void kick_unless_here(unsigned cpu)
{
    if (cpu != cpu_here()->id)
        cpu_kick(cpu);
}

/* Wants to run from now on: whoever is to look, looks.  Returns the processor that has to be told. */
static unsigned make_runnable(struct hv_vcpu *vcpu)
{
    uint64_t now = time_now();
    unsigned cpu;

    ASSERT(lock_is_mine(&fair_lock));
    cpu = fair_wake(vcpu, now);
    runstate_set(vcpu, RUNSTATE_runnable, now);
    return cpu;
}

void runstate_start(struct hv_vcpu *vcpu)
{
    unsigned cpu = cpu_here()->id;

    lock_take(&fair_lock);
    vcpu->run.down = false;
    if (vcpu->run.info.state == RUNSTATE_offline)
        cpu = make_runnable(vcpu);
    lock_drop(&fair_lock);
    kick_unless_here(cpu);
}

/* It stays so for as long as this goes on: the lock is not needed. */
bool runstate_is_here(const struct hv_vcpu *vcpu)
{
    return cpu_here()->current == vcpu && cpu_here()->in_vcpu;
}

void runstate_wake(struct hv_vcpu *vcpu)
{
    unsigned cpu = cpu_here()->id;

    if (runstate_is_here(vcpu))
        return;
    lock_take(&fair_lock);
    if (vcpu->run.info.state == RUNSTATE_blocked)
        cpu = make_runnable(vcpu);
    else if (vcpu->run.info.state == RUNSTATE_running)
        cpu = vcpu->engine.cpu;
    lock_drop(&fair_lock);
    kick_unless_here(cpu);
}

void runstate_interrupt(struct hv_vcpu *vcpu)
{
    unsigned cpu = cpu_here()->id;

    __atomic_store_n(&vcpu->run.attention, true, __ATOMIC_SEQ_CST);
    lock_take(&fair_lock);
    if (vcpu->run.info.state == RUNSTATE_running)
        cpu = vcpu->engine.cpu;
    lock_drop(&fair_lock);
    kick_unless_here(cpu);
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
