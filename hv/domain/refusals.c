/* SPDX-License-Identifier: MIT */
/* port_refused() of engine/port.h. */
#include <engine/access.h>
#include <engine/port.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>

static struct lock lock = LOCK_INIT(LOCK_REFUSALS, 0); /* over what is noted; what is explained is said in one piece */
static struct refusals refusals;
static bool explains; /* at once, each of them; before there are guests */

struct refusals refusals_noted(void)
{
    struct refusals noted;

    lock_take(&lock);
    noted = refusals;
    lock_drop(&lock);
    return noted;
}

void refusals_explain(void)
{
    explains = true;
}

/* What the guest's memory says is only shown. */
static void note_guest(struct noted_refusal *noted, struct hv_vcpu *vcpu)
{
    noted->domain = vcpu->engine.domain->id;
    noted->vcpu = vcpu->engine.id;
    noted->cs = (uint16_t)vcpu->frame->cs;
    noted->rip = vcpu->frame->rip;
    if (!access_read_word(&vcpu->engine, &noted->top, VADDR(vcpu->frame->rsp)))
        noted->top = 0;
}

static struct noted_refusal *note(const struct refusal *refusal)
{
    struct noted_refusal *noted = &refusals.recent[refusals.count++ % REFUSALS_KEPT];

    refusals.last = *refusal;
    *noted = (struct noted_refusal){.refusal = *refusal};
    if (refusal->vcpu && cpu_here()->current && cpu_here()->current->frame)
        note_guest(noted, cpu_here()->current);
    return noted;
}

void port_refused(const struct refusal *refusal)
{
    struct noted_refusal *noted;

    lock_take(&lock);
    noted = note(refusal);
    if (explains)
        report_refusal(noted);
    lock_drop(&lock);
}
