/* SPDX-License-Identifier: MIT */
/* In order: the processors; the ring; what each has had; who is next; who is told. */
#include <engine/check.h>
#include <hv/domain/fair.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

struct processor {
    struct hv_vcpu *running; /* NULL: none */
};

struct lock fair_lock = LOCK_INIT(LOCK_SCHED, 0);

bool fair_woken[MAX_CPUS];

static struct processor processors[MAX_CPUS];
static cpumask_t present = {1}; /* those of them that take part */
static struct hv_vcpu *last;    /* that ran; the one behind it is asked first */
static uint64_t level;          /* nobody who wants to run has had less: who comes new has had as much */

/*
 * ---- Processors.
 */

static bool is_present(unsigned cpu)
{
    return present.bits >> cpu & 1;
}

void fair_add_processor(unsigned cpu)
{
    present.bits |= cpumask_of(cpu).bits;
}

bool fair_has_several(void)
{
    return present.bits & (present.bits - 1);
}

cpumask_t fair_allowed(const struct hv_vcpu *vcpu)
{
    cpumask_t bound = vcpu->share.bound.bits ? vcpu->share.bound : hv_vcpu_domain(vcpu)->cpus;

    return bound.bits & present.bits ? (cpumask_t){bound.bits & present.bits} : present;
}

static bool may_run_on(const struct hv_vcpu *vcpu, unsigned cpu)
{
    return fair_allowed(vcpu).bits >> cpu & 1;
}

static bool wants_to_run(const struct hv_vcpu *vcpu)
{
    return vcpu->run.info.state == RUNSTATE_runnable;
}

/* Would processor @cpu run @vcpu, which another that holds it has to let go of first? */
static bool wants_to_run_on(const struct hv_vcpu *vcpu, unsigned cpu)
{
    if (!wants_to_run(vcpu) || !may_run_on(vcpu, cpu))
        return false;
    return !vcpu->share.is_held || vcpu->engine.cpu == cpu;
}

/*
 * ---- The ring.
 */

static struct hv_vcpu *before(const struct hv_vcpu *vcpu)
{
    struct hv_vcpu *at = last;

    while (at->share.next != vcpu)
        at = at->share.next;
    return at;
}

void fair_add(struct hv_vcpu *vcpu)
{
    vcpu->share.had = level;
    if (!last) {
        last = vcpu->share.next = vcpu;
        return;
    }
    before(last)->share.next = vcpu;
    vcpu->share.next = last;
}

void fair_remove(struct hv_vcpu *vcpu)
{
    struct hv_vcpu *neighbour = before(vcpu);

    neighbour->share.next = vcpu->share.next;
    if (last == vcpu)
        last = neighbour == vcpu ? NULL : neighbour;
}

struct hv_vcpu *fair_behind(const struct hv_vcpu *vcpu)
{
    return vcpu ? vcpu->share.next : last;
}

/*
 * ---- What each has had.
 */

static unsigned vcpus_up(const struct hv_domain *domain)
{
    unsigned count = 0;

    for (uint64_t i = 0; i < domain->engine.nr_vcpus; i++)
        count += !hv_vcpu_find(domain, i)->run.down;
    return count > 0 ? count : 1;
}

static uint64_t weighed(const struct hv_vcpu *vcpu, uint64_t ns)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);

    return ns * WEIGHT_DEFAULT * vcpus_up(domain) / domain->weight;
}

/* Nobody who wants to run, or runs, has had less than the level. */
static void raise_level(void)
{
    uint64_t least_had = UINT64_MAX;

    for (uint64_t left = present.bits; left; left &= left - 1) {
        const struct hv_vcpu *running = processors[__builtin_ctzll(left)].running;

        if (running && running->share.had < least_had)
            least_had = running->share.had;
    }
    for (const struct hv_vcpu *at = last; at;) {
        if (wants_to_run(at) && at->share.had < least_had)
            least_had = at->share.had;
        at = at->share.next == last ? NULL : at->share.next;
    }
    if (least_had > level && least_had < UINT64_MAX)
        level = least_had;
}

/* The clock of the processor that charged it last may be ahead of this one's. */
static void charge(struct hv_vcpu *vcpu, uint64_t now)
{
    if (now <= vcpu->share.charged_until)
        return;
    vcpu->share.had += weighed(vcpu, now - vcpu->share.charged_until);
    vcpu->share.charged_until = now;
}

/* All that run are charged for what they have had until now. */
static void account(uint64_t now)
{
    bool is_used = false;

    for (uint64_t left = present.bits; left; left &= left - 1) {
        struct hv_vcpu *running = processors[__builtin_ctzll(left)].running;

        if (!running)
            continue;
        charge(running, now);
        is_used = true;
    }
    if (is_used)
        raise_level();
}

void fair_begin(unsigned cpu, struct hv_vcpu *vcpu, uint64_t now)
{
    processors[cpu].running = vcpu;
    vcpu->share.charged_until = now;
}

