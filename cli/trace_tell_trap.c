/* SPDX-License-Identifier: MIT */
/* An exception, an emulation or an upcall: in order, names; in words; as a line of JSON. */
#include <inttypes.h>
#include <string.h>

#include <cli/trace.h>

#define PAGE_FAULT  14
#define PREFIX_SIZE 5  /* of a forced emulation: abi/xen.h */
#define SHOWN_SIZE  15 /* of an instruction, at most */

static const char *const names[] = {
    [0] = "#DE",  [1] = "#DB",          [3] = "#BP",  [4] = "#OF",  [5] = "#BR",
    [6] = "#UD",  [7] = "#NM",          [10] = "#TS", [11] = "#NP", [12] = "#SS",
    [13] = "#GP", [PAGE_FAULT] = "#PF", [16] = "#MF", [17] = "#AC", [19] = "#XM",
};

static const char *name_of(uint64_t vector)
{
    return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : NULL;
}

/* Those that are carried out for a guest most; what has a prefix or an operand begins as the others of its kind do. */
static const struct mnemonic {
    const char *bytes;
    size_t size;
    const char *name;
} mnemonics[] = {
    {"\x0f\x01\xd0", 3, "xgetbv"},
    {"\x0f\x01\xd1", 3, "xsetbv"},
    {"\x0f\x01", 2, "invlpg or the like"},
    {"\x0f\x06", 2, "clts"},
    {"\x0f\x09", 2, "wbinvd"},
    {"\x0f\x20", 2, "mov from a control register"},
    {"\x0f\x21", 2, "mov from a debug register"},
    {"\x0f\x22", 2, "mov to a control register"},
    {"\x0f\x23", 2, "mov to a debug register"},
    {"\x0f\x30", 2, "wrmsr"},
    {"\x0f\x31", 2, "rdtsc"},
    {"\x0f\x32", 2, "rdmsr"},
    {"\x0f\xa2", 2, "cpuid"},
    {"\xe4", 1, "in"},
    {"\xe5", 1, "in"},
    {"\xe6", 1, "out"},
    {"\xe7", 1, "out"},
    {"\xec", 1, "in"},
    {"\xed", 1, "in"},
    {"\xee", 1, "out"},
    {"\xef", 1, "out"},
    {"\x66\xed", 2, "in"},
    {"\x66\xef", 2, "out"},
    {"\xf4", 1, "hlt"},
    {"\xfa", 1, "cli"},
    {"\xfb", 1, "sti"},
};

static const char *mnemonic_of(const struct trace_record *record, const uint8_t bytes[static SHOWN_SIZE])
{
    size_t skip = memcmp(bytes, "\x0f\x0bxen", PREFIX_SIZE) ? 0 : PREFIX_SIZE;

    if (record->number == PAGE_FAULT)
        return "write to a table";
    for (size_t i = 0; i < sizeof(mnemonics) / sizeof(mnemonics[0]); i++) {
        if (!memcmp(bytes + skip, mnemonics[i].bytes, mnemonics[i].size))
            return mnemonics[i].name;
    }
    return "instruction";
}

/* As far as the record has them. */
static void take_bytes(const struct trace_record *record, const uint64_t *payload, uint8_t bytes[static SHOWN_SIZE])
{
    memset(bytes, 0, SHOWN_SIZE);
    if (record->payload == TRACE_INSTRUCTION && record->words >= TRACE_RECORD_WORDS + 2)
        memcpy(bytes, payload, SHOWN_SIZE);
}

/* ---- In words. */

static void tell_exception(const struct trace *trace, const struct trace_record *record)
{
    const char *name = name_of(record->number);

    fprintf(trace->to, "exception %" PRIu64 "%s%s, error %" PRIx64, record->number, name ? " " : "", name ? name : "",
            record->args[TRAP_ERROR]);
    if (record->number == PAGE_FAULT)
        fprintf(trace->to, ", address %" PRIx64, record->args[TRAP_ADDRESS]);
    fputs(record->args[TRAP_USER] ? ", in user mode" : "", trace->to);
    fputs(" -> ", trace->to);
    trace_tell_place(trace, record->domain, record->args[TRAP_HANDLER]);
}

