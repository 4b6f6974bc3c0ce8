/* SPDX-License-Identifier: MIT */
/* In order: the audit; a guest's beginning and end; all of them. */
#include <engine/engine.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/domain/fair.h>
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

/* With the word `audit`: is every count what a recount says?  @when says what has become of the guest by now. */
static bool audit_passes(const struct machine *machine, const struct bundle_domain *description, const char *when)
{
    struct audit_finding finding = {0};
    bool passes;

    if (!ram_audit_counts())
        return true;
    print("audit %s domain %u (%s): ", when, description->id, description->name);
    if (is_busy(machine)) {
        print("not now, another domain is in the middle of an operation\n");
        return true;
    }
    passes = audit_machine(machine, ram_audit_counts(), &finding);
    if (passes)
        print("every count is right\n");
    else
        print("%s, frame %lx: %lx expected, %lx found: this is a bug of the hypervisor\n", finding.invariant,
              finding.frame.v, finding.expected, finding.found);
    return passes;
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

/* The guests of a bundle, each by its place there. */
struct run {
    struct machine *machine;
    const struct bundle *bundle;
    unsigned restarts[BUNDLE_DOMAINS_MAX]; /* how often it has been built anew */
    bool waits[BUNDLE_DOMAINS_MAX];        /* to be so when its number is free: others map frames of it */
    uint64_t spent[BUNDLE_DOMAINS_MAX];    /* of one that waits: ns for its release so far */
    unsigned code;
};

static unsigned find_place(const struct bundle *bundle, const struct hv_domain *domain)
{
    unsigned i = 0;

    while (i < bundle->nr_domains && bundle->domains[i].id != domain->engine.id.v)
        i++;
    CHECK(i < bundle->nr_domains);
    return i;
}

static void add_code(struct run *run, unsigned code)
{
    if (run->code == EXIT_GOOD || code == EXIT_BROKEN)
        run->code = code;
}

/* What was spent for this guest since @began, and for its release before it had to wait, is taken off its share. */
static void restart(struct run *run, unsigned i, uint64_t began)
{
    const struct bundle_domain *description = &run->bundle->domains[i];
    struct hv_domain *domain;

    print("domain %u (%s): restart %u\n", description->id, description->name, ++run->restarts[i]);
    domain = build(run->machine, description);
    if (!domain) {
        add_code(run, EXIT_REFUSED);
        return;
    }
    if (console_is_free())
        console_attach(domain); /* it had it before */
    fair_charge(hv_vcpu_of(domain->vcpus[0]), run->spent[i] + time_now() - began);
    sched_start(hv_vcpu_of(domain->vcpus[0]));
}

/* What is left of the guest goes. */
static void finish(struct run *run, struct hv_domain *domain)
{
    unsigned i = find_place(run->bundle, domain), reason = domain->end_reason;
    bool again = reason == SHUTDOWN_reboot && !run->bundle->domains[i].ends_by_reboot, clean, gone;
    uint64_t began = time_now();

    console_detach(domain); /* its last words come before those about it */
    print("domain %u (%s) %s\n", domain->engine.id.v, domain->name, shutdown_words(reason));
    clean = audit_passes(run->machine, &run->bundle->domains[i], "before the release of");
    gone = hv_domain_release(domain);
    if (!gone)
        print("domain %u (%s): %lu of its frames are still in use, and stay until others have let go of them\n",
              domain->engine.id.v, domain->name, domain->engine.nr_frames);
    clean &= audit_passes(run->machine, &run->bundle->domains[i], "after the release of");
    if (!clean)
        add_code(run, EXIT_BROKEN);
    else if (!shutdown_is_good(reason))
        add_code(run, EXIT_CRASHED);
    run->waits[i] = again && !gone;
    run->spent[i] = gone ? 0 : time_now() - began;
    if (again && gone)
        restart(run, i, began);
}

/* A zombie has no frame any more. */
static void bury(struct run *run, struct hv_domain *domain)
{
    unsigned i = find_place(run->bundle, domain);
    uint64_t began = time_now();

    print("domain %u (%s): the last of its frames has come back\n", domain->engine.id.v, domain->name);
    hv_domain_bury(domain);
    if (!audit_passes(run->machine, &run->bundle->domains[i], "without"))
        add_code(run, EXIT_BROKEN);
    if (run->waits[i])
        restart(run, i, began);
    run->waits[i] = false;
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

/* All are built before the first one runs. */
static void start(struct run *run)
{
    struct hv_domain *domains[BUNDLE_DOMAINS_MAX];
    unsigned built = 0;

    for (unsigned i = 0; i < run->bundle->nr_domains; i++) {
        domains[built] = build(run->machine, &run->bundle->domains[i]);
        if (domains[built])
            built++;
        else
            add_code(run, EXIT_REFUSED);
    }
    if (built > 0)
        console_attach(domains[0]);
    for (unsigned i = 0; i < built; i++)
        sched_start(hv_vcpu_of(domains[i]->vcpus[0]));
}

unsigned guests_run(struct machine *machine, const struct bundle *bundle)
{
    struct run run = {.machine = machine, .bundle = bundle, .code = EXIT_GOOD};
    uint64_t before = pool_count();
    struct hv_domain *ended;

    start(&run);
    while ((ended = sched_run(machine))) {
        if (hv_domain_is_zombie(ended))
            bury(&run, ended);
        else
            finish(&run, ended);
        if (console_is_free())
            attach_next(machine);
    }
    if (!hv_domain_none_left(machine))
        add_code(&run, EXIT_BROKEN);
    if (pool_count() != before) {
        print("%lu of the frames that were free before the guests are not free after them: this is a bug of the "
              "hypervisor\n",
              before - pool_count());
        return EXIT_BROKEN;
    }
    return run.code;
}
