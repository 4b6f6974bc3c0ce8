/* SPDX-License-Identifier: MIT */
/* In order: what begins and ends a silence; what breaks it. */
#include <cli/message.h>
#include <cli/silence.h>

#define QUIET_MS 2000
#define BUILD_MS 5000 /* while a guest is built, who says that it is */

void silence_begin(struct silence *silence, int64_t now)
{
    silence->until = now + QUIET_MS;
}

void silence_end(struct silence *silence)
{
    silence->until = SILENCE_NEVER;
}

void silence_hear(struct silence *silence, const struct log *hypervisor, int64_t now)
{
    silence->until = log_is_building(hypervisor) ? now + BUILD_MS : SILENCE_NEVER;
}

void silence_break(struct silence *silence, const struct log *hypervisor, bool has_several)
{
    const char *whose = has_several ? "guests" : "guest";

    if (log_is_building(hypervisor))
        say("the hypervisor is still building the %s: the more memory, the longer it takes", whose);
    else
        say("started; nothing has come from the %s yet", whose);
    silence->until = SILENCE_NEVER;
}
