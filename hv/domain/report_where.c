/* SPDX-License-Identifier: MIT */
/* Where guests are that go on and on, or wait: for whoever has to end them. */
#include <hv/base/print.h>
#include <hv/domain/event.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>

#define PORTS_SHOWN 8u

static const char *what_it_does(const struct hv_vcpu *vcpu)
{
    switch (vcpu->run.info.state) {
    case RUNSTATE_running:
        return "runs";
    case RUNSTATE_runnable:
        return "would run";
    case RUNSTATE_blocked:
        return vcpu->run.polling ? "waits in SCHEDOP_poll" : "waits in SCHEDOP_block";
    default:
        return "is down";
    }
}

static void print_vcpu(const struct hv_vcpu *vcpu)
{
    print("vCPU %u %s, in %s mode at rip %04lx:%016lx, rflags %lx, upcall %s, %s\n", vcpu->engine.id,
          what_it_does(vcpu), hv_vcpu_in_user_mode(vcpu) ? "user" : "kernel", vcpu->frame->cs & 0xffff,
          vcpu->frame->rip, vcpu->frame->rflags, vcpu->info->evtchn_upcall_pending ? "pending" : "not pending",
          vcpu->info->evtchn_upcall_mask ? "masked" : "not masked");
    if (vcpu->run.info.state == RUNSTATE_blocked)
        report_wait(vcpu);
    if (vcpu->run.started)
        report_vcpu(vcpu);
}

static void print_pending(const struct hv_domain *domain)
{
    unsigned shown = 0;

    print("ports with an event pending:");
    for (unsigned port = 0; port < event_ports(domain) && shown <= PORTS_SHOWN; port++) {
        if (!event_is_pending(domain, port))
            continue;
        if (shown++ < PORTS_SHOWN)
            print(" %u", port);
        else
            print(" ...");
    }
    print("%s\n", shown == 0 ? " none" : "");
}

static void print_domain(const struct hv_domain *domain)
{
    print("domain %u (%s) is here:\n", domain->engine.id.v, domain->name);
    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++)
        print_vcpu(hv_vcpu_of(domain->vcpus[i]));
    print_pending(domain);
}

void report_where(const struct machine *machine)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (domain)
            print_domain(domain);
    }
    print(REPORT_WHERE_END "\n");
}
