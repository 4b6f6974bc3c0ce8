/* SPDX-License-Identifier: MIT */
/* The hypervisor around hv/guests.c: guests_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/sched.h>
#include <engine/engine.h>
#include <engine/port.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/report.h>
#include <hv/domain/runstate.h>
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
#include <tests/hv/lib/guests_host.h>
#include <tests/hv/lib/said.h>

struct cpu cpu_boot;
struct domain *table[TABLE];
struct machine machine = {.domains = table, .nr_domains = TABLE};
struct bundle bundle;
struct hv_domain *attached;

bool unbuildable[GUESTS], leaks[GUESTS], frames_lost, audit_wanted, back_soon, back_end_holds;
unsigned reasons[GUESTS], order[GUESTS], reboots[GUESTS], bad_audit, delays;
uint64_t lost, free_frames;
unsigned started, releases, burials, audits, followed, looks, given_up, closed;

static struct hv_domain domains[GUESTS], left_behind;
static struct hv_vcpu vcpus[GUESTS];
static struct hv_domain *awaited;
static unsigned ends;
static const struct hv_vcpu *last_built; /* and not started */
static uint64_t now;

uint64_t time_now(void)
{
    return now;
}

void report_guest(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    fail();
}

void hv_vcpu_give_way(void)
{
    assert_null(cpu_boot.current);
}

uint64_t pool_count(void)
{
    return free_frames - (releases == 0 ? 0 : lost);
}

struct audit_counts *ram_audit_counts(void)
{
    static uint64_t counts;

    return audit_wanted ? (struct audit_counts *)(void *)&counts : NULL;
}

/* Those of all domains are taken while counts are compared. */
static unsigned locked;

static unsigned count_domains(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < machine.nr_domains; i++)
        count += machine.domains[i] != NULL;
    return count;
}

void port_lock(struct domain *domain)
{
    assert_non_null(domain);
    locked++;
}

void port_unlock(struct domain *domain)
{
    assert_non_null(domain);
    assert_true(locked-- > 0);
}

bool audit_machine(const struct machine *which, struct audit_counts *counts, struct audit_finding *finding)
{
    assert_ptr_equal(which, &machine);
    assert_non_null(counts);
    assert_int_equal(locked, count_domains());
    *finding = (struct audit_finding){.invariant = "inv_planted"};
    return ++audits != bad_audit;
}

struct hv_domain *builder_build(struct machine *which, const struct bundle_domain *description, const char **problem)
{
    unsigned i = description->id - 1;

    assert_ptr_equal(which, &machine);
    *problem = "of a whim";
    if (unbuildable[i])
        return NULL;
    memset(&domains[i], 0, sizeof(domains[i]));
    domains[i].engine.id = DOMID((uint16_t)description->id);
    memcpy(domains[i].name, description->name, sizeof(domains[i].name));
    domains[i].is_back_end = description->is_back_end;
    domains[i].vcpus[0] = &vcpus[i].engine;
    domains[i].engine.nr_vcpus = 1;
    domains[i].engine.nr_frames = 77;
    assert_null(table[description->id]);
    table[description->id] = &domains[i].engine;
    last_built = &vcpus[i];
    now += 7;
    return &domains[i];
}

void sched_follow_work(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu, last_built); /* before it runs */
    followed++;
}

void hotplug_begin(const struct machine *which, const struct bundle *of)
{
    assert_ptr_equal(which, &machine);
    assert_ptr_equal(of, &bundle);
    assert_null(last_built);
}

void split_devices_start(struct hv_domain *domain, const struct bundle_domain *description)
{
    unsigned i = (unsigned)(domain - domains);

    assert_ptr_equal(description, &bundle.domains[i]);
    started |= 1u << i;
    last_built = NULL;
}

void split_devices_write(const struct machine *which, const struct bundle_domain *description)
{
    assert_ptr_equal(which->domains[description->id], &domains[description->id - 1].engine);
    print("devices of %s\n", description->name);
}

void split_devices_write_served(const struct machine *which, const struct bundle *of, unsigned id)
{
    assert_ptr_equal(which->domains[id], &domains[id - 1].engine);
    assert_ptr_equal(of, &bundle);
    print("served by %s\n", domains[id - 1].name);
}

void split_devices_remove_served(const struct machine *which, const struct bundle *of, unsigned id)
{
    assert_ptr_equal(which, &machine);
    assert_ptr_equal(of, &bundle);
    assert_true(!which->domains[id] || hv_domain_is_zombie(&domains[id - 1]));
    print("no more by %s\n", domains[id - 1].name);
}

void split_devices_give_up(const struct bundle *of, unsigned id)
{
    assert_ptr_equal(of, &bundle);
    assert_false(table[id] && hv_domain_is_alive(hv_domain_of(table[id])));
    given_up |= 1u << (id - 1);
}

void split_devices_close(const struct bundle *of, unsigned id)
{
    assert_ptr_equal(of, &bundle);
    assert_false(given_up & 1u << (id - 1));
    closed |= 1u << (id - 1);
}

void split_devices_look(void)
{
    looks++;
}

void split_devices_forget(const struct hv_domain *domain)
{
    assert_true(domain->ended);
}

void zombie_wait(struct hv_domain *domain, uint64_t ns)
{
    assert_true(hv_domain_is_zombie(domain));
    assert_int_equal(ns, UINT64_C(10000000000));
    awaited = domain;
}

void holders_say(const struct machine *which, const struct hv_domain *left)
{
    assert_ptr_equal(which, &machine);
    print("who holds %s\n", left->name);
}

