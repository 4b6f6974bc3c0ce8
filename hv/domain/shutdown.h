/* SPDX-License-Identifier: MIT */
/* How a guest comes to its end; what is left of its domain then is hv/build/hv_domain.h's. */
#pragma once

#include <stdbool.h>

#include <abi/sched.h>

/*
 * Reasons for an end that no guest can name: its last vCPU has gone down, and nothing of it will ever run again; or
 * whoever runs the machine has ended it.
 */
#define END_LAST_VCPU (SHUTDOWN_MAX + 1)
#define END_DESTROYED (SHUTDOWN_MAX + 2)

struct hv_domain;
struct hv_vcpu;

/*
 * The guest of @domain has come to its end: @reason is SHUTDOWN_* or END_*.  The first reason counts.  The
 * caller goes on as far as the next return to the guest, which does not happen.
 */
void shutdown_domain(struct hv_domain *domain, unsigned reason);

/* shutdown_domain() with END_DESTROYED, whatever the guest has noted as the reason for its end. */
void shutdown_destroy(struct hv_domain *domain);

/*
 * A watchdog of @domain has run out: shutdown_domain() with SHUTDOWN_watchdog, and where that makes it a bad end, with
 * a report of the vCPU that runs or ran last.
 */
void shutdown_by_watchdog(struct hv_domain *domain);

/*
 * The guest of the running @vcpu ends its domain, with @reason: like shutdown_domain(), and where that makes it a bad
 * end, with a report of where it was.
 */
void shutdown_by_guest(struct hv_vcpu *vcpu, unsigned reason);

/*
 * The guest's state cannot go on: say why, with the registers and the last refusal, and shut the domain down with
 * SHUTDOWN_crash.  Returns; as above.
 */
void shutdown_crash(struct hv_vcpu *vcpu, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is said of a domain that has ended for @reason, SHUTDOWN_* or END_*: "powered off".  Is that good? */
const char *shutdown_words(unsigned reason);
bool shutdown_is_good(unsigned reason);
