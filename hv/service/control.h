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
 *
 * What comes back are lines of the log, "answer", the ID and:
 *
 *   guest DOMAIN NAME STATE VCPUS KIB MOST RUN RESTARTS    for each guest of a list: the first six as
 *                         hv/service/console_list.h has them, between them the KiB that it may have; a list ends by ok
 *   ok WORDS              done, or asked for; WORDS for people
 *   no WORDS              refused, or not possible: nothing has happened
 *
 * Back ends are no guests.  A line that makes no sense, or is too long, is answered with the ID 0.
 */
#pragma once

#define CONTROL_LINE_MAX 63u

struct machine;

/* See what has come, a request at most: called every few milliseconds while there are guests. */
void control_poll(const struct machine *machine);
