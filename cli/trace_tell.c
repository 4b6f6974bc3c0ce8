/* SPDX-License-Identifier: MIT */
/* A record in words, or as a line of JSON. */
#include <inttypes.h>

#include <abi/hypercall.h>
#include <hv/base/call_names.h>
#include <cli/trace.h>

static const char *const payload_names[] = {
    [TRACE_UPDATES] = "updates", [TRACE_EXTENDED] = "operations", [TRACE_BYTES] = "argument"};

static unsigned words_of(const struct trace_record *record)
{
    return record->payload == TRACE_UPDATES ? 2 : record->payload == TRACE_EXTENDED ? 3 : 1;
}

static unsigned nr_words(const struct trace_record *record)
{
    return record->words - (unsigned)TRACE_RECORD_WORDS;
}

/* How many arguments the call has that mean something. */
static unsigned nr_args_wide(uint64_t number)
{
    switch (number) {
    case __HYPERVISOR_iret:
        return 0;
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_fpu_taskswitch:
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_get_debugreg:
    case __HYPERVISOR_set_timer_op:
    case __HYPERVISOR_event_channel_op_compat:
    case __HYPERVISOR_physdev_op_compat:
    case __HYPERVISOR_xsm_op:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_tmem_op:
    case __HYPERVISOR_mca:
        return 1;
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_grant_table_op:
    case __HYPERVISOR_vcpu_op:
    case __HYPERVISOR_console_io:
    case __HYPERVISOR_dm_op:
        return 3;
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_mmuext_op:
    case __HYPERVISOR_update_va_mapping_otherdomain:
        return 4;
    case __HYPERVISOR_argo_op:
    case __HYPERVISOR_hypfs_op:
        return 5;
    default:
        return 2;
    }
}

/* How many more a 32-bit guest's have: halves, and selectors of code. */
static unsigned nr_args_more(uint64_t number)
{
    switch (number) {
    case __HYPERVISOR_set_timer_op:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
        return 1;
    case __HYPERVISOR_update_descriptor:
        return 2;
    default:
        return 0;
    }
}

static unsigned nr_args(const struct trace_record *record)
{
    return nr_args_wide(record->number) + (record->narrow ? nr_args_more(record->number) : 0);
}

/* ---- Words. */

void trace_tell_place(const struct trace *trace, unsigned domain, uint64_t place)
{
    const struct symbols *symbols = trace_symbols(trace, domain);
    uint64_t offset = 0;
    const char *name = symbols ? symbols_find(symbols, place, &offset) : NULL;

    fprintf(trace->to, "%" PRIx64, place);
    if (name)
        fprintf(trace->to, " <%s+0x%" PRIx64 ">", name, offset);
}

/* mmuext_op has its commands in its batch. */
static const char *command_of(const struct trace_record *record)
{
    return record->number == __HYPERVISOR_mmuext_op ? NULL : call_command_name(record->number, record->args[0]);
}

static void tell_call(const struct trace *trace, const struct trace_record *record)
{
    const char *name = call_name(record->number);
    const char *command = command_of(record);

    if (name)
        fprintf(trace->to, "%s(", name);
    else
        fprintf(trace->to, "hypercall %" PRIu64 "(", record->number);
    for (unsigned i = 0; i < nr_args(record); i++) {
        fputs(i ? ", " : "", trace->to);
        if (i == 0 && command)
            fputs(command, trace->to);
        else
            fprintf(trace->to, "%s%" PRIx64, record->args[i] > 9 ? "0x" : "", record->args[i]);
    }
    fputc(')', trace->to);
}

static void tell_result(const struct trace *trace, const struct trace_record *record)
{
    const char *error = record->result < 0 ? call_error_name(-(uint64_t)record->result) : NULL;

    if (record->result == TRACE_NO_RESULT)
        return;
    if (error)
        fprintf(trace->to, " = -%s", error);
    else if (record->result > 9)
        fprintf(trace->to, " = 0x%" PRIx64, record->result);
    else
        fprintf(trace->to, " = %" PRId64, record->result);
}

static void tell_entry(const struct trace *trace, const struct trace_record *record, const uint64_t *words)
{
    const char *name = record->payload == TRACE_EXTENDED ? call_command_name(record->number, words[0]) : NULL;

    if (record->payload == TRACE_UPDATES)
        fprintf(trace->to, "    {ptr 0x%" PRIx64 ", val 0x%" PRIx64 "}\n", words[0], words[1]);
    else if (name)
        fprintf(trace->to, "    {%s, 0x%" PRIx64 ", 0x%" PRIx64 "}\n", name, words[1], words[2]);
    else
        fprintf(trace->to, "    {command %" PRIu64 ", 0x%" PRIx64 ", 0x%" PRIx64 "}\n", words[0], words[1], words[2]);
}

