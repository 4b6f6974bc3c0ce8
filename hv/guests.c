/* SPDX-License-Identifier: MIT */
/* In order: the audit; a guest's beginning and end; all of them. */
#include <engine/engine.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/domain/sched.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/guests.h>
#include <hv/kernel/bundle.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/service/console.h>
#include <hv/time/time.h>

#define NS_PER_US 1000u

/* Is a vCPU of another domain in the middle of an operation?  It holds frames that no recount explains. */
static bool is_busy(const struct machine *machine)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (machine->domains[i] && machine->domains[i]->operations > 0)
            return true;
    }
    return false;
}

/* With the word `audit`: is every count what a recount says, at this moment? */
static bool audit_passes(const struct machine *machine, const char *when)
{
    struct audit_finding finding = {0};

    if (!ram_audit_counts())
        return true;
    if (is_busy(machine)) {
        print("audit %s: not now, another domain is in the middle of an operation\n", when);
        return true;
    }
    if (audit_machine(machine, ram_audit_counts(), &finding)) {
        print("audit %s: every count is right\n", when);
        return true;
    }
    print("audit %s: %s, frame %lx: %lx expected, %lx found: this is a bug of the hypervisor\n", when,
          finding.invariant, finding.frame.v, finding.expected, finding.found);
    return false;
}

/* NULL: it cannot be built. */
static struct hv_domain *build(struct machine *machine, const struct bundle_domain *description)
{
    uint64_t began = time_now();
    const char *problem;
    struct hv_domain *domain = builder_build(machine, description, &problem);

    if (domain)
        print("domain %u (%s): built, and its tables validated, in %lu us\n", description->id, description->name,
              (time_now() - began) / NS_PER_US);
    else
        print("domain %u (%s) cannot be built: %s\n", description->id, description->name, problem);
    return domain;
}

/* What is left of the guest goes; returns its code. */
static unsigned finish(struct machine *machine, struct hv_domain *domain)
{
    unsigned reason = domain->end_reason;
    bool clean;

    print("domain %u (%s) %s\n", domain->engine.id.v, domain->name, shutdown_words(reason));
    clean = audit_passes(machine, "before its release");
    if (!hv_domain_release(domain))
        print("domain %u (%s): %lu of its frames are still in use, and stay until others have let go of them\n",
              domain->engine.id.v, domain->name, domain->engine.nr_frames);
    clean &= audit_passes(machine, "after it");
    if (!clean)
        return EXIT_BROKEN;
    return shutdown_is_good(reason) ? EXIT_GOOD : EXIT_CRASHED;
}

/* A zombie has no frame any more. */
static unsigned bury(struct machine *machine, struct hv_domain *domain)
{
    print("domain %u (%s): the last of its frames has come back\n", domain->engine.id.v, domain->name);
    hv_domain_bury(domain);
    return audit_passes(machine, "without it") ? EXIT_GOOD : EXIT_BROKEN;
}

/* The console goes to the first domain whose guest lives. */
static void attach_next(const struct machine *machine)
{
    struct hv_domain *domain = NULL;

    for (unsigned i = 0; i < machine->nr_domains && !domain; i++)
        domain = hv_domain_find(machine, (uint16_t)i);
    if (domain)
        console_attach(domain);
}

static void add_code(unsigned *sum, unsigned code)
{
    if (*sum == EXIT_GOOD || code == EXIT_BROKEN)
        *sum = code;
}

unsigned guests_run(struct machine *machine, const struct bundle *bundle)
{
    struct hv_domain *domains[BUNDLE_DOMAINS_MAX], *ended;
    uint64_t before = pool_count();
    unsigned built = 0, code = EXIT_GOOD;

    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        domains[built] = build(machine, &bundle->domains[i]);
        if (domains[built])
            built++;
        else
            add_code(&code, EXIT_REFUSED);
    }
    if (built > 0)
        console_attach(domains[0]);
    for (unsigned i = 0; i < built; i++)
        sched_start(hv_vcpu_of(domains[i]->vcpus[0]));
    while ((ended = sched_run(machine))) {
        add_code(&code, hv_domain_is_zombie(ended) ? bury(machine, ended) : finish(machine, ended));
        if (console_is_free())
            attach_next(machine);
    }
    if (!hv_domain_none_left(machine))
        code = EXIT_BROKEN;
    if (pool_count() != before) {
        print("%lu of the frames that were free before the guests are not free after them: this is a bug of the "
              "hypervisor\n",
              before - pool_count());
        return EXIT_BROKEN;
    }
    return code;
}