static void tell_emulation(const struct trace *trace, const struct trace_record *record, const uint8_t *bytes)
{
    fprintf(trace->to, "emulation: %s (", mnemonic_of(record, bytes));
    for (unsigned i = 0; i < SHOWN_SIZE; i++)
        fprintf(trace->to, "%s%02x", i ? " " : "", bytes[i]);
    if (record->number == PAGE_FAULT)
        fprintf(trace->to, "), address %" PRIx64 " -> entry %" PRIx64, record->args[TRAP_ADDRESS],
                record->args[TRAP_VALUE]);
    else
        fprintf(trace->to, "), rcx %" PRIx64 " -> rax %" PRIx64 ", rdx %" PRIx64, record->args[TRAP_ADDRESS],
                record->args[TRAP_VALUE], record->args[TRAP_VALUE_HIGH]);
}

static void tell_words(const struct trace *trace, const struct trace_record *record, const uint8_t *bytes)
{
    fprintf(trace->to, "%" PRIu64 " d%uv%u ", record->began - trace->first, record->domain, record->vcpu);
    trace_tell_place(trace, record->domain, record->rip);
    fputc(' ', trace->to);
    if (record->kind == TRACE_EXCEPTION) {
        tell_exception(trace, record);
    } else if (record->kind == TRACE_EMULATION) {
        tell_emulation(trace, record, bytes);
    } else {
        fputs("upcall -> ", trace->to);
        trace_tell_place(trace, record->domain, record->args[TRAP_HANDLER]);
    }
    fprintf(trace->to, " <%" PRIu64 ">\n", record->ended - record->began);
}

/* ---- JSON. */

static void tell_number(const struct trace *trace, const char *key, uint64_t number)
{
    fprintf(trace->to, ",\"%s\":\"0x%" PRIx64 "\"", key, number);
}

static void tell_json_instruction(const struct trace *trace, const struct trace_record *record, const uint8_t *bytes)
{
    fprintf(trace->to, ",\"instruction\":\"%s\",\"bytes\":\"", mnemonic_of(record, bytes));
    for (unsigned i = 0; i < SHOWN_SIZE; i++)
        fprintf(trace->to, "%02x", bytes[i]);
    fputc('"', trace->to);
    if (record->number == PAGE_FAULT) {
        tell_number(trace, "entry", record->args[TRAP_VALUE]);
        return;
    }
    tell_number(trace, "rcx", record->args[TRAP_ADDRESS]);
    tell_number(trace, "rax", record->args[TRAP_VALUE]);
    tell_number(trace, "rdx", record->args[TRAP_VALUE_HIGH]);
}

static void tell_json(const struct trace *trace, const struct trace_record *record, const uint8_t *bytes)
{
    static const char *const kinds[] = {
        [TRACE_EXCEPTION] = "exception", [TRACE_EMULATION] = "emulation", [TRACE_UPCALL] = "upcall"};

    fprintf(trace->to, "{\"kind\":\"%s\",\"domain\":%u,\"vcpu\":%u,\"began\":%" PRIu64 ",\"ticks\":%" PRIu64,
            kinds[record->kind], record->domain, record->vcpu, record->began - trace->first,
            record->ended - record->began);
    trace_tell_json_place(trace, record->domain, "rip", record->rip);
    if (record->kind != TRACE_UPCALL) {
        fprintf(trace->to, ",\"vector\":%" PRIu64 ",\"user\":%s", record->number,
                record->args[TRAP_USER] ? "true" : "false");
        tell_number(trace, "error", record->args[TRAP_ERROR]);
    }
    if (record->kind != TRACE_UPCALL && record->number == PAGE_FAULT)
        tell_number(trace, "address", record->args[TRAP_ADDRESS]);
    if (record->kind == TRACE_EMULATION)
        tell_json_instruction(trace, record, bytes);
    else
        trace_tell_json_place(trace, record->domain, "handler", record->args[TRAP_HANDLER]);
    fputs("}\n", trace->to);
}

void trace_tell_trap(const struct trace *trace, const struct trace_record *record, const uint64_t *payload)
{
    uint8_t bytes[SHOWN_SIZE];

    if (record->kind >= TRACE_KINDS)
        return;
    take_bytes(record, payload, bytes);
    if (trace->is_json)
        tell_json(trace, record, bytes);
    else
        tell_words(trace, record, bytes);
}
