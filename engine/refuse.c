/* SPDX-License-Identifier: MIT */
/* Refusals: the record that goes to the port, and the words for each reason. */
#include <engine/frame.h>
#include <engine/op.h>
#include <engine/port.h>
#include <engine/refuse.h>

int refuse(const struct op *op, enum xen_errno error, enum refusal_reason reason, struct slot slot,
           const struct frame *frame, uint64_t value)
{
    const struct refusal refusal = {
        .error = error,
        .reason = reason,
        .vcpu = op->vcpu,
        .call = op->call,
        .index = op->done,
        .command = op->command,
        .slot = slot,
        .frame = frame ? frame_mfn(op->machine, frame) : MFN_NONE,
        .type = frame ? type_word_peek(&frame->type) : type_word(TYPE_NONE, 0, 0),
        .owner = DOMID(frame ? frame_owner(frame) : OWNER_NONE),
        .value = value,
    };

    port_refused(&refusal);
    return -(int)error;
}

int refuse_value(const struct op *op, enum xen_errno error, enum refusal_reason reason, uint64_t value)
{
    return refuse(op, error, reason, NOWHERE, NULL, value);
}

struct words {
    const char *name, *text;
    enum refusal_value value;
};

static const struct words words[REFUSAL_COUNT] = {
#define REFUSAL_WORDS(name, value, text) [REFUSE_##name] = {#name, text, VALUE_##value},
    REFUSAL_REASONS(REFUSAL_WORDS)
#undef REFUSAL_WORDS
};

const char *refusal_name(enum refusal_reason reason)
{
    return words[reason].name;
}

enum refusal_value refusal_value(enum refusal_reason reason)
{
    return words[reason].value;
}

const char *refusal_text(enum refusal_reason reason)
{
    return words[reason].text;
}