bool holders_end_back_ends(const struct machine *which, const struct hv_domain *left)
{
    assert_ptr_equal(which, &machine);
    assert_true(hv_domain_is_zombie(left));
    return back_end_holds;
}

/* The other structure is the next one's. */
void domain_renumber(struct domain *domain, domid_t id)
{
    left_behind = *hv_domain_of(domain);
    left_behind.engine.id = id;
    leaks[hv_domain_of(domain) - domains] = false;
    table[id.v] = &left_behind.engine;
    table[domain->id.v] = NULL;
}

/* One whose frames come back when the last guest has ended; NULL: none, or they never do. */
static struct hv_domain *find_zombie(void)
{
    if (table[7] == &left_behind.engine) {
        left_behind.engine.nr_frames = 0;
        return &left_behind;
    }
    for (unsigned i = 0; i < GUESTS && !frames_lost; i++) {
        if (!leaks[i] || !table[i + 1] || !hv_domain_is_zombie(&domains[i]))
            continue;
        domains[i].engine.nr_frames = 0;
        return &domains[i];
    }
    return NULL;
}

static bool is_there(unsigned i)
{
    return table[i + 1] && !hv_domain_is_zombie(&domains[i]);
}

/* A domain that the hypervisor has ended itself, or when all that was to happen has, one that may end; NULL: none. */
static struct hv_domain *find_last(bool ended)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        if (is_there(i) && domains[i].ended == ended && domains[i].is_back_end == ended)
            return &domains[i];
    }
    return NULL;
}

static struct hv_domain *power_off(struct hv_domain *domain)
{
    domain->ended = true;
    domain->end_reason = SHUTDOWN_poweroff;
    return domain;
}

/* Who is waited for does not come, so often. */
static struct hv_domain *find_overdue(void)
{
    struct hv_domain *found = awaited;

    if (!found || delays == 0)
        return NULL;
    delays--;
    awaited = NULL;
    return found;
}

/* All have been started by then, and some guest has the console. */
struct hv_domain *sched_run(struct machine *which)
{
    struct hv_domain *domain = find_overdue();

    assert_ptr_equal(which, &machine);
    if (domain)
        return domain;
    domain = back_soon ? find_zombie() : NULL;
    if (domain) {
        if (domain != &left_behind)
            leaks[domain - domains] = false;
        now += 1000;
        return domain;
    }
    if (find_last(true))
        return find_last(true);
    while (ends < GUESTS && !is_there(order[ends]))
        ends++;
    if (ends == GUESTS && find_zombie())
        return find_zombie();
    if (ends == GUESTS)
        return find_last(false) ? power_off(find_last(false)) : NULL;
    assert_non_null(attached);
    assert_false(attached->is_back_end);
    assert_non_null(table[attached->engine.id.v]);
    assert_false(attached->ended);
    domain = &domains[order[ends]];
    domain->ended = true;
    if (reboots[order[ends]] == 0) {
        domain->end_reason = reasons[order[ends++]];
        return domain;
    }
    reboots[order[ends]]--;
    domain->end_reason = SHUTDOWN_reboot;
    return domain;
}

/* What it leaks others map: it is there until it is buried. */
bool hv_domain_release(struct hv_domain *domain)
{
    if (attached == domain)
        attached = NULL;
    releases++;
    print("%s is released\n", domain->name);
    now += 5000;
    domain->engine.nr_vcpus = 0;
    if (leaks[domain - domains])
        return false;
    table[domain->engine.id.v] = NULL;
    return true;
}

void hv_domain_bury(struct hv_domain *domain)
{
    assert_ptr_equal(table[domain->engine.id.v], &domain->engine);
    table[domain->engine.id.v] = NULL;
    burials++;
    now += 3;
}

bool hv_domain_none_left(const struct machine *which)
{
    assert_ptr_equal(which, &machine);
    for (unsigned i = 0; i < GUESTS; i++) {
        if (table[i + 1])
            return false;
    }
    return true;
}

void console_attach(struct hv_domain *domain)
{
    attached = domain;
}

void console_detach(struct hv_domain *domain)
{
    print("last words of %s\n", domain->name);
    if (attached == domain)
        attached = NULL;
}

bool console_is_free(void)
{
    return !attached;
}

/* None of their vCPUs runs. */
void runstate_interrupt(struct hv_vcpu *vcpu)
{
    (void)vcpu;
}

/* No guest has left a status. */
bool xenstore_read_number(const struct hv_domain *domain, const char *name, uint32_t *number)
{
    (void)domain;
    (void)name;
    *number = 0;
    return false;
}

void begin(void)
{
    memset(table, 0, sizeof(table));
    memset(unbuildable, 0, sizeof(unbuildable));
    memset(leaks, 0, sizeof(leaks));
    bundle = (struct bundle){.nr_domains = GUESTS};
    for (unsigned i = 0; i < GUESTS; i++) {
        bundle.domains[i] = (struct bundle_domain){.id = i + 1, .name = {(char)('a' + i)}};
        reasons[i] = SHUTDOWN_poweroff;
        order[i] = i;
    }
    memset(reboots, 0, sizeof(reboots));
    frames_lost = back_soon = back_end_holds = false;
    delays = 0;
    awaited = NULL;
    free_frames = 1000;
    followed = 0;
    looks = given_up = closed = 0;
    ends = started = releases = burials = audits = bad_audit = 0;
    lost = 0;
    audit_wanted = true;
    attached = NULL;
    said[0] = '\0';
}
