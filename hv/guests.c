/* SPDX-License-Identifier: MIT */
/* In order: the audit; what comes, comes again and ends; all of them. */
#include <engine/engine.h>
#include <engine/port.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/domain/sched.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/guests.h>
#include <hv/holders.h>
#include <hv/hotplug.h>
#include <hv/kernel/bundle.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/service/console.h>
#include <hv/service/xenstore.h>
#include <hv/split_devices.h>
#include <hv/time/time.h>

#define NS_PER_US         1000u
#define BACK_END_RESTARTS 8u
#define PATIENCE          UINT64_C(10000000000) /* ns for which others may keep frames of one that is to come again */
#define BESIDE            256u                  /* frames that a domain takes besides its memory, and more */

/* Is a vCPU of another domain in the middle of an operation?  It holds frames that no recount explains. */
static bool is_busy(const struct machine *machine)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (machine->domains[i] && machine->domains[i]->operations > 0)
            return true;
    }
    return false;
}

/* While the locks of all domains are taken nobody changes a count. */
static void lock_domains(const struct machine *machine)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (machine->domains[i])
            port_lock(machine->domains[i]);
    }
}

static void unlock_domains(const struct machine *machine)
{
    for (unsigned i = machine->nr_domains; i-- > 0;) {
        if (machine->domains[i])
            port_unlock(machine->domains[i]);
    }
}

/* With the word `audit`: is every count what a recount says?  @when says what has become of the guest by now. */
static bool audit_passes(const struct machine *machine, const char *when, unsigned id, const char *name)
{
    struct audit_finding finding = {0};
    bool is_now, passes = true;

    if (!ram_audit_counts())
        return true;
    lock_domains(machine);
    is_now = !is_busy(machine);
    if (is_now)
        passes = audit_machine(machine, ram_audit_counts(), &finding);
    unlock_domains(machine);
    print("audit %s domain %u (%s): ", when, id, name);
    if (!is_now)
        print("not now, another domain is in the middle of an operation\n");
    else if (passes)
        print("every count is right\n");
    else
        print("%s, frame %lx: %lx expected, %lx found: this is a bug of the hypervisor\n", finding.invariant,
              finding.frame.v, finding.expected, finding.found);
    return passes;
}

/* NULL: it cannot be built.  Otherwise the xenstore knows all of it, and what it has of devices. */
static struct hv_domain *build(struct machine *machine, const struct bundle *bundle,
                               const struct bundle_domain *description)
{
    uint64_t began = time_now();
    const char *problem;
    struct hv_domain *domain = builder_build(machine, description, &problem);

    if (!domain) {
        print("domain %u (%s) cannot be built: %s\n", description->id, description->name, problem);
        split_devices_give_up(bundle, description->id);
        return NULL;
    }
    print("domain %u (%s): built, and its tables validated, in %lu us\n", description->id, description->name,
          (time_now() - began) / NS_PER_US);
    split_devices_write(machine, description);
    split_devices_write_served(machine, bundle, description->id);
    return domain;
}

/* The guests of a bundle, each by its place there, and the back ends that serve them. */
struct run {
    struct machine *machine;
    const struct bundle *bundle;
    unsigned restarts[BUNDLE_DOMAINS_MAX]; /* how often it has been built anew */
    bool waits[BUNDLE_DOMAINS_MAX];        /* to be so when its number is free: others map frames of it */
    bool told[BUNDLE_DOMAINS_MAX];         /* of one that waits: the log says who does */
    unsigned code;
};

/* The place of the domain of number @id; nr_domains: it is none of the bundle's. */
static unsigned find_place(const struct bundle *bundle, unsigned id)
{
    unsigned i = 0;

    while (i < bundle->nr_domains && bundle->domains[i].id != id)
        i++;
    return i;
}

/* The domain at place @i, if its guest lives. */
static struct hv_domain *find_domain(const struct run *run, unsigned i)
{
    return hv_domain_find(run->machine, (uint16_t)run->bundle->domains[i].id);
}

static void add_code(struct run *run, unsigned code)
{
    if (run->code == EXIT_GOOD || code == EXIT_BROKEN)
        run->code = code;
}

/* Is there a guest, which may be built anew when it is looked at if it has ended, or does one wait for that? */
static bool has_guest(const struct run *run)
{
    for (unsigned i = 0; i < run->bundle->nr_domains; i++) {
        const struct domain *domain = domain_find(run->machine, DOMID((uint16_t)run->bundle->domains[i].id));

        if (!run->bundle->domains[i].is_back_end && (run->waits[i] || (domain && domain->nr_vcpus > 0)))
            return true;
    }
    return false;
}

