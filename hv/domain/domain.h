/* SPDX-License-Identifier: MIT */
/* A domain, as the hypervisor sees it: the engine's part, and what serves its guest. */
#pragma once

#include <abi/sched.h>
#include <abi/shared.h>
#include <engine/machine.h>
#include <hv/cpu/lock.h>
#include <hv/domain/event.h>
#include <hv/domain/zombie.h>

#define VCPUS_MAX       32u /* as many as shared_info has places for */
#define DOMAIN_NAME_MAX 31u
#define DOMAIN_IOMEM    114u /* 17 by settings, the initial domain's one, and 96 of functions: hv/build/rights.c */

struct domain_devices;
struct domain_services;
struct hv_vcpu;

struct hv_domain {
    struct domain engine; /* first: the engine hands out pointers to it */
    struct lock lock;     /* the engine's port_lock() */
    char name[DOMAIN_NAME_MAX + 1];
    struct vcpu *vcpus[VCPUS_MAX]; /* domain.vcpus points here */
    mfn_t shared_info_frame;       /* shared with the guest for as long as the domain exists */
    void *shared_info;             /* struct shared_info or struct compat_shared_info, by width */
    uint64_t vm_assist;            /* bit n: VMASST_TYPE_n is on */
    unsigned vcpus_at_start;       /* of its vCPUs, those that its xenstore says are to be online */
    unsigned weight;               /* 1 to WEIGHT_MAX: hv/domain/fair.h */
    cpumask_t cpus;                /* the processors that its vCPUs may run on; none: any */
    uint64_t first_table;          /* the page tables that it was started with: their first pfn, and how many */
    uint64_t nr_first_tables;
    uint8_t uuid[16];    /* XENVER_guest_handle, and in the xenstore */
    bool initial;        /* SIF_INITDOMAIN: it is told that it is the first domain of the machine */
    bool is_back_end;    /* it serves others: docs/devices.md */
    unsigned restarts;   /* how often a domain of this number has been built anew */
    bool ended;          /* it has shut down or crashed; none of its vCPUs runs any more */
    unsigned end_reason; /* once @ended: SHUTDOWN_*, END_* */
    bool reason_noted;   /* SCHEDOP_shutdown_code: @noted_reason counts, whatever the end is */
    unsigned noted_reason;
    uint64_t unknown_calls; /* hypercalls that nobody knows */
    struct domain_events events;
    struct domain_services *services; /* hv/service/services.h */
    struct domain_devices *devices;   /* hv/device/devices.h; NULL: it has none */
    struct zombie zombie;             /* hv/domain/zombie.h */
    /* domain.iomem points here: hv/build/rights.h. */
    struct frame_range iomem[DOMAIN_IOMEM];
};

static inline struct hv_domain *hv_domain_of(struct domain *domain)
{
    return (struct hv_domain *)domain;
}
_Static_assert(offsetof(struct hv_domain, engine) == 0, "hv_domain_of()");

static inline bool hv_domain_is_64bit(const struct hv_domain *domain)
{
    return domain->engine.width == WIDTH_64;
}

/*
 * Does the guest of @domain still live?  Of a domain that has ended or is being torn down nothing is asked any more and
 * nothing made for it: what serves its guest may be gone.
 */
static inline bool hv_domain_is_alive(const struct hv_domain *domain)
{
    return !domain->ended && !domain_is_dying(&domain->engine);
}

/* Has @domain been released but for frames that others map?  hv/domain/zombie.h. */
static inline bool hv_domain_is_zombie(const struct hv_domain *domain)
{
    return domain->engine.nr_vcpus == 0;
}

/* The domain of number @id whose guest lives; NULL: there is none. */
static inline struct hv_domain *hv_domain_find(const struct machine *machine, uint16_t id)
{
    struct domain *domain = domain_find(machine, DOMID(id));

    return domain && hv_domain_is_alive(hv_domain_of(domain)) ? hv_domain_of(domain) : NULL;
}

/* Has the guest asked for VMASST_TYPE_@type? */
static inline bool hv_domain_assists(const struct hv_domain *domain, unsigned type)
{
    return domain->vm_assist >> type & 1;
}
