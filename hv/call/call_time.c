/* SPDX-License-Identifier: MIT */
/* set_timer_op */
#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define MISTAKE_AHEAD (UINT64_C(1) << 50) /* ns, 13 days: a time further ahead than this was not meant */
#define MISTAKE_DELAY UINT64_C(100000000) /* ns */

/* A 32-bit guest passes the time in two halves. */
static uint64_t timeout_of(const struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return hv_vcpu_is_64bit(vcpu) ? args[0] : (uint32_t)args[0] | args[1] << 32;
}

int64_t call_set_timer_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint64_t timeout = timeout_of(vcpu, args), now = time_now();

    if (timeout == 0)
        vcpu_time_stop_singleshot(vcpu);
    else if (timeout > now + MISTAKE_AHEAD) /* what is negative is far ahead, too */
        vcpu_time_set_singleshot(vcpu, now + MISTAKE_DELAY);
    else
        vcpu_time_set_singleshot(vcpu, timeout);
    return 0;
}
