/* SPDX-License-Identifier: MIT */
/* A refusal in words: each number with what it stands for. */
#include <abi/hypercall.h>
#include <abi/memory.h>
#include <abi/mmuext.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/base/print.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/report_names.h>

#define COMMAND_NAME(name) [name] = #name

static const char *const mmuext_names[] = {
    COMMAND_NAME(MMUEXT_PIN_L1_TABLE),    COMMAND_NAME(MMUEXT_PIN_L2_TABLE),  COMMAND_NAME(MMUEXT_PIN_L3_TABLE),
    COMMAND_NAME(MMUEXT_PIN_L4_TABLE),    COMMAND_NAME(MMUEXT_UNPIN_TABLE),   COMMAND_NAME(MMUEXT_NEW_BASEPTR),
    COMMAND_NAME(MMUEXT_TLB_FLUSH_LOCAL), COMMAND_NAME(MMUEXT_INVLPG_LOCAL),  COMMAND_NAME(MMUEXT_TLB_FLUSH_MULTI),
    COMMAND_NAME(MMUEXT_INVLPG_MULTI),    COMMAND_NAME(MMUEXT_TLB_FLUSH_ALL), COMMAND_NAME(MMUEXT_INVLPG_ALL),
    COMMAND_NAME(MMUEXT_FLUSH_CACHE),     COMMAND_NAME(MMUEXT_SET_LDT),       COMMAND_NAME(MMUEXT_NEW_USER_BASEPTR),
    COMMAND_NAME(MMUEXT_CLEAR_PAGE),      COMMAND_NAME(MMUEXT_COPY_PAGE),     COMMAND_NAME(MMUEXT_FLUSH_CACHE_GLOBAL),
    COMMAND_NAME(MMUEXT_MARK_SUPER),      COMMAND_NAME(MMUEXT_UNMARK_SUPER),
};

static const char *const memory_names[] = {
    COMMAND_NAME(XENMEM_increase_reservation), COMMAND_NAME(XENMEM_decrease_reservation),
    COMMAND_NAME(XENMEM_populate_physmap),     COMMAND_NAME(XENMEM_exchange),
    COMMAND_NAME(XENMEM_current_reservation),  COMMAND_NAME(XENMEM_maximum_reservation),
    COMMAND_NAME(XENMEM_machphys_mapping),
};

static const char *const type_names[] = {
    [TYPE_NONE] = "of no type",
    [TYPE_L1] = "an L1 table",
    [TYPE_L2] = "an L2 table",
    [TYPE_L3] = "an L3 table",
    [TYPE_L4] = "an L4 table",
    [TYPE_L2_TOP] = "the topmost L2 table",
    [TYPE_SEGDESC] = "a descriptor table",
    [TYPE_WRITABLE] = "writable",
};

static const char *type_name(uint64_t type)
{
    const char *name = TABLE_FIND(type_names, type);

    return name ? name : "of an unknown type";
}

/* What a guest does without a call. */
static const char *const step_names[] = {
    [CALL_NONE - CALL_TABLE_WRITE] = "a write to a page table",
    [CALL_NONE - CALL_LDT_USE] = "a use of the LDT",
    [CALL_NONE - CALL_CR3_WRITE] = "a write to cr3",
    [CALL_NONE - CALL_USER_MODE] = "a change to user mode",
};

static void print_call(const struct refusal *refusal)
{
    unsigned step = CALL_NONE - refusal->call;
    const char *name = TABLE_FIND(step_names, step);

    if (!refusal->vcpu || refusal->call == CALL_NONE)
        print("a step of the hypervisor's own");
    else if (name)
        print("%s", name);
    else
        report_print_call(refusal->call);
}

/* NULL: the call has no commands, or that one has no name. */
static const char *command_name(const struct refusal *refusal)
{
    if (refusal->call == __HYPERVISOR_mmuext_op)
        return TABLE_FIND(mmuext_names, refusal->command);
    if (refusal->call == __HYPERVISOR_memory_op)
        return TABLE_FIND(memory_names, refusal->command);
    return NULL;
}

/* The call that was made, its command, and where in the batch. */
static void print_request(const struct refusal *refusal)
{
    const char *name = command_name(refusal);

    print_call(refusal);
    if (name)
        print(" %s", name);
    if (refusal->call == __HYPERVISOR_mmu_update || refusal->call == __HYPERVISOR_mmuext_op ||
        refusal->call == __HYPERVISOR_multicall)
        print(", entry %u", refusal->index);
}

static void print_entry(uint64_t entry)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } flags[] = {
        {ENTRY_PRESENT, "present"}, {ENTRY_RW, "writable"},   {ENTRY_USER, "user"},     {ENTRY_PWT, "PWT"},
        {ENTRY_PCD, "PCD"},         {ENTRY_PSE, "PS or PAT"}, {ENTRY_GLOBAL, "global"}, {ENTRY_NX, "not executable"},
    };

    print("the entry %016lx: frame %lx", entry, entry_mfn(entry).v);
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        if (entry & flags[i].flag)
            print(", %s", flags[i].name);
    }
}

static void print_value(const struct refusal *refusal)
{
    uint64_t value = refusal->value;
    enum refusal_value kind = refusal_value(refusal->reason);

    if (kind == VALUE_FRAME && refusal->slot.level > 0 && refusal->reason != REFUSE_ROOT_ABOVE_4G)
        kind = VALUE_ENTRY;
    switch (kind) {
    case VALUE_ENTRY:
        print_entry(value);
        return;
    case VALUE_ADDRESS:
        print("the address %016lx", value);
        return;
    case VALUE_FRAME:
        print("the frame %lx", value);
        return;
    case VALUE_TYPE:
        print("it was to be %s", type_name(value));
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
    print(", %s, %u use%s%s\n", type_name(type_of(refusal->type)), type_count(refusal->type),
          type_count(refusal->type) == 1 ? "" : "s", type_is_pinned(refusal->type) ? ", pinned" : "");
}

void report_refusal(const struct noted_refusal *noted)
{
    const struct refusal *refusal = &noted->refusal;

    print("refused: ");
    print_request(refusal);
    print(": ");
    report_print_result(-(int64_t)refusal->error);
    print(", %s: %s\n    ", refusal_name(refusal->reason), refusal_text(refusal->reason));
    print_value(refusal);
    print_place(refusal);
    print("\n");
    print_frame(refusal);
    if (refusal->vcpu)
        print("    domain %u, vCPU %u, rip %04x:%016lx, on its stack %016lx\n", noted->domain.v, noted->vcpu, noted->cs,
              noted->rip, noted->top);
}
