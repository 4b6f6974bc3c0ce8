/* SPDX-License-Identifier: MIT */
/* In order: what begins and ends a silence; what breaks it. */
#include <cli/message.h>
#include <cli/silence.h>

#define QUIET_MS 2000
#define BUILD_MS 5000 /* while guests are built, and the hypervisor says which */

/* A guest that starts anew says nothing for long, and the hypervisor says nothing of that unless it is listened to. */
static bool awaits_restart(struct silence *silence, const struct control *control)
{
    bool is_restarting = control_restarting(control);

    silence->is_told = silence->is_told && is_restarting;
    return is_restarting && !silence->is_told;
}

void silence_begin(struct silence *silence, int64_t now)
{
    silence->until = now + QUIET_MS;
}

/* A guest's last words may come behind the line that says that it reboots. */
void silence_hear_guest(struct silence *silence, const struct control *control, int64_t now)
{
    silence->until = awaits_restart(silence, control) ? now + QUIET_MS : SILENCE_NEVER;
}

void silence_hear_hypervisor(struct silence *silence, const struct control *control, int64_t now)
{
    if (awaits_restart(silence, control))
        silence->until = now + QUIET_MS;
    else
        silence->until = log_is_building(control->hypervisor) ? now + BUILD_MS : SILENCE_NEVER;
}

void silence_break(struct silence *silence, const struct control *control, bool has_several)
{
    const char *whose = has_several ? "guests" : "guest", *restarting = control_restarting(control);

    if (restarting)
        say("%s has rebooted; the hypervisor builds it anew: the more memory, the longer it takes", restarting);
    else if (log_is_building(control->hypervisor))
        say("the hypervisor is still building the %s: the more memory, the longer it takes", whose);
    else
        say("started; nothing has come from the %s yet", whose);
    silence->is_told = restarting;
    silence->until = SILENCE_NEVER;
}