static void tell_payload(const struct trace *trace, const struct trace_record *record, const uint64_t *payload)
{
    unsigned each = words_of(record);

    if (record->payload == TRACE_BYTES) {
        fputs("    argument:", trace->to);
        for (unsigned i = 0; i < nr_words(record); i++)
            fprintf(trace->to, " %016" PRIx64, payload[i]);
        fputc('\n', trace->to);
        return;
    }
    for (unsigned i = 0; i + each <= nr_words(record) && record->payload != TRACE_NOTHING; i += each)
        tell_entry(trace, record, payload + i);
}

static void tell_words(const struct trace *trace, const struct trace_record *record, const uint64_t *payload)
{
    if (record->kind == TRACE_NESTED && trace->is_outer_told) {
        fputs("  ", trace->to);
    } else if (record->kind != TRACE_MORE) {
        fprintf(trace->to, "%" PRIu64 " d%uv%u ", record->began - trace->first, record->domain, record->vcpu);
        /* Whoever called a stub of the hypercall page tells more than the stub. */
        trace_tell_place(trace, record->domain, record->caller ? record->caller : record->rip);
        fputs(record->kind == TRACE_NESTED ? " in a multicall: " : " ", trace->to);
    }
    if (record->kind != TRACE_MORE) {
        tell_call(trace, record);
        tell_result(trace, record);
        if (record->kind == TRACE_CALL)
            fprintf(trace->to, " <%" PRIu64 ">", record->ended - record->began);
        fputc('\n', trace->to);
    }
    tell_payload(trace, record, payload);
}

/* ---- JSON: 64-bit numbers are texts, which no reader rounds. */

void trace_tell_json_place(const struct trace *trace, unsigned domain, const char *key, uint64_t place)
{
    const struct symbols *symbols = trace_symbols(trace, domain);
    uint64_t offset = 0;
    const char *name = symbols ? symbols_find(symbols, place, &offset) : NULL;

    fprintf(trace->to, ",\"%s\":\"0x%" PRIx64 "\"", key, place);
    if (name)
        fprintf(trace->to, ",\"%s_symbol\":\"%s+0x%" PRIx64 "\"", key, name, offset);
}

static void tell_json(const struct trace *trace, const struct trace_record *record, const uint64_t *payload)
{
    static const char *const kinds[] = {"call", "nested", "more"};
    const char *name = call_name(record->number);
    const char *command = command_of(record);

    fprintf(trace->to, "{\"kind\":\"%s\",\"domain\":%u,\"vcpu\":%u,\"began\":%" PRIu64 ",\"ticks\":%" PRIu64,
            kinds[record->kind], record->domain, record->vcpu, record->began - trace->first,
            record->ended - record->began);
    trace_tell_json_place(trace, record->domain, "rip", record->rip);
    if (record->caller)
        trace_tell_json_place(trace, record->domain, "caller", record->caller);
    fprintf(trace->to, ",\"number\":%" PRIu64, record->number);
    if (name)
        fprintf(trace->to, ",\"call\":\"%s\"", name);
    if (command)
        fprintf(trace->to, ",\"command\":\"%s\"", command);
    fputs(",\"args\":[", trace->to);
    for (unsigned i = 0; i < TRACE_ARGS; i++)
        fprintf(trace->to, "%s\"0x%" PRIx64 "\"", i ? "," : "", record->args[i]);
    fputs("]", trace->to);
    if (record->result != TRACE_NO_RESULT)
        fprintf(trace->to, ",\"result\":%" PRId64, record->result);
    if (record->payload < sizeof(payload_names) / sizeof(payload_names[0]) && payload_names[record->payload]) {
        fprintf(trace->to, ",\"%s\":[", payload_names[record->payload]);
        for (unsigned i = 0; i < nr_words(record); i++)
            fprintf(trace->to, "%s\"0x%" PRIx64 "\"", i ? "," : "", payload[i]);
        fputs("]", trace->to);
    }
    fputs("}\n", trace->to);
}

void trace_tell(const struct trace *trace, const struct trace_record *record, const uint64_t *payload)
{
    if (record->kind > TRACE_MORE)
        trace_tell_trap(trace, record, payload);
    else if (trace->is_json)
        tell_json(trace, record, payload);
    else
        tell_words(trace, record, payload);
}
