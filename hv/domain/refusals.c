/* SPDX-License-Identifier: MIT */
/* port_refused() of engine/port.h, and call_refuse() of hv/domain/call_refuse.h. */
#include <engine/frame.h>
#include <engine/port.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/domain/explain.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>

static struct lock lock = LOCK_INIT(LOCK_REFUSALS, 0); /* over what is noted; what is explained is said in one piece */
static struct refusals refusals;
static bool explains; /* at once, each of them; before there are guests */
static bool for_programs;

struct refusals refusals_noted(void)
{
    struct refusals noted;

    lock_take(&lock);
    noted = refusals;
    lock_drop(&lock);
    return noted;
}

void refusals_explain(bool as_json)
{
    explains = true;
    for_programs = as_json;
}

static void note_guest(struct noted_refusal *noted, struct hv_vcpu *vcpu)
{
    noted->domain = vcpu->engine.domain->id;
    noted->vcpu = vcpu->engine.id;
    noted->cs = (uint16_t)vcpu->frame->cs;
    noted->rip = vcpu->frame->rip;
    noted->asked = asked_for(vcpu, &noted->refusal);
}

static __cold void report_now(const struct noted_refusal *noted)
{
    struct explanation explanation;

    if (!for_programs)
        report_refusal(noted);
    if (!noted->refusal.vcpu)
        return;
    explain(noted->refusal.vcpu->domain->machine, noted, &explanation);
    if (for_programs)
        report_json(&explanation);
    else
        report_explanation(&explanation);
}

void port_refused(const struct refusal *refusal)
{
    struct noted_refusal noted = {.refusal = *refusal};

    if (refusal->vcpu && cpu_here()->current && cpu_here()->current->frame)
        note_guest(&noted, cpu_here()->current);
    lock_take(&lock);
    refusals.last = *refusal;
    refusals.recent[refusals.count++ % REFUSALS_KEPT] = noted;
    if (explains)
        report_now(&noted);
    lock_drop(&lock);
}

/* Of most calls the first argument is the command; where it is not, its number has no name. */
static struct refusal refusal_of_call(int error, struct hv_vcpu *vcpu, uint64_t value)
{
    const struct asked_call call = asked_call(vcpu);

    return (struct refusal){
        .error = (enum xen_errno) - error,
        .vcpu = &vcpu->engine,
        .call = call.number,
        .command = (unsigned)call.args[0],
        .slot = NOWHERE,
        .frame = MFN_NONE,
        .type = type_word(TYPE_NONE, 0, 0),
        .owner = DOMID(OWNER_NONE),
        .value = value,
    };
}

int call_refuse(int error, enum call_reason reason, uint64_t value)
{
    struct hv_vcpu *vcpu = cpu_here()->current;
    struct noted_refusal noted = {.why = reason};

    if (!vcpu || !vcpu->frame)
        return error;
    noted.refusal = refusal_of_call(error, vcpu, value);
    note_guest(&noted, vcpu);
    lock_take(&lock);
    refusals.recent[refusals.count++ % REFUSALS_KEPT] = noted;
    if (explains)
        report_now(&noted);
    lock_drop(&lock);
    return error;
}
