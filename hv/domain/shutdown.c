/* SPDX-License-Identifier: MIT */
/* The first reason for an end counts; a bad end is told with a report of where the guest was. */
#include <stdarg.h>

#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/domain/report.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>

void shutdown_domain(struct hv_domain *domain, unsigned reason)
{
    if (domain->ended)
        return;
    domain->end_reason = domain->reason_noted ? domain->noted_reason : reason;
    __atomic_store_n(&domain->ended, true, __ATOMIC_SEQ_CST);
    hv_vcpu_give_way(); /* the vCPU that runs may be another domain's */
    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++)
        runstate_interrupt(hv_vcpu_of(domain->vcpus[i]));
}

void shutdown_destroy(struct hv_domain *domain)
{
    if (!domain->ended)
        domain->reason_noted = false;
    shutdown_domain(domain, END_DESTROYED);
}

const char *shutdown_words(unsigned reason)
{
    static const char *const words[] = {
        [SHUTDOWN_poweroff] = "powered off",
        [SHUTDOWN_reboot] = "wants to reboot",
        [SHUTDOWN_suspend] = "asked to be suspended, which is not possible",
        [SHUTDOWN_crash] = "crashed",
        [SHUTDOWN_watchdog] = "was ended by its watchdog",
        [SHUTDOWN_soft_reset] = "asked to start again with its memory kept, which is not possible",
        [END_LAST_VCPU] = "has ended because its last vCPU went down",
        [END_DESTROYED] = "was destroyed",
    };

    return words[reason];
}

bool shutdown_is_good(unsigned reason)
{
    return reason == SHUTDOWN_poweroff || reason == SHUTDOWN_reboot;
}

void shutdown_by_guest(struct hv_vcpu *vcpu, unsigned reason)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);

    vcpu->engine.diverted = true;
    if (domain->ended)
        return;
    shutdown_domain(domain, reason);
    if (shutdown_is_good(domain->end_reason))
        return;
    print("domain %u (%s) %s, by a call of its own\n", domain->engine.id.v, domain->name,
          shutdown_words(domain->end_reason));
    report_guest(vcpu);
}

void shutdown_by_watchdog(struct hv_domain *domain)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    if (domain->ended)
        return;
    shutdown_domain(domain, SHUTDOWN_watchdog);
    if (shutdown_is_good(domain->end_reason))
        return;
    print("domain %u (%s) %s: it was not started anew in time\n", domain->engine.id.v, domain->name,
          shutdown_words(domain->end_reason));
    /* Of others than the one that ran last the stack cannot be read. */
    if (vcpu && hv_vcpu_domain(vcpu) == domain)
        report_guest(vcpu);
}

/* A way to the guest's kernel that does not go is found without the house's lock, a bad call with it. */
void shutdown_crash(struct hv_vcpu *vcpu, const char *format, ...)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    bool entered = house_enter_if_out();
    va_list args;

    vcpu->engine.diverted = true;
    if (!domain->ended) {
        print("domain %u (%s) crashed: ", domain->engine.id.v, domain->name);
        va_start(args, format);
        print_list(format, args);
        va_end(args);
        print("\n");
        report_guest(vcpu);
        shutdown_domain(domain, SHUTDOWN_crash);
    }
    house_leave_if(entered);
}
