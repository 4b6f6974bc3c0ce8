/* SPDX-License-Identifier: MIT */
/*
 * What is behind a refusal: the entry that was refused, the address that it would serve, what keeps the frame from
 * becoming what it was to be, and the mistake, where it is one of those that everybody makes.
 */
#pragma once

#include <hv/domain/origin.h>
#include <hv/domain/refusals.h>
#include <hv/domain/search.h>

#define USES_SHOWN 4u

enum use_kind {
    USE_PIN,
    USE_ENTRY,
    USE_KERNEL_ROOT,
    USE_USER_ROOT,
    USE_GDT,
    USE_LDT,
    USE_SHARED, /* with the hypervisor, from the beginning */
    USE_HELD,   /* by the hypervisor, by a call of the guest's */
};

/* One of the uses that keep a frame of its type. */
struct use {
    enum use_kind kind;
    unsigned vcpu, page; /* of a root, of a page of a table of descriptors */
    struct slot slot;    /* of an entry */
    bool knows_address;
    vaddr_t address; /* the first that the entry serves */
};

struct explanation {
    const struct noted_refusal *noted;
    const struct domain *domain; /* whose memory it is about */
    bool knows_entry;
    uint64_t entry; /* that was refused */
    uint64_t flags; /* of it, the ones that are not allowed */
    bool knows_address;
    vaddr_t address; /* that the slot serves */
    mfn_t frame;     /* in question; MFN_NONE */
    bool knows_pfn;
    uint64_t pfn; /* of @frame */
    bool is_pfn;  /* what was taken for a frame number is a pfn of the domain's */
    mfn_t meant;  /* then: the frame that it has */
    bool knows_origin;
    struct origin origin; /* of @frame's type, which it has still */
    struct slot missing;  /* where a walk by address has ended; NOWHERE */
    struct use uses[USES_SHOWN];
    unsigned nr_uses;    /* all that were found */
    bool is_whole;       /* no more can be found */
    bool is_initial;     /* @frame is one of the tables that the domain was started with */
    const char *mistake; /* in whole sentences; NULL */
};

/* Explain @noted, of a domain of @machine that is not being torn down. */
void explain(const struct machine *machine, const struct noted_refusal *noted, struct explanation *explanation);

/* Which of the mistakes that everybody makes it is: the last thing that is found out.  NULL: none of them. */
const char *explain_mistake(const struct explanation *explanation);
