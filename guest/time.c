/* SPDX-License-Identifier: MIT */
/* Times read from shared pages by their versions, and the hypercalls of the single-shot timer. */
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/time.h>
#include <guest/vcpu.h>

static evtchn_port_t port;

/* (delta * 2^shift * mul) >> 32, with 96 bits between: the halves of delta by themselves. */
static uint64_t scale(uint64_t delta, int shift, uint32_t mul)
{
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return (delta >> 32) * mul + ((delta & 0xffffffff) * mul >> 32);
}

uint64_t time_from(const struct vcpu_time_info *info)
{
    uint32_t version;
    uint64_t now;

    do {
        version = READ_ONCE(info->version);
        barrier();
        now = READ_ONCE(info->system_time) + scale(rdtsc() - READ_ONCE(info->tsc_timestamp), READ_ONCE(info->tsc_shift),
                                                   READ_ONCE(info->tsc_to_system_mul));
        barrier();
    } while ((version & 1) || version != READ_ONCE(info->version));
    return now;
}

uint64_t time_now(void)
{
    return time_from(&vcpu_info_here()->time);
}

uint64_t time_wallclock(void)
{
    const shared_info_t *shared = guest.shared;
    uint32_t version;
    uint64_t seconds, nanoseconds;

    do {
        version = READ_ONCE(shared->wc_version);
        barrier();
        seconds = (uint64_t)READ_ONCE(shared->wc_sec_hi) << 32 | READ_ONCE(shared->wc_sec);
        nanoseconds = READ_ONCE(shared->wc_nsec);
        barrier();
    } while ((version & 1) || version != READ_ONCE(shared->wc_version));
    return seconds * 1000000000 + nanoseconds;
}

int timer_init(event_handler *handler)
{
    (void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL); /* Xen starts a vCPU with one */
    return event_bind_virq(VIRQ_TIMER, handler, &port);
}

evtchn_port_t timer_port(void)
{
    return port;
}

int timer_set(uint64_t deadline)
{
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = deadline};

    return (int)hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer);
}

int timer_stop(void)
{
    return (int)hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL);
}

uint64_t time_sleep_until(uint64_t deadline)
{
    uint64_t now;

    /* With events enabled the last one could come between the look at the clock and the wait, which had no end then. */
    for (event_disable(); (now = time_now()) < deadline; event_disable()) {
        if (timer_set(deadline))
            cpu_relax();
        else
            event_wait();
    }
    event_enable();
    return now - deadline;
}

void time_sleep(uint64_t duration)
{
    (void)time_sleep_until(time_now() + duration);
}
