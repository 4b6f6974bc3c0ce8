/* SPDX-License-Identifier: MIT */
/* Findings and refusals, in words. */
#include <stdio.h>

#include <sim/sim.h>

static const char *const type_names[] = {"none", "L1", "L2", "L3", "L4", "L2 top", "segdesc", "writable"};

static void print_type(struct type_word type)
{
    fprintf(stderr, "%s, count %u%s%s%s", type_names[type_of(type)], type_count(type),
            type_is_validated(type) ? ", validated" : "", type_is_busy(type) ? ", busy" : "",
            type_is_pinned(type) ? ", pinned" : "");
}

void sim_print_finding(const struct sim_finding *finding)
{
    fprintf(stderr, "rule: %s: cpu %u, vaddr %#llx, frame %#llx of domain %#x (", finding->rule, finding->cpu,
            (unsigned long long)finding->vaddr.v, (unsigned long long)finding->frame.v, finding->owner);
    print_type(finding->type);
    fprintf(stderr, ")\n");
}

void sim_print_refusal(const struct refusal *refusal)
{
    fprintf(stderr, "refused: -%d %s (%s): call %u, entry %u", (int)refusal->error, refusal_name(refusal->reason),
            refusal_text(refusal->reason), refusal->call, refusal->index);
    if (!mfn_is_none(refusal->slot.table))
        fprintf(stderr, ", slot %u of L%u table %#llx", refusal->slot.index, refusal->slot.level,
                (unsigned long long)refusal->slot.table.v);
    if (!mfn_is_none(refusal->frame)) {
        fprintf(stderr, ", frame %#llx of domain %#x (", (unsigned long long)refusal->frame.v, refusal->owner.v);
        print_type(refusal->type);
        fprintf(stderr, ")");
    }
    fprintf(stderr, ", value %#llx\n", (unsigned long long)refusal->value);
}