void fair_end(unsigned cpu, uint64_t now)
{
    account(now);
    processors[cpu].running = NULL;
}

void fair_follow(struct hv_vcpu *vcpu, const struct hv_vcpu *other)
{
    account(time_now());
    vcpu->share.had = other->share.had > level ? other->share.had : level;
}

/*
 * ---- Who is next.
 */

/* What @vcpu has had, as processor @cpu sees it. */
static uint64_t had_on(const struct hv_vcpu *vcpu, unsigned cpu)
{
    return vcpu->share.had + (vcpu->engine.cpu == cpu ? 0 : FAIR_MOVE);
}

/*
 * Who wants to run on processor @cpu and has had least, of those behind @vcpu, and of @vcpu itself if it @counts.
 * NULL: nobody.
 */
static struct hv_vcpu *least(const struct hv_vcpu *vcpu, bool counts, unsigned cpu)
{
    struct hv_vcpu *at = vcpu->share.next, *found = NULL;

    for (; at != vcpu; at = at->share.next) {
        if (wants_to_run_on(at, cpu) && (!found || had_on(at, cpu) < had_on(found, cpu)))
            found = at;
    }
    if (counts && wants_to_run_on(at, cpu) && (!found || had_on(at, cpu) < had_on(found, cpu)))
        found = at;
    return found;
}

struct hv_vcpu *fair_next(unsigned cpu)
{
    struct hv_vcpu *next = last ? least(last, true, cpu) : NULL;

    __atomic_store_n(&fair_woken[cpu], false, __ATOMIC_RELAXED);
    if (next)
        last = next;
    return next;
}

void fair_step_back(unsigned cpu)
{
    struct hv_vcpu *running = processors[cpu].running;
    const struct hv_vcpu *other = least(running, false, cpu);

    account(time_now());
    if (other && running->share.had < had_on(other, cpu))
        running->share.had = had_on(other, cpu);
}

bool fair_is_ahead(unsigned cpu, uint64_t now)
{
    const struct hv_vcpu *running = processors[cpu].running;
    const struct hv_vcpu *other = least(running, false, cpu);

    account(now);
    return other && had_on(other, cpu) <= running->share.had;
}

bool fair_is_held_elsewhere(const struct hv_domain *domain, unsigned cpu)
{
    for (uint64_t i = 0; i < domain->engine.nr_vcpus; i++) {
        const struct hv_vcpu *vcpu = hv_vcpu_find(domain, i);

        if (vcpu->share.is_held && vcpu->engine.cpu != cpu)
            return true;
    }
    return false;
}

bool fair_is_wanted(unsigned cpu)
{
    return last && least(last, true, cpu);
}

/*
 * ---- Who is told.
 */

static bool is_idle(unsigned cpu)
{
    return is_present(cpu) && !processors[cpu].running && !fair_woken[cpu];
}

/* How little it matters to let @vcpu run on @cpu: the more, the better. */
static uint64_t rank(const struct hv_vcpu *vcpu, unsigned cpu)
{
    const struct hv_vcpu *running = processors[cpu].running;

    if (is_idle(cpu))
        return vcpu->engine.cpu == cpu ? UINT64_MAX : UINT64_MAX - 1;
    return running ? running->share.had + 1 : 0; /* at 0 it has been told already */
}

static unsigned find_processor(const struct hv_vcpu *vcpu)
{
    unsigned found = 0;
    bool is_found = false;

    for (uint64_t left = present.bits; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);

        if (!may_run_on(vcpu, cpu) || (is_found && rank(vcpu, cpu) <= rank(vcpu, found)))
            continue;
        found = cpu;
        is_found = true;
    }
    return found;
}

static void tell(unsigned cpu)
{
    __atomic_store_n(&fair_woken[cpu], true, __ATOMIC_RELAXED);
    if (processors[cpu].running)
        processors[cpu].running->run.attention = true;
}

unsigned fair_wake(struct hv_vcpu *vcpu, uint64_t now)
{
    unsigned cpu;

    account(now);
    if (level > FAIR_CREDIT && vcpu->share.had < level - FAIR_CREDIT)
        vcpu->share.had = level - FAIR_CREDIT;
    cpu = find_processor(vcpu);
    tell(cpu);
    return cpu;
}

bool fair_bind(struct hv_vcpu *vcpu, unsigned cpu, cpumask_t cpus, unsigned *other)
{
    vcpu->share.bound = cpus;
    if (may_run_on(vcpu, cpu))
        return false;
    *other = find_processor(vcpu);
    tell(*other);
    return true;
}

bool fair_find_idle(unsigned *cpu)
{
    for (uint64_t left = present.bits; left; left &= left - 1) {
        *cpu = (unsigned)__builtin_ctzll(left);
        if (is_idle(*cpu) && fair_is_wanted(*cpu)) {
            tell(*cpu);
            return true;
        }
    }
    return false;
}