/* The console goes to the first guest that lives. */
static void attach_next(const struct run *run)
{
    struct hv_domain *domain = NULL;

    for (unsigned i = 0; i < run->bundle->nr_domains && !domain; i++)
        domain = run->bundle->domains[i].is_back_end ? NULL : find_domain(run, i);
    if (domain)
        console_attach(domain);
}

/*
 * ---- What comes again.
 */

/* What this takes is at the expense of the domain's own share. */
static void restart(struct run *run, unsigned i)
{
    const struct bundle_domain *description = &run->bundle->domains[i];
    struct hv_domain *domain;

    print("domain %u (%s): restart %u\n", description->id, description->name, ++run->restarts[i]);
    domain = build(run->machine, run->bundle, description);
    if (!domain) {
        split_devices_remove_served(run->machine, run->bundle, description->id);
        add_code(run, EXIT_REFUSED);
        return;
    }
    domain->restarts = run->restarts[i];
    if (console_is_free() && !domain->is_back_end)
        console_attach(domain); /* it had it before */
    sched_follow_work(hv_vcpu_of(domain->vcpus[0]));
    split_devices_start(domain, description);
}

/*
 * A back end has no business to end while there are guests, for whatever reason.  One that does so too often comes a
 * last time: what front ends have asked it for is answered by nobody else, and they would wait for ever.
 */
static bool back_end_comes_again(const struct run *run, unsigned i)
{
    const struct bundle_domain *description = &run->bundle->domains[i];
    bool is_last = run->restarts[i] == BACK_END_RESTARTS;

    if (!has_guest(run))
        return false;
    if (run->restarts[i] < BACK_END_RESTARTS)
        return true;
    print("domain %u (%s): it has ended too often, and is given up: %s\n", description->id, description->name,
          is_last ? "it comes once more, to close what it served" : "the guests go on without it");
    if (is_last)
        split_devices_close(run->bundle, description->id);
    else
        split_devices_give_up(run->bundle, description->id);
    return is_last;
}

static bool comes_again(const struct run *run, unsigned i, unsigned reason)
{
    const struct bundle_domain *description = &run->bundle->domains[i];

    if (description->is_back_end)
        return back_end_comes_again(run, i);
    return reason == SHUTDOWN_reboot && !description->ends_by_reboot;
}

/*
 * ---- What ends.
 */

/* Give back what it has.  True: all of it. */
static bool release(struct hv_domain *domain, const struct bundle_domain *description)
{
    uint64_t frames = domain->engine.nr_frames, began = time_now();
    bool gone = hv_domain_release(domain);

    print("release of domain %u (%s): %lu frames, in %lu us\n", description->id, description->name, frames,
          (time_now() - began) / NS_PER_US);
    if (!gone)
        print("domain %u (%s): %lu of its frames are still in use, and stay until others have let go of them\n",
              description->id, description->name, domain->engine.nr_frames);
    return gone;
}

/* Whoever started the guest for the sake of one command is told how that ended: linux/first. */
static void tell_status(const struct hv_domain *domain)
{
    uint32_t status;

    if (xenstore_read_number(domain, "data/paravane-status", &status))
        print("domain %u (%s): its command ended with status %u\n", domain->engine.id.v, domain->name, status);
}

/* What is left of the guest goes. */
static void finish(struct run *run, struct hv_domain *domain)
{
    unsigned i = find_place(run->bundle, domain->engine.id.v), reason = domain->end_reason;
    const struct bundle_domain *description = &run->bundle->domains[i];
    bool again = comes_again(run, i, reason), is_back_end = domain->is_back_end, clean, gone;

    split_devices_forget(domain);
    console_detach(domain); /* its last words come before those about it */
    tell_status(domain);
    print("domain %u (%s) %s\n", domain->engine.id.v, domain->name, shutdown_words(reason));
    clean = audit_passes(run->machine, "before the release of", description->id, description->name);
    gone = release(domain, description);
    clean &= audit_passes(run->machine, "after the release of", description->id, description->name);
    if (!clean)
        add_code(run, EXIT_BROKEN);
    else if (reason == END_DESTROYED)
        add_code(run, EXIT_DESTROYED);
    else if (!shutdown_is_good(reason) && !is_back_end)
        add_code(run, EXIT_CRASHED);
    split_devices_remove_served(run->machine, run->bundle, description->id);
    run->waits[i] = again && !gone;
    run->told[i] = false;
    if (run->waits[i])
        zombie_wait(domain, PATIENCE);
    if (again && gone)
        restart(run, i);
}

