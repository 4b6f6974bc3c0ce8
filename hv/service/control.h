/* SPDX-License-Identifier: MIT */
/*
 * Requests of whoever runs the machine.  They come on the line of the log, where the log has one of its own
 * (`log=com2`): no guest writes to that line or reads from it.  A '?' where a line would begin asks where the guests
 * are (hv/domain/report.h).  All else are lines, in words with one space between two, numbers in decimal:
 *
 *   ID list               which guests there are
 *   ID poweroff DOMAIN    ask the guest to do that, by control/shutdown of its xenstore
 *   ID reboot DOMAIN
 *   ID destroy DOMAIN     end the guest at once
 *   ID memory DOMAIN KIB  ask it to have that much, by memory/target: whole pages, up to its maximum
 *   ID vcpus DOMAIN N     ask it to have N of its vCPUs online, by cpu/I/availability: 1 at least
 *   ID plug DOMAIN N      give it back the Nth device of its settings, from 0 on, which it has not
 *   ID unplug DOMAIN N    take the Nth device from it: answered when it has let go of it, and never if it does not
 *   ID remove DOMAIN N    take it at once
 *
 * What comes back are lines of the log, "answer", the ID and:
 *
 *   guest DOMAIN NAME STATE VCPUS KIB MOST RUN RESTARTS    for each guest of a list: the first six as
 *                         hv/service/console_list.h has them, between them the KiB that it may have; a list ends by ok
 *   out DOMAIN MASK       before it, where some of its devices are not plugged in: bit N of the hexadecimal number for
 *                         the Nth of its settings
 *   ok WORDS              done, or asked for; WORDS for people
 *   no WORDS              refused, or not possible: nothing has happened
 *
 * Back ends are no guests.  A line that makes no sense, or is too long, is answered with the ID 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONTROL_LINE_MAX 63u

struct control_request; /* hv/service/control_request.h */
struct hv_domain;
struct machine;

/*
 * Have @change see to plug, unplug and remove, of guests that live: it answers each, then or later.  @out says which
 * of a guest's devices are not plugged in, as above.  To be called before the first of them can be asked for.
 */
struct control_devices {
    void (*change)(struct hv_domain *domain, const struct control_request *request);
    uint32_t (*out)(const struct hv_domain *domain);
};
void control_listen(const struct control_devices *devices);

/* Answer the request @id: with @good it is done, otherwise refused.  @words are for people. */
void control_answer(uint32_t id, bool good, const char *words);

/* See what has come, a request at most: called every few milliseconds while there are guests. */
void control_poll(const struct machine *machine);
