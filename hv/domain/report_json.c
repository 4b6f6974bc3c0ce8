/* SPDX-License-Identifier: MIT */
/*
 * A refusal and what is behind it as a JSON object on one line, for programs: in order, the parts that values are made
 * of; who asked for what; what it was about; what keeps it from that; all of it.  Frames, entries and addresses are
 * strings of hexadecimal digits.  What is not known is not there.
 */
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/base/call_names.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/report.h>
#include <hv/domain/report_names.h>

/* A member behind others.  What is said of it needs no escapes but those of quotes. */
static void print_text(const char *key, const char *text)
{
    if (!text)
        return;
    print(",\"%s\":\"", key);
    for (; *text; text++)
        print(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    print("\"");
}

static void print_number(const char *key, uint64_t number)
{
    print(",\"%s\":\"%lx\"", key, number);
}

static void print_pfn(const struct domain *domain, mfn_t mfn)
{
    uint64_t pfn;

    if (search_pfn(domain, mfn, &pfn))
        print_number("pfn", pfn);
}

static void print_slot(const char *key, struct slot slot)
{
    if (!mfn_is_none(slot.table))
        print(",\"%s\":{\"table\":\"%lx\",\"level\":%u,\"index\":%u}", key, slot.table.v, slot.level, slot.index);
}

static void print_flags(const char *key, uint64_t entry, unsigned level)
{
    const char *comma = "";

    print(",\"%s\":[", key);
    for (unsigned i = 0; i < REPORT_FLAGS; i++) {
        const char *name = report_flag_name(i, entry, level);

        if (!name)
            continue;
        print("%s\"%s\"", comma, name);
        comma = ",";
    }
    print("]");
}

/*
 * ---- Who asked for what.
 */

static void print_asker(const struct noted_refusal *noted)
{
    print("{\"domain\":%u,\"vcpu\":%u,\"rip\":\"%016lx\"", noted->domain.v, noted->vcpu, noted->rip);
    if (noted->asked.caller)
        print(",\"caller\":\"%016lx\"", noted->asked.caller);
}

static void print_request(const struct noted_refusal *noted)
{
    const struct refusal *refusal = &noted->refusal;
    const char *step = report_step_name(refusal->call), *error = call_error_name(refusal->error);

    print_text("call", step ? step : call_name(refusal->call));
    print_text("command", call_command_name(refusal->call, refusal->command));
    print(",\"index\":%u", refusal->index);
    if (noted->asked.is_in_multicall)
        print(",\"multicall\":%u", noted->asked.place);
    if (error)
        print(",\"error\":\"-%s\"", error);
    else
        print_text("error", "?");
    print_text("reason", refusals_name(noted));
    print_text("text", refusals_text(noted));
    if (!noted->why && refusal_value(refusal->reason) == VALUE_TYPE)
        print_text("wanted", report_type_name(refusal->value));
    else
        print_number("value", refusal->value);
}

/*
 * ---- What it was about.
 */

static void print_entry(const struct explanation *explanation)
{
    unsigned level = explanation->noted->refusal.slot.level;

    if (explanation->knows_entry) {
        print(",\"entry\":{\"bits\":\"%016lx\",\"frame\":\"%lx\"", explanation->entry, entry_mfn(explanation->entry).v);
        print_pfn(explanation->domain, entry_mfn(explanation->entry));
        print_flags("flags", explanation->entry, level);
        print_flags("not_allowed", explanation->flags, level);
        print("}");
    }
    if (explanation->knows_address)
        print_number("address", explanation->address.v);
    print_slot("missing", explanation->missing);
}

static void print_frame(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    if (!mfn_is_none(refusal->frame)) {
        print(",\"frame\":{\"frame\":\"%lx\"", refusal->frame.v);
        print_pfn(explanation->domain, refusal->frame);
        if (refusal->owner.v < DOMID_FIRST_RESERVED)
            print(",\"owner\":%u", refusal->owner.v);
        print_text("type", report_type_name(type_of(refusal->type)));
        print(",\"uses\":%u,\"pinned\":%s}", type_count(refusal->type),
              type_is_pinned(refusal->type) ? "true" : "false");
    }
    if (explanation->is_pfn)
        print_number("frame_of_pfn", explanation->meant.v);
}

/*
 * ---- What keeps it from that.
 */

static void print_origin(const struct explanation *explanation)
{
    const struct origin *origin = &explanation->origin;
    const char *step = report_step_name(origin->call);

    if (!explanation->knows_origin)
        return;
    print(",\"origin\":{\"built\":%s", origin->domain == OWNER_NONE ? "true" : "false");
    print_text("type", report_type_name(origin->type));
    if (origin->domain != OWNER_NONE) {
        print_text("call", step ? step : call_name(origin->call));
        print_text("command", call_command_name(origin->call, origin->command));
        print(",\"number\":%u,\"domain\":%u,\"vcpu\":%u,\"%s\":\"%016lx\"", origin->number, origin->domain,
              origin->vcpu, step && origin->call != CALL_NONE ? "rip" : "caller", origin->place);
    }
    print("}");
}

static void print_use(const struct use *use)
{
    static const char *const kinds[] = {
        [USE_PIN] = "pin", [USE_ENTRY] = "entry", [USE_KERNEL_ROOT] = "root", [USE_USER_ROOT] = "root of user mode",
        [USE_GDT] = "GDT", [USE_LDT] = "LDT",     [USE_SHARED] = "shared",    [USE_HELD] = "held",
    };

    print("{\"by\":\"%s\"", kinds[use->kind]);
    if (use->kind == USE_ENTRY)
        print_slot("slot", use->slot);
    else
        print(",\"vcpu\":%u,\"page\":%u", use->vcpu, use->page);
    if (use->knows_address)
        print_number("address", use->address.v);
    print("}");
}

static void print_uses(const struct explanation *explanation)
{
    print(",\"in_use\":[");
    for (unsigned i = 0; i < explanation->nr_uses && i < USES_SHOWN; i++) {
        print("%s", i ? "," : "");
        print_use(&explanation->uses[i]);
    }
    print("],\"in_use_count\":%u,\"in_use_complete\":%s", explanation->nr_uses,
          explanation->is_whole ? "true" : "false");
}

void report_json(const struct explanation *explanation)
{
    const struct noted_refusal *noted = explanation->noted;

    print_asker(noted);
    print_request(noted);
    print_slot("slot", noted->refusal.slot);
    print_entry(explanation);
    print_frame(explanation);
    print_origin(explanation);
    print_uses(explanation);
    print_text("advice", explanation->mistake ? explanation->mistake : refusals_advice(noted));
    print("}\n");
}