/* One that waited is built anew, or is not needed any more. */
static void come_again(struct run *run, unsigned i)
{
    if (run->waits[i] && has_guest(run))
        restart(run, i);
    run->waits[i] = false;
}

/* A zombie has no frame any more. */
static void bury(struct run *run, struct hv_domain *domain)
{
    unsigned id = domain->engine.id.v, i = find_place(run->bundle, id);
    char name[DOMAIN_NAME_MAX + 1];

    memcpy(name, domain->name, sizeof(name));
    print("domain %u (%s): the last of its frames has come back\n", id, name);
    hv_domain_bury(domain);
    if (!audit_passes(run->machine, "without", id, name))
        add_code(run, EXIT_BROKEN);
    if (i < run->bundle->nr_domains)
        come_again(run, i);
}

/* A number that no domain has, nor will have. */
static bool find_number(const struct run *run, unsigned *id)
{
    for (*id = run->machine->nr_domains - 1; *id > 0; --*id) {
        if (!run->machine->domains[*id] && find_place(run->bundle, *id) == run->bundle->nr_domains)
            return true;
    }
    return false;
}

/* Build a domain anew beside what is left of it, which goes on under another number.  False: there is no room. */
static bool come_again_beside(struct run *run, unsigned i, struct hv_domain *left)
{
    const struct bundle_domain *description = &run->bundle->domains[i];
    unsigned id;

    if (pool_count() < description->memory_kib / (PAGE_SIZE / 1024) + BESIDE || !find_number(run, &id))
        return false;
    domain_renumber(&left->engine, DOMID((uint16_t)id));
    print("domain %u (%s): what is left of it is number %u from now on\n", description->id, description->name, id);
    come_again(run, i);
    return true;
}

/* It has been waited for long enough that others let go of the frames of a zombie. */
static void lose_patience(struct run *run, struct hv_domain *left)
{
    unsigned i = find_place(run->bundle, left->engine.id.v);

    if (!run->told[i])
        holders_say(run->machine, left);
    if (holders_end_back_ends(run->machine, left)) {
        zombie_wait(left, PATIENCE);
        return;
    }
    if (come_again_beside(run, i, left))
        return;
    if (!run->told[i])
        print("domain %u (%s): it is built anew when they have let go, or there is memory for it besides\n",
              left->engine.id.v, left->name);
    run->told[i] = true;
    zombie_wait(left, PATIENCE);
}

/* Back ends that nobody is left for are ended, as if they had powered off. */
static void end_back_ends(const struct run *run)
{
    if (has_guest(run))
        return;
    for (unsigned i = 0; i < run->bundle->nr_domains; i++) {
        struct hv_domain *domain = find_domain(run, i);

        if (!domain)
            continue;
        print("domain %u (%s): no guest is left that it could serve\n", domain->engine.id.v, domain->name);
        shutdown_domain(domain, SHUTDOWN_poweroff);
    }
}

/*
 * ---- All of them.
 */

static void build_all(struct run *run, bool back_ends)
{
    for (unsigned i = 0; i < run->bundle->nr_domains; i++) {
        const struct bundle_domain *description = &run->bundle->domains[i];

        if (description->is_back_end == back_ends && !build(run->machine, run->bundle, description))
            add_code(run, EXIT_REFUSED);
    }
}

/* All are built before the first one runs, back ends first, so that guests find them. */
static void start(struct run *run)
{
    build_all(run, true);
    build_all(run, false);
    attach_next(run);
    for (unsigned i = 0; i < run->bundle->nr_domains; i++) {
        struct hv_domain *domain = find_domain(run, i);

        if (domain)
            split_devices_start(domain, &run->bundle->domains[i]);
    }
}

/* Whatever sched_run() returns. */
static void look_at(struct run *run, struct hv_domain *domain)
{
    if (!hv_domain_is_zombie(domain))
        finish(run, domain);
    else if (domain->engine.nr_frames == 0)
        bury(run, domain);
    else
        lose_patience(run, domain);
}

unsigned guests_run(struct machine *machine, const struct bundle *bundle)
{
    struct run run = {.machine = machine, .bundle = bundle, .code = EXIT_GOOD};
    uint64_t before = pool_count();
    struct hv_domain *ended;

    hotplug_begin(machine, bundle);
    start(&run);
    end_back_ends(&run);
    while ((ended = sched_run(machine))) {
        look_at(&run, ended);
        if (console_is_free())
            attach_next(&run);
        split_devices_look();
        end_back_ends(&run);
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
