/* SPDX-License-Identifier: MIT */
/* In order: the ring; what each has had; who is next. */
#include <engine/check.h>
#include <hv/domain/fair.h>
#include <hv/domain/vcpu.h>

static struct hv_vcpu *last; /* that ran; the one behind it is asked first */
static uint64_t level;       /* what the one that ran last had had: who comes new has had as much */
static bool has_woken;

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

bool fair_is_shared(void)
{
    return last && last->share.next != last;
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

void fair_charge(struct hv_vcpu *vcpu, uint64_t ns)
{
    vcpu->share.had += weighed(vcpu, ns);
}

void fair_wake(struct hv_vcpu *vcpu)
{
    if (level > FAIR_CREDIT && vcpu->share.had < level - FAIR_CREDIT)
        vcpu->share.had = level - FAIR_CREDIT;
    has_woken = true;
}

/*
 * ---- Who is next.
 */

static bool wants_to_run(const struct hv_vcpu *vcpu)
{
    return vcpu->run.info.state == RUNSTATE_runnable;
}

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
    if (!next)
        return NULL;
    last = next;
    if (next->share.had > level)
        level = next->share.had;
    return next;
}

void fair_step_back(struct hv_vcpu *vcpu)
{
    const struct hv_vcpu *other = least(vcpu, false);

    if (other && vcpu->share.had < other->share.had)
        vcpu->share.had = other->share.had;
}

bool fair_has_woken(void)
{
    return has_woken;
}

bool fair_is_ahead(const struct hv_vcpu *vcpu, uint64_t ns)
{
    const struct hv_vcpu *other = least(vcpu, false);

    return other && other->share.had <= vcpu->share.had + weighed(vcpu, ns);
}
