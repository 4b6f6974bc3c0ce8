/* SPDX-License-Identifier: MIT */
/*
 * What keeps the main loop from going to sleep, and what tells it for whom there is something to do.
 *
 * In a turn each part looks only where something may be new: an event has come, or a device's interrupt; another part
 * has given it something; or it stopped with work left.  Nothing is lost, since each does its share in this order:
 *
 *   the sender   writes what there is, then looks whether an event is asked for, then sends it
 *   the upcall   clears the pending bit, then notes the event
 *   the turn     takes the note, then looks, then asks for the next event, then looks again
 *
 * What was written before the turn took the note is seen by its first look.  What was written later, and not seen by
 * the second look, was written when the event had been asked for: its note is taken by another turn, which there is
 * since the loop does not sleep if an event has come after the turn began.
 */
#pragma once

#include <abi/event.h>
#include <guest/types.h>

/*
 * The main loop takes another turn before it sleeps.  For who stopped because its share of this turn was used up; an
 * event needs no such call, since each has a turn behind it.
 */
void work_again(void);

/* For the main loop: has anybody said so since it asked last? */
bool work_take(void);

/*
 * The handler of events for which one part is to be asked, and no other.  Who binds a port by it looks once without a
 * note: of what came before nobody tells.
 */
void work_note_event(evtchn_port_t port);

/* Has an event of @port been noted since this was asked last?  The note is taken before whoever asks looks. */
bool __must_check work_take_event(evtchn_port_t port);
