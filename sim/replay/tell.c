/* SPDX-License-Identifier: MIT */
/* In order: operations, events, results; how it ends. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <abi/hypercall.h>
#include <hv/base/call_names.h>
#include <sim/replay/replay.h>

/* ---- Operations. */

static void tell_call(const struct operation *operation, uint64_t number, char *to, size_t size)
{
    const char *command = call_command_name(number, operation->entry[0]), *name = call_name(number);
    const uint64_t *args = operation->arguments + 1;
    bool is_nested = operation->nested != RECORD_NONE;

    if (number == __HYPERVISOR_mmuext_op && command)
        snprintf(to, size, "%s of %" PRIx64, command, operation->entry[1]);
    else if (number == __HYPERVISOR_mmu_update)
        snprintf(to, size, "mmu_update of %" PRIx64 " to %" PRIx64, operation->entry[0], operation->entry[1]);
    else if (is_nested)
        snprintf(to, size, "%s", name ? name : "a call without a name");
    else
        snprintf(to, size, "%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ", %" PRIx64 ")", name ? name : "?", args[0],
                 args[1], args[2], args[3]);
}

static size_t tell_whom(const struct operation *operation, char *to, size_t size)
{
    if (operation->domain == RECORD_NONE)
        return (size_t)snprintf(to, size, "the hypervisor: ");
    return (size_t)snprintf(to, size, "domain %" PRIu64 ": ", operation->domain);
}

const char *tell_operation(const struct operation *operation)
{
    static char text[256];
    size_t used = tell_whom(operation, text, sizeof(text));

    if (operation->nested != RECORD_NONE)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "in a multicall, ");
    if (operation->call == RECORD_CALL_HYPERCALL)
        tell_call(operation, operation->nested != RECORD_NONE ? operation->nested : operation->arguments[0],
                  text + used, sizeof(text) - used);
    else if (operation->call == RECORD_CALL_TABLE_WRITE)
        snprintf(text + used, sizeof(text) - used, "a write of %" PRIx64 " to a table, at %" PRIx64,
                 operation->arguments[3], operation->arguments[1]);
    else
        snprintf(text + used, sizeof(text) - used, "%s(%" PRIx64 ", %" PRIx64 ")",
                 record_call_name((uint64_t)operation->call), operation->arguments[0], operation->arguments[1]);
    return text;
}

/* ---- Events and results. */

static const char *const event_words[RECORD_KIND_COUNT] = {
    [RECORD_LEAVE] = "its end",
    [RECORD_WRITE] = "guest memory written, at",
    [RECORD_TAKE] = "frames taken from the pool, order and end",
    [RECORD_GIVE] = "frames given to the pool, first and order",
    [RECORD_FLUSH] = "a flush of all translations, of processors",
    [RECORD_CACHES] = "a flush of caches, of processors",
    [RECORD_PAGE] = "a flush of a page's translations, of processors and at",
    [RECORD_ROOT] = "a root loaded, of domain, vCPU and frame",
    [RECORD_WINDOW] = "a descriptor page set, of domain, vCPU, page and frame",
    [RECORD_LDT] = "an LDT loaded, of domain, vCPU and entries",
    [RECORD_OUT] = "a call of the machine's, number",
    [RECORD_REFUSED] = "a refusal, error and reason",
};
/* So many of its numbers are told. */
static const uint8_t event_numbers[RECORD_KIND_COUNT] = {
    [RECORD_WRITE] = 1,  [RECORD_TAKE] = 2, [RECORD_GIVE] = 2,    [RECORD_FLUSH] = 1,
    [RECORD_CACHES] = 1, [RECORD_PAGE] = 2, [RECORD_ROOT] = 3,    [RECORD_WINDOW] = 4,
    [RECORD_LDT] = 3,    [RECORD_OUT] = 1,  [RECORD_REFUSED] = 2,
};

const char *tell_event(const struct record_event *event)
{
    static char text[256];
    size_t used;

    if (!event_words[event->kind])
        return record_kind_name((uint64_t)event->kind);
    used = (size_t)snprintf(text, sizeof(text), "%s", event_words[event->kind]);
    for (unsigned i = 0; i < event_numbers[event->kind]; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %" PRIx64, event->number[i]);
    return text;
}

const char *tell_kind(enum record_kind kind)
{
    return event_words[kind] ? event_words[kind] : record_kind_name((uint64_t)kind);
}

const char *tell_type(enum frame_type type)
{
    static const char *const types[] = {[TYPE_NONE] = "none",
                                        [TYPE_L1] = "L1",
                                        [TYPE_L2] = "L2",
                                        [TYPE_L3] = "L3",
                                        [TYPE_L4] = "L4",
                                        [TYPE_L2_TOP] = "L2_TOP",
                                        [TYPE_SEGDESC] = "descriptors",
                                        [TYPE_WRITABLE] = "writable"};

    return types[type];
}

void tell_refusal(const struct refusal *refusal)
{
    printf("    refused: %s", refusal_text(refusal->reason));
    if (!mfn_is_none(refusal->frame) && type_is_validated(refusal->type))
        printf("; frame %" PRIx64 ": %s since operation %" PRIu64, refusal->frame.v, tell_type(type_of(refusal->type)),
               replay.promoted[refusal->frame.v]);
    printf("\n");
}

const char *tell_result(int64_t result, char *to, size_t size)
{
    const char *name = result < 0 ? call_error_name(-(uint64_t)result) : NULL;

    snprintf(to, size, name ? "%" PRId64 " (%s)" : "%" PRId64, result, name);
    return to;
}

/* ---- The end. */

static _Noreturn void end(enum replay_end status)
{
    fflush(stdout);
    exit((int)status);
}

void tell_difference(const char *format, ...)
{
    va_list list;

    fflush(stdout);
    fprintf(stderr, "paravane replay: operation %" PRIu64 " (%s): ", replay.operation->number,
            tell_operation(replay.operation));
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    end(REPLAY_DIFFERS);
}

void tell_end(enum replay_end status, const char *format, ...)
{
    va_list list;

    fflush(stdout);
    fprintf(stderr, "paravane replay: %s: ", replay.path);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    end(status);
}
