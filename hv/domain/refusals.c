/* SPDX-License-Identifier: MIT */
/* port_refused() of engine/port.h. */
#include <engine/access.h>
#include <engine/port.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>

static struct refusals refusals;
static bool explains; /* at once, each of them */

const struct refusals *refusals_noted(void)
{
    return &refusals;
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

void port_refused(const struct refusal *refusal)
{
    struct noted_refusal *noted = &refusals.recent[refusals.count++ % REFUSALS_KEPT];

    refusals.last = *refusal;
    *noted = (struct noted_refusal){.refusal = *refusal};
    if (refusal->vcpu && cpu_here()->current && cpu_here()->current->frame)
        note_guest(noted, cpu_here()->current);
    if (explains)
        report_refusal(noted);
}
