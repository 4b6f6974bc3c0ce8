/* SPDX-License-Identifier: MIT */
/*
 * An explanation in words, behind report_refusal(): in order, what is known; what made the frame a table; who uses it;
 * what to do, which is about the mistake if that is known, otherwise about the reason.
 */
#include <engine/frame.h>
#include <engine/level.h>
#include <hv/base/call_names.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/report.h>
#include <hv/domain/report_names.h>

#define LINE_LENGTH 96u
#define INDENT      "    "

static void print_pfn(const struct domain *domain, mfn_t mfn)
{
    uint64_t pfn;

    if (search_pfn(domain, mfn, &pfn))
        print(" (pfn %lx)", pfn);
}

/* The record has told it already where it is what was refused. */
static bool is_told(const struct explanation *explanation)
{
    enum refusal_value kind = refusal_value(explanation->noted->refusal.reason);

    return explanation->entry == explanation->noted->refusal.value && kind != VALUE_TYPE;
}

static void print_entry(const struct explanation *explanation)
{
    unsigned level = explanation->noted->refusal.slot.level;

    if (!explanation->knows_entry || is_told(explanation))
        return;
    print(INDENT "asked for: entry %016lx", explanation->entry);
    if (!(explanation->entry & ENTRY_PRESENT)) {
        print(", not present\n");
        return;
    }
    print(", frame %lx", entry_mfn(explanation->entry).v);
    print_pfn(explanation->domain, entry_mfn(explanation->entry));
    report_print_flags(explanation->entry, level, ", ");
    print("\n");
}

static void print_place(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    if (explanation->flags) {
        report_print_flags(explanation->flags, refusal->slot.level, INDENT "not allowed of these: ");
        print("\n");
    }
    if (explanation->knows_address && refusal_value(refusal->reason) != VALUE_ADDRESS)
        print(INDENT "%s: %016lx\n", refusal->slot.level > 1 ? "for addresses from" : "for address",
              explanation->address.v);
    if (!mfn_is_none(explanation->missing.table))
        print(INDENT "not present: slot %u of the L%u table in frame %lx\n", explanation->missing.index,
              explanation->missing.level, explanation->missing.table.v);
}

static void print_frame(const struct explanation *explanation)
{
    if (explanation->is_pfn)
        print(INDENT "%lx is a pfn of the domain's, which has frame %lx for it\n", explanation->frame.v,
              explanation->meant.v);
    else if (explanation->knows_pfn && (!explanation->knows_entry || is_told(explanation)))
        print(INDENT "frame %lx is the domain's pfn %lx\n", explanation->frame.v, explanation->pfn);
}

/* A call is one of those that its vCPU has made; what is none comes behind one, or the hypervisor does it in one. */
static const char *place_among_calls(const struct origin *origin)
{
    if (origin->call == CALL_NONE)
        return "in call";
    return report_step_name(origin->call) ? "behind call" : "call";
}

static void print_origin(const struct explanation *explanation)
{
    const struct origin *origin = &explanation->origin;
    const char *step = report_step_name(origin->call), *command = call_command_name(origin->call, origin->command);

    if (!explanation->knows_origin)
        return;
    print(INDENT "became %s ", report_type_name(origin->type));
    if (origin->domain == OWNER_NONE) {
        print("when the domain was built\n");
        return;
    }
    print("by %s%s%s, %s %u of ", step ? step : call_name(origin->call), command ? " " : "", command ? command : "",
          place_among_calls(origin), origin->number);
    if (origin->domain != explanation->domain->id.v)
        print("domain %u's ", origin->domain);
    print("vCPU %u", origin->vcpu);
    if (origin->place)
        print(", %s %016lx", step && origin->call != CALL_NONE ? "at rip" : "called from", origin->place);
    print("\n");
}

static void print_use(const struct explanation *explanation, const struct use *use)
{
    switch (use->kind) {
    case USE_PIN:
        print("its pin");
        return;
    case USE_ENTRY:
        print("slot %u of the L%u table in frame %lx", use->slot.index, use->slot.level, use->slot.table.v);
        print_pfn(explanation->domain, use->slot.table);
        if (use->knows_address)
            print(use->slot.level > 1 ? ", addresses from %016lx" : ", address %016lx", use->address.v);
        return;
    case USE_KERNEL_ROOT:
        print("vCPU %u, whose root it is", use->vcpu);
        return;
    case USE_USER_ROOT:
        print("vCPU %u, whose root of user mode it is", use->vcpu);
        return;
    case USE_GDT:
        print("vCPU %u, page %u of its GDT", use->vcpu, use->page);
        return;
    case USE_LDT:
        print("vCPU %u, page %u of its LDT", use->vcpu, use->page);
        return;
    case USE_SHARED:
        print("the hypervisor, which shares it with the guest");
        return;
    case USE_HELD:
        print("the hypervisor, for vcpu_info, events or a ring");
        return;
    }
}

static void print_uses(const struct explanation *explanation)
{
    for (unsigned i = 0; i < explanation->nr_uses && i < USES_SHOWN; i++) {
        print(INDENT "in use by: ");
        print_use(explanation, &explanation->uses[i]);
        print("\n");
    }
    if (explanation->nr_uses > USES_SHOWN)
        print(INDENT "and by %u more\n", explanation->nr_uses - USES_SHOWN);
    if (!explanation->is_whole)
        print(INDENT "and perhaps by others: there are too many tables to look at all\n");
}

static unsigned word_length(const char *text)
{
    unsigned length = 0;

    while (text[length] && text[length] != ' ')
        length++;
    return length;
}

/* Words, in lines that are not too long, from @column on; returns the column where they end. */
static unsigned print_words(const char *text, unsigned column)
{
    while (*text) {
        unsigned length = word_length(text);

        if (column > 0 && column + 1 + length > LINE_LENGTH) {
            print("\n" INDENT);
            column = 0;
        }
        if (column > 0)
            print(" ");
        column += length + (column > 0);
        while (length-- > 0)
            print("%c", *text++);
        text += *text == ' ';
    }
    return column;
}

static void print_paragraph(const char *head, const char *text)
{
    print(INDENT);
    (void)print_words(text, print_words(head, 0));
    print("\n");
}

void report_explanation(const struct explanation *explanation)
{
    const char *advice = refusals_advice(explanation->noted);

    print_entry(explanation);
    print_place(explanation);
    print_frame(explanation);
    print_origin(explanation);
    print_uses(explanation);
    if (explanation->mistake || advice)
        print_paragraph("What to do:", explanation->mistake ? explanation->mistake : advice);
}
