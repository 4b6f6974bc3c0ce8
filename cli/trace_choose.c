/* SPDX-License-Identifier: MIT */
/* What is told of a trace: in order, groups and calls; conditions; whether a record is wanted. */
#include <stdlib.h>
#include <string.h>

#include <hv/base/call_names.h>
#include <cli/trace.h>

static bool is(const char *word, size_t length, const char *name)
{
    return strlen(name) == length && !strncmp(word, name, length);
}

/* ---- Groups and calls. */

static const struct group {
    const char *name;
    enum trace_kind kind;
} groups[] = {{"upcalls", TRACE_UPCALL}, {"exceptions", TRACE_EXCEPTION}, {"emulations", TRACE_EMULATION}};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static void choose_calls(struct trace *trace)
{
    memset(trace->wanted, true, sizeof(trace->wanted));
}

static bool choose_group(struct trace *trace, const char *word, size_t length)
{
    for (size_t i = 0; i < GROUPS; i++) {
        if (is(word, length, groups[i].name) || is(word, length, "all"))
            trace->has_traps = trace->wanted_kinds[groups[i].kind] = true;
    }
    if (is(word, length, "all") || is(word, length, "calls")) {
        choose_calls(trace);
        return true;
    }
    for (size_t i = 0; i < GROUPS; i++) {
        if (is(word, length, groups[i].name))
            return true;
    }
    return false;
}

static bool choose_call(struct trace *trace, const char *word, size_t length)
{
    for (unsigned i = 0; i < TRACE_CALLS_MAX; i++) {
        const char *name = call_name(i);

        if (name && is(word, length, name))
            return trace->wanted[i] = true;
    }
    return false;
}

enum status trace_choose(struct trace *trace, const char *words)
{
    bool is_chosen = false;

    while (*words) {
        size_t length = strcspn(words, ",");

        if (is(words, length, "summary")) {
            trace->is_summary = true;
        } else if (choose_group(trace, words, length) || choose_call(trace, words, length)) {
            is_chosen = true;
        } else {
            say_error("--trace: %.*s: no hypercall has that name, such as mmu_update, and it is none of summary, "
                      "calls, upcalls, exceptions, emulations, all",
                      (int)length, words);
            return STATUS_USAGE;
        }
        words += length;
        words += *words == ',';
    }
    if (!is_chosen)
        choose_calls(trace);
    return STATUS_GOOD;
}

/* ---- Conditions. */

static bool read_number(const char *text, size_t length, int base, uint64_t *number)
{
    char digits[24], *end;

    if (!length || length >= sizeof(digits) || *text == '-' || *text == '+')
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *number = strtoull(digits, &end, base);
    return !*end;
}

/* NUMBER or NUMBER-NUMBER. */
static bool read_range(const char *text, size_t length, int base, struct trace_range *range)
{
    const char *dash = memchr(text, '-', length);
    size_t first = dash ? (size_t)(dash - text) : length;

    if (!read_number(text, first, base, &range->first))
        return false;
    if (!dash)
        range->last = range->first;
    return !dash || (read_number(dash + 1, length - first - 1, base, &range->last) && range->first <= range->last);
}

/* What begins with a digit is an address, and so is what could be one, of eight digits and more. */
static bool read_place(const char *text, size_t length, struct trace_range *range)
{
    bool is_number = length > 1 && text[0] >= '0' && text[0] <= '9';

    if (is_number || (length >= 8 && strspn(text, "0123456789abcdefABCDEFx-") >= length))
        return read_range(text, length, 16, range);
    *range = (struct trace_range){.function = text, .length = length};
    return length > 0;
}

static bool add_condition(struct trace_filter *filter, const char *word, size_t length)
{
    const char *equals = memchr(word, '=', length);
    size_t key = equals ? (size_t)(equals - word) : length, left = equals ? length - key - 1 : 0;

    if (is(word, length, "errors"))
        return filter->errors = true;
    if (!equals)
        return false;
    if (is(word, key, "vcpu"))
        return filter->nr_vcpus < TRACE_RANGES_MAX &&
               read_range(equals + 1, left, 10, &filter->vcpus[filter->nr_vcpus++]);
    if (is(word, key, "domain"))
        return filter->nr_domains < TRACE_RANGES_MAX &&
               read_range(equals + 1, left, 10, &filter->domains[filter->nr_domains++]);
    return is(word, key, "rip") && filter->nr_places < TRACE_RANGES_MAX &&
           read_place(equals + 1, left, &filter->places[filter->nr_places++]);
}

enum status trace_read_conditions(struct trace_filter *filter, const char *conditions)
{
    while (*conditions) {
        size_t length = strcspn(conditions, ",");

        if (!add_condition(filter, conditions, length)) {
            say_error("--trace-only: %.*s: expected errors, vcpu=N, vcpu=N-N, domain=N, rip=ADDRESS-ADDRESS or "
                      "rip=FUNCTION, at most %u of each",
                      (int)length, conditions, TRACE_RANGES_MAX);
            return STATUS_USAGE;
        }
        conditions += length;
        conditions += *conditions == ',';
    }
    return STATUS_GOOD;
}

/* ---- Is it wanted? */

const struct symbols *trace_symbols(const struct trace *trace, unsigned domain)
{
    for (unsigned i = 0; i < trace->nr_guests; i++) {
        if (trace->guests[i].number == domain)
            return &trace->guests[i].symbols;
    }
    return NULL;
}

static bool is_in(const struct trace_range *ranges, unsigned count, uint64_t number)
{
    for (unsigned i = 0; i < count; i++) {
        if (number >= ranges[i].first && number <= ranges[i].last)
            return true;
    }
    return count == 0;
}

static bool is_at(const struct trace *trace, const struct trace_record *record, uint64_t place)
{
    const struct symbols *symbols = trace_symbols(trace, record->domain);
    uint64_t offset;
    const char *name = symbols && place ? symbols_find(symbols, place, &offset) : NULL;

    for (unsigned i = 0; i < trace->filter.nr_places; i++) {
        const struct trace_range *range = &trace->filter.places[i];

        if (range->function ? name && is(range->function, range->length, name)
                            : place >= range->first && place <= range->last)
            return true;
    }
    return false;
}

static bool fulfils(const struct trace *trace, const struct trace_record *record)
{
    const struct trace_filter *filter = &trace->filter;

    if (filter->errors && (record->result >= 0 || record->result == TRACE_NO_RESULT))
        return false;
    return is_in(filter->vcpus, filter->nr_vcpus, record->vcpu) &&
           is_in(filter->domains, filter->nr_domains, record->domain) &&
           (!filter->nr_places || is_at(trace, record, record->rip) || is_at(trace, record, record->caller));
}

bool trace_wants(struct trace *trace, const struct trace_record *record)
{
    uint64_t number = record->number < TRACE_CALLS_MAX ? record->number : TRACE_CALLS_MAX;

    if (record->kind == TRACE_MORE)
        return trace->is_told;
    if (record->kind >= TRACE_KINDS)
        return false;
    if (record->kind >= TRACE_EXCEPTION)
        return trace->wanted_kinds[record->kind] && fulfils(trace, record);
    trace->is_told = trace->wanted[number] && fulfils(trace, record);
    if (record->kind == TRACE_CALL)
        trace->is_outer_told = trace->is_told;
    return trace->is_told;
}
