/* SPDX-License-Identifier: MIT */
/*
 * The quantities of a guest kernel.  Frame numbers are structures of one member, because a pfn where an mfn belongs is
 * the classic mistake of direct paging.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <guest/width.h>

/* A machine frame number: what page-table entries hold. */
typedef struct {
    uint64_t v;
} mfn_t;

/* A pseudo-physical frame number: the guest's own numbering of its pages, from 0 without holes. */
typedef struct {
    uint64_t v;
} pfn_t;

#define MFN(n)   ((mfn_t){(n)})
#define PFN(n)   ((pfn_t){(n)})
#define MFN_NONE MFN(~UINT64_C(0))
#define PFN_NONE PFN(~UINT64_C(0))

/* A frame number out of a P2M or M2P, whose entries have all bits set where there is none. */
static inline uint64_t frame_number(xen_pfn_t entry)
{
    return entry == (xen_pfn_t)~UINT64_C(0) ? ~UINT64_C(0) : entry;
}

#define PAGE_SHIFT        12u
#define PAGE_SIZE         4096u
#define ENTRIES_PER_TABLE 512u

#define __must_check      __attribute__((warn_unused_result))
#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define ROUND_UP(n, unit) (((n) + (unit)-1) / (unit) * (unit))
