/* SPDX-License-Identifier: MIT */
/* The words for each reason; call_refuse() itself is where all refusals are noted, hv/domain/refusals.c. */
#include <hv/domain/advice.h>
#include <hv/domain/refusals.h>

static const struct call_reason_words words[CALL_REASON_COUNT] = {
#define CALL_REASON_WORDS(name, value, text, advice) [WHY_##name] = {#name, value, text, advice},
    CALL_REASONS(CALL_REASON_WORDS)
#undef CALL_REASON_WORDS
};

const struct call_reason_words *call_reason_words(enum call_reason reason)
{
    return &words[reason];
}

const char *refusals_name(const struct noted_refusal *noted)
{
    return noted->why ? words[noted->why].name : refusal_name(noted->refusal.reason);
}

const char *refusals_text(const struct noted_refusal *noted)
{
    return noted->why ? words[noted->why].text : refusal_text(noted->refusal.reason);
}

const char *refusals_advice(const struct noted_refusal *noted)
{
    return noted->why ? words[noted->why].advice : advice_for(noted->refusal.reason);
}
