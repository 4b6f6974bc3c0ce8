/* SPDX-License-Identifier: MIT */
/*
 * The page that hypervisor and guest share while the guest runs: pending events, clocks, and per vCPU the
 * event mask, the faulting address and the time.
 */
#ifndef ABI_SHARED_H
#define ABI_SHARED_H

#include "types.h"

/*
 * `incontents 420 time Time
 * `
 * ` System time counts nanoseconds since the machine started.  A vCPU derives it from the processor's TSC:
 * `   1. read version; if it is odd, an update is under way: start again
 * `   2. delta = TSC - tsc_timestamp; shift it left by tsc_shift, or right by -tsc_shift if that is negative
 * `   3. time = system_time + (delta * tsc_to_system_mul >> 32), with a 96-bit product {system-time}
 * `   4. read version again; if it changed, start again
 * ` The hypervisor refreshes the values every second or so, and version with them, even while the guest does
 * ` nothing but wait for that. {refreshed}
 * `
 * ` The time of day at system time 0 stands in shared_info: wc_sec seconds (wc_sec_hi is the upper half) and
 * ` wc_nsec nanoseconds since 1970 UTC, under wc_version, which works like version. {wallclock}
 * `
 * ` The structure is the same in both widths.
 */
struct vcpu_time_info {
    uint32_t version; /* odd while the other fields change */
    uint32_t pad0;
    uint64_t tsc_timestamp;     /* TSC at the last refresh */
    uint64_t system_time;       /* nanoseconds at that moment */
    uint32_t tsc_to_system_mul; /* nanoseconds per tick, times 2 to the 32 */
    int8_t tsc_shift;
    uint8_t flags; /* => enum pvclock_flags */
    uint8_t pad1[2];
};

/* ` enum pvclock_flags { */
#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* the time of all vCPUs is one and never steps back */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1) /* the guest stood still for a while */
/* ` } */

/*
 * The part of vcpu_info that belongs to x86.
 */
struct arch_vcpu_info {
    uint64_t cr2; /* address of the last page fault */
    uint64_t pad;
};

struct compat_arch_vcpu_info {
    uint32_t cr2;
    uint32_t pad[5];
};

/*
 * `incontents 400 shared_info The shared_info page
 * `
 * ` The page is a frame of the hypervisor.  The guest maps it, readable and writable, with the machine
 * ` address in start_info. {page}
 * `
 * ` Raising an event on a port sets its bit in evtchn_pending.  If the bit was clear and the same bit of
 * ` evtchn_mask is clear, the bit of evtchn_pending_sel that stands for that word of evtchn_pending is set in
 * ` the vcpu_info of the vCPU that the port is bound to; if that bit was clear, evtchn_upcall_pending is set
 * ` and the vCPU is woken. {raise}
 * `
 * ` On every way back to the guest the hypervisor looks: if evtchn_upcall_pending is not 0 and
 * ` evtchn_upcall_mask is 0, it calls the event callback, see [callback_op], with evtchn_upcall_mask set to 1. {upcall}
 * ` The handler clears evtchn_upcall_pending first, then takes and clears evtchn_pending_sel and the pending
 * ` bits.  An exception that is to be delivered at the same time goes first; {exception-first}
 * ` a missing callback destroys the domain. {no-callback}
 * `
 * ` evtchn_upcall_mask is the vCPU's interrupt flag: a guest kernel writes it instead of cli and sti, which
 * ` do not touch it. {interrupt-flag}
 * ` After clearing it, the kernel must look at evtchn_upcall_pending and, if it is set,
 * ` make any call, such as xen_version(0, NULL), on whose way back the event is delivered.
 * `
 * ` There are 4096 ports for a 64-bit guest and 1024 for a 32-bit one; port 0 is never used. {ports}
 * ` At start all ports are unmasked and all vCPUs have evtchn_upcall_mask set. {start}
 */
struct vcpu_info {
    uint8_t evtchn_upcall_pending; /* an event may be pending */
    uint8_t evtchn_upcall_mask;    /* do not call the event callback */
    uint8_t _gap0[6];
    uint64_t evtchn_pending_sel; /* one bit for each word of evtchn_pending */
    struct arch_vcpu_info arch;
    struct vcpu_time_info time; /* see [time] */
};

struct compat_vcpu_info {
    uint8_t evtchn_upcall_pending;
    uint8_t evtchn_upcall_mask;
    uint8_t _gap0[2];
    uint32_t evtchn_pending_sel;
    struct compat_arch_vcpu_info arch;
    struct vcpu_time_info time;
};

/*
 * The part of shared_info that belongs to x86.  All but nmi_reason is written by the guest, for tools that
 * save it or look at its memory; a guest without such tools may leave it 0.
 */
struct arch_shared_info {
    uint64_t max_pfn;                     /* number of entries of the P2M */
    xen_pfn_t pfn_to_mfn_frame_list_list; /* machine frame: root of a three-level tree of P2M frames */
    uint64_t nmi_reason;                  /* => enum nmi_reason */
    uint64_t p2m_cr3;                     /* top-level table, as in cr3, under which p2m_vaddr is valid */
    uint64_t p2m_vaddr;                   /* virtual address of a linear P2M */
    uint64_t p2m_generation;              /* odd while the mapping of the P2M changes */
};

struct compat_arch_shared_info {
    uint32_t max_pfn;
    compat_pfn_t pfn_to_mfn_frame_list_list;
    uint32_t nmi_reason; /* => enum nmi_reason */
    uint32_t p2m_cr3;
    uint32_t p2m_vaddr;
    uint32_t p2m_generation;
    uint32_t wc_sec_hi; /* stands in shared_info itself for a 64-bit guest */
};

/* ` enum legacy_limits { */
#define XEN_LEGACY_MAX_VCPUS 32 /* vCPUs whose vcpu_info has a place in shared_info */
/* ` } */

struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS]; /* enum legacy_limits; others have a place of their own */
    uint64_t evtchn_pending[64]; /* one bit for each port */
    uint64_t evtchn_mask[64];
    uint32_t wc_version; /* odd while the next three fields change */
    uint32_t wc_sec;
    uint32_t wc_nsec;
    uint32_t wc_sec_hi;
    struct arch_shared_info arch;
};

struct compat_shared_info {
    struct compat_vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    uint32_t evtchn_pending[32];
    uint32_t evtchn_mask[32];
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    struct compat_arch_shared_info arch;
};

#endif /* ABI_SHARED_H */
