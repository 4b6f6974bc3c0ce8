/* SPDX-License-Identifier: MIT */
/* In order: the ring; what each has had; who is next. */
#include <engine/check.h>
#include <hv/domain/fair.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

static struct hv_vcpu *last; /* that ran; the one behind it is asked first */
static uint64_t level;       /* nobody who wants to run has had less: who comes new has had as much */
static bool has_woken;
static struct hv_vcpu *running; /* NULL: none */
static uint64_t charged_until;  /* it has been charged until then */

static bool wants_to_run(const struct hv_vcpu *vcpu)
{
    return vcpu->run.info.state == RUNSTATE_runnable;
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

/* Nobody who wants to run has had less than the level. */
static void raise_level(void)
{
    uint64_t least_had = running->share.had;

    for (const struct hv_vcpu *at = running->share.next; at != running; at = at->share.next) {
        if (wants_to_run(at) && at->share.had < least_had)
            least_had = at->share.had;
    }
    if (least_had > level)
        level = least_had;
}

static void account(void)
{
    uint64_t now;

    if (!running)
        return;
    now = time_now();
    running->share.had += weighed(running, now - charged_until);
    charged_until = now;
    raise_level();
}

void fair_begin(struct hv_vcpu *vcpu)
{
    running = vcpu;
    charged_until = time_now();
}

void fair_end(void)
{
    account();
    running = NULL;
}

void fair_follow(struct hv_vcpu *vcpu, const struct hv_vcpu *other)
{
    account();
    vcpu->share.had = other->share.had > level ? other->share.had : level;
}

void fair_wake(struct hv_vcpu *vcpu)
{
    account();
    if (level > FAIR_CREDIT && vcpu->share.had < level - FAIR_CREDIT)
        vcpu->share.had = level - FAIR_CREDIT;
    has_woken = true;
    if (running)
        running->run.attention = true;
}

/*
 * ---- Who is next.
 */

/* Who wants to run and has had least, of those behind @vcpu, and of @vcpu itself if it @counts.  NULL: nobody. */
static struct hv_vcpu *least(const struct hv_vcpu *vcpu, bool counts)
{
    struct hv_vcpu *at = vcpu->share.next, *found = NULL;

    for (; at != vcpu; at = at->share.next) {
        if (wants_to_run(at) && (!found || at->share.had < found->share.had))
            found = at;
    }
    if (counts && wants_to_run(at) && (!found || at->share.had < found->share.had))
        found = at;
    return found;
}

struct hv_vcpu *fair_next(void)
{
    struct hv_vcpu *next = last ? least(last, true) : NULL;

    has_woken = false;
    if (next)
        last = next;
    return next;
}

void fair_step_back(void)
{
    const struct hv_vcpu *other = least(running, false);

    account();
    if (other && running->share.had < other->share.had)
        running->share.had = other->share.had;
}

bool fair_has_woken(void)
{
    return has_woken;
}

bool fair_is_ahead(void)
{
    const struct hv_vcpu *other = least(running, false);

    account();
    return other && other->share.had <= running->share.had;
}

bool fair_is_wanted(void)
{
    return last && least(last, true);
}
