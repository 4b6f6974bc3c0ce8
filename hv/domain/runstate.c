/* SPDX-License-Identifier: MIT */
/* Time spent in each state, and the area that the guest may have asked for: abi/vcpu.h. */
#include <engine/access.h>
#include <hv/base/string.h>
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

void runstate_wake(struct hv_vcpu *vcpu)
{
    if (vcpu->run.info.state != RUNSTATE_blocked)
        return;
    (void)fair_wake(vcpu);
    runstate_set(vcpu, RUNSTATE_runnable);
}

struct vcpu_runstate_info runstate_read(const struct hv_vcpu *vcpu)
{
    struct vcpu_runstate_info info = vcpu->run.info;
    uint64_t entered = info.state_entry_time;

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
