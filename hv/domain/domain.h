/* SPDX-License-Identifier: MIT */
/* A domain, as the hypervisor sees it: the engine's part, and what serves its guest. */
#pragma once

#include <abi/sched.h>
#include <abi/shared.h>
#include <engine/machine.h>
#include <hv/domain/event.h>
#include <hv/service/console.h>
#include <hv/service/grant.h>
#include <hv/service/xenstore.h>

#define VCPUS_MAX       32u /* as many as shared_info has places for */
#define DOMAIN_NAME_MAX 31u

/* A reason for an end that no guest can name: its last vCPU has gone down, and nothing of it will ever run again. */
#define END_LAST_VCPU (SHUTDOWN_MAX + 1)

struct hv_vcpu;

struct hv_domain {
    struct domain domain; /* first: the engine hands out pointers to it */
    char name[DOMAIN_NAME_MAX + 1];
    struct vcpu *vcpus[VCPUS_MAX]; /* domain.vcpus points here */
    mfn_t shared_info_frame;       /* shared with the guest for as long as the domain exists */
    void *shared_info;             /* struct shared_info or struct compat_shared_info, by width */
    uint64_t vm_assist;            /* bit n: VMASST_TYPE_n is on */
    bool initial;                  /* SIF_INITDOMAIN: it is told that it is the first domain of the machine */
    bool ended;                    /* it has shut down or crashed; none of its vCPUs runs any more */
    unsigned end_reason;           /* once @ended: SHUTDOWN_*, END_LAST_VCPU */
    bool reason_noted;             /* SCHEDOP_shutdown_code: @noted_reason counts, whatever the end is */
    unsigned noted_reason;
    uint64_t unknown_calls; /* hypercalls that nobody knows */
    struct domain_events events;
    struct domain_grants grants;
    struct domain_console console;
    struct domain_store store;
};

static inline struct hv_domain *hv_domain_of(struct domain *domain)
{
    return (struct hv_domain *)domain;
}
_Static_assert(offsetof(struct hv_domain, domain) == 0, "hv_domain_of()");

static inline bool domain_is_64bit(const struct hv_domain *domain)
{
    return domain->domain.width == WIDTH_64;
}

/* Has the guest asked for VMASST_TYPE_@type? */
static inline bool domain_assists(const struct hv_domain *domain, unsigned type)
{
    return domain->vm_assist >> type & 1;
}

/*
 * Make a domain of @id with @nr_vcpus vCPUs (1 to VCPUS_MAX), none of which runs, no memory, and its shared_info.
 * NULL: there is not enough memory.  The caller fills it and starts a vCPU (hv/domain/sched.h).
 */
struct hv_domain *domain_create(struct machine *machine, unsigned id, enum width width, uint64_t max_frames,
                                unsigned nr_vcpus);

/*
 * A zeroed frame, beyond the domain's reservation, that the hypervisor shares with it: the guest may map it writable
 * and can do nothing else with it.  It goes with the domain.  -XEN_ENOMEM.
 */
int __must_check domain_share_new(struct hv_domain *domain, mfn_t *mfn);

/*
 * The guest of @domain has come to its end: @reason is SHUTDOWN_* or END_LAST_VCPU.  The first reason counts.  The
 * caller goes on as far as the next return to the guest, which does not happen.
 */
void domain_shut_down(struct hv_domain *domain, unsigned reason);

/*
 * A watchdog of @domain has run out: domain_shut_down() with SHUTDOWN_watchdog, and where that makes it a bad end, with
 * a report of the vCPU that runs or ran last.
 */
void domain_end_by_watchdog(struct hv_domain *domain);

/*
 * The guest of the running @vcpu ends its domain, with @reason: like domain_shut_down(), and where that makes it a bad
 * end, with a report of where it was.
 */
void domain_end(struct hv_vcpu *vcpu, unsigned reason);

/* What is said of a domain that has ended for @reason, SHUTDOWN_* or END_LAST_VCPU: "powered off".  Is that good? */
const char *domain_end_words(unsigned reason);
bool domain_end_is_good(unsigned reason);

/*
 * The guest's state cannot go on: say why, with the registers and the last refusal, and shut the domain down with
 * SHUTDOWN_crash.  Returns; as above.
 */
void domain_crash(struct hv_vcpu *vcpu, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Give back all that the domain has, none of whose vCPUs will run any more.  Called outside any vCPU.  True: every
 * frame is back and every count was zero; otherwise what is left has been reported.
 */
bool domain_release(struct hv_domain *domain);
