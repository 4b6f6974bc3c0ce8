/* SPDX-License-Identifier: MIT */
/* A refusal in words: each number with what it stands for. */
#include <abi/hypercall.h>
#include <engine/engine.h>
#include <hv/base/call_names.h>
#include <hv/base/print.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/report_names.h>

static void print_call(const struct refusal *refusal)
{
    const char *name = report_step_name(refusal->call);

    if (!refusal->vcpu)
        name = report_step_name(CALL_NONE);
    if (name)
        print("%s", name);
    else
        report_print_call(refusal->call);
}

/* The call that was made, its command, and where in the batch. */
static void print_request(const struct refusal *refusal)
{
    const char *name = call_command_name(refusal->call, refusal->command);

    print_call(refusal);
    if (name)
        print(" %s", name);
    if (refusal->call == __HYPERVISOR_mmu_update || refusal->call == __HYPERVISOR_mmuext_op ||
        refusal->call == __HYPERVISOR_multicall)
        print(", entry %u", refusal->index);
}

static void print_value(const struct refusal *refusal)
{
    uint64_t value = refusal->value;
    enum refusal_value kind = refusal_value(refusal->reason);

    if (refusal_is_of_entry(refusal)) {
        report_print_entry(value, refusal->slot.level);
        return;
    }
    switch (kind) {
    case VALUE_ADDRESS:
        print("the address %016lx", value);
        return;
    case VALUE_FRAME:
        print("the frame %lx", value);
        return;
    case VALUE_TYPE:
        print("it was to be %s", report_type_name(value));
        return;
    case VALUE_DOMAIN:
        print("the domain %lu", value);
        return;
    case VALUE_VCPU:
        print("the vCPU %lu", value);
        return;
    case VALUE_CALL:
        report_print_call(value);
        return;
    case VALUE_COMMAND:
        print("the command %lu", value);
        return;
    case VALUE_DESCRIPTOR:
        print("the descriptor %016lx", value);
        return;
    case VALUE_ENTRY:
    case VALUE_NUMBER:
        break;
    }
    print("the number %lx", value);
}

static void print_place(const struct refusal *refusal)
{
    if (mfn_is_none(refusal->slot.table))
        return;
    if (refusal->slot.level > 0)
        print(", for slot %u of the L%u table in frame %lx", refusal->slot.index, refusal->slot.level,
              refusal->slot.table.v);
    else
        print(", for the 8 bytes at %x of frame %lx", refusal->slot.index * 8, refusal->slot.table.v);
}

static void print_frame(const struct refusal *refusal)
{
    if (mfn_is_none(refusal->frame))
        return;
    print("    frame %lx", refusal->frame.v);
    if (refusal->owner.v < DOMID_FIRST_RESERVED)
        print(" of domain %u", refusal->owner.v);
    print(", %s, %u use%s%s\n", report_type_name(type_of(refusal->type)), type_count(refusal->type),
          type_count(refusal->type) == 1 ? "" : "s", type_is_pinned(refusal->type) ? ", pinned" : "");
}

static void print_place_of_call(const struct noted_refusal *noted)
{
    print("    domain %u, vCPU %u, rip %04x:%016lx", noted->domain.v, noted->vcpu, noted->cs, noted->rip);
    if (noted->asked.is_in_multicall)
        print(", entry %u of a multicall", noted->asked.place);
    if (noted->asked.caller)
        print(", called from %016lx", noted->asked.caller);
    print("\n");
}

void report_refusal(const struct noted_refusal *noted)
{
    const struct refusal *refusal = &noted->refusal;

    print("refused: ");
    print_request(refusal);
    print(": ");
    report_print_result(-(int64_t)refusal->error);
    print(", %s: %s\n    ", refusals_name(noted), refusals_text(noted));
    if (noted->why)
        print(call_reason_words(noted->why)->value, refusal->value);
    else
        print_value(refusal);
    print_place(refusal);
    print("\n");
    print_frame(refusal);
    if (refusal->vcpu && noted->cs)
        print_place_of_call(noted);
}
