/* SPDX-License-Identifier: MIT */
/* What the engine and the calls of hv/call have refused: how often, and the last few of them with who had asked. */
#pragma once

#include <stdint.h>

#include <engine/refuse.h>
#include <hv/domain/asked.h>
#include <hv/domain/call_refuse.h>

#define REFUSALS_KEPT 4u

struct noted_refusal {
    struct refusal refusal;
    enum call_reason why; /* of a call that is not the engine's: in place of the refusal's own reason */
    /* If a guest has asked: who, where, and for what. */
    domid_t domain;
    unsigned vcpu;
    uint16_t cs; /* 0: it is not known where; a guest always has one */
    uint64_t rip;
    struct asked asked;
};

struct refusals {
    uint64_t count;
    struct refusal last;
    struct noted_refusal recent[REFUSALS_KEPT]; /* refusal n is in recent[n % REFUSALS_KEPT] */
};

/* Its reason by name and in words, and what to do about it; static. */
const char *refusals_name(const struct noted_refusal *noted);
const char *refusals_text(const struct noted_refusal *noted);
const char *refusals_advice(const struct noted_refusal *noted);

/* Is what was refused an entry of a table?  A frame that has a slot stands for one. */
static inline bool refusal_is_of_entry(const struct refusal *refusal)
{
    enum refusal_value kind = refusal_value(refusal->reason);

    return kind == VALUE_ENTRY ||
           (kind == VALUE_FRAME && refusal->slot.level > 0 && refusal->reason != REFUSE_ROOT_ABOVE_4G);
}

/* As they are at this moment. */
struct refusals refusals_noted(void);

/* From now on each refusal is printed as it happens: in words, or (@as_json) those of guests as a line for programs. */
void refusals_explain(bool as_json);
