/* SPDX-License-Identifier: MIT */
/* In order: calls and their results; types of frames; entries in words. */
#include <engine/level.h>
#include <engine/refuse.h>
#include <hv/base/call_names.h>
#include <hv/base/print.h>
#include <hv/domain/report_names.h>

/* CALL_NONE, and what a guest does without a call. */
static const char *const step_names[] = {
    [0] = "a step of the hypervisor's own",
    [CALL_NONE - CALL_TABLE_WRITE] = "a write to a page table",
    [CALL_NONE - CALL_LDT_USE] = "a use of the LDT",
    [CALL_NONE - CALL_CR3_WRITE] = "a write to cr3",
    [CALL_NONE - CALL_USER_MODE] = "a change to user mode",
};

const char *report_step_name(unsigned call)
{
    return TABLE_FIND(step_names, CALL_NONE - call);
}

void report_print_call(uint64_t number)
{
    const char *name = call_name(number);

    if (name)
        print("%s", name);
    else
        print("hypercall %lu", number);
}

void report_print_result(int64_t result)
{
    const char *name = result < 0 ? call_error_name(-(uint64_t)result) : NULL;

    if (name)
        print("-%s", name);
    else
        print("%ld", result);
}

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

const char *report_type_name(uint64_t type)
{
    const char *name = TABLE_FIND(type_names, type);

    return name ? name : "of an unknown type";
}

static const struct {
    uint64_t flag;
    const char *name, *upper; /* at level 1, or at a level that is not known; above */
} flags[] = {
    {ENTRY_PRESENT, "present", "present"},
    {ENTRY_RW, "writable", "writable"},
    {ENTRY_USER, "user", "user"},
    {ENTRY_PWT, "PWT", "PWT"},
    {ENTRY_PCD, "PCD", "PCD"},
    {ENTRY_PSE, "PS or PAT", "PSE"},
    {ENTRY_GLOBAL, "global", "global"},
    {ENTRY_NX, "not executable", "not executable"},
};

const char *report_flag_name(unsigned i, uint64_t entry, unsigned level)
{
    if (!(entry & flags[i].flag))
        return NULL;
    if (flags[i].flag == ENTRY_PAT && level == 1)
        return "PAT";
    return level > 1 ? flags[i].upper : flags[i].name;
}
_Static_assert(ARRAY_SIZE(flags) == REPORT_FLAGS, "report_flag_name()");

void report_print_flags(uint64_t entry, unsigned level, const char *first)
{
    for (unsigned i = 0; i < REPORT_FLAGS; i++) {
        const char *name = report_flag_name(i, entry, level);

        if (!name)
            continue;
        print("%s%s", first, name);
        first = ", ";
    }
}

void report_print_entry(uint64_t entry, unsigned level)
{
    print("the entry %016lx: frame %lx", entry, entry_mfn(entry).v);
    report_print_flags(entry, level, ", ");
}
