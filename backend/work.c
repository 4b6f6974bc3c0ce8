/* SPDX-License-Identifier: MIT */
/* A flag for the loop, and one for each port. */
#include <guest/processor.h>
#include <backend/work.h>

static bool again;
static bool noted[EVTCHN_2L_NR_CHANNELS];

void work_again(void)
{
    again = true;
}

bool work_take(void)
{
    bool taken = again;

    again = false;
    return taken;
}

void work_note_event(evtchn_port_t port)
{
    WRITE_ONCE(noted[port], true);
}

/*
 * Only a note that has been seen is taken: an upcall may come between the two, and is then about what the look behind
 * them sees, but there is one only if the note was there.
 */
bool work_take_event(evtchn_port_t port)
{
    if (!READ_ONCE(noted[port]))
        return false;
    WRITE_ONCE(noted[port], false);
    barrier(); /* before anything of the ring is read */
    return true;
}
