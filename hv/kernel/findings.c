/* SPDX-License-Identifier: MIT */
/* The list of findings. */
#include <hv/kernel/findings.h>

enum { REMARK, REFUSAL };

#define FINDING_KIND(name, kind, sentence) [FINDING_##name] = kind == REFUSAL,
static const bool refuses[] = {KERNEL_FINDINGS(FINDING_KIND)};

bool finding_refuses(enum finding_id id)
{
    return refuses[id];
}

void findings_put(struct findings *findings, struct finding finding)
{
    unsigned at = findings->count;

    if (at < FINDINGS_MAX) {
        findings->count++;
    } else {
        at = 0;
        while (at < FINDINGS_MAX && refuses[findings->list[at].id])
            at++;
        if (at == FINDINGS_MAX || !refuses[finding.id])
            return;
    }
    findings->list[at] = finding;
}

const struct finding *findings_refusal(const struct findings *findings)
{
    for (unsigned i = 0; i < findings->count; i++) {
        if (refuses[findings->list[i].id])
            return &findings->list[i];
    }
    return NULL;
}
