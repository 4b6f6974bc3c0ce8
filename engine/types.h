/* SPDX-License-Identifier: MIT */
/*
 * The quantities that the engine computes with.  Each is a structure of one member, so that a frame number cannot be
 * passed where an address is meant, in any build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A machine frame number: maddr >> PAGE_SHIFT. */
typedef struct {
    uint64_t v;
} mfn_t;

/* A pseudo-physical frame number: the guest's own, dense numbering of its memory. */
typedef struct {
    uint64_t v;
} pfn_t;

/* A machine address, in bytes. */
typedef struct {
    uint64_t v;
} maddr_t;

/*
 * A guest's virtual ("linear") address, in bytes.  Never dereferenced: guest memory is reached through the port's
 * copies.
 */
typedef struct {
    uint64_t v;
} vaddr_t;

/* A domain's number, or one of the DOMID_ names of the ABI. */
typedef struct {
    uint16_t v;
} domid_t;

/* A set of physical processors, bit n for processor n. */
typedef struct {
    uint64_t bits;
} cpumask_t;

#define PAGE_SHIFT        12u
#define PAGE_SIZE         4096u
#define ENTRIES_PER_TABLE 512u
#define MAX_CPUS          64u

#define MFN(n)   ((mfn_t){(n)})
#define PFN(n)   ((pfn_t){(n)})
#define VADDR(n) ((vaddr_t){(n)})
#define DOMID(n) ((domid_t){(n)})

/* "No frame": what a root or a descriptor slot holds while it holds nothing. */
#define MFN_NONE MFN(~UINT64_C(0))

#define __must_check  __attribute__((warn_unused_result))
#define FORCE_INLINE  static inline __attribute__((always_inline))
#define __cold        __attribute__((cold))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * What the table @table of pointers, or of structures that are empty where @member is 0, has for @number: NULL where it
 * has nothing, in a gap as well as beyond its end.  Every dispatcher looks its commands up so; @number is evaluated
 * more than once.
 */
#define TABLE_FIND(table, number)            ((number) < ARRAY_SIZE(table) ? (table)[(number)] : NULL)
#define TABLE_FIND_BY(table, number, member) (TABLE_HAS_BY(table, number, member) ? &(table)[(number)] : NULL)
#define TABLE_HAS_BY(table, number, member)  ((number) < ARRAY_SIZE(table) && (table)[(number)].member)

static inline bool mfn_equal(mfn_t a, mfn_t b)
{
    return a.v == b.v;
}

static inline bool mfn_is_none(mfn_t mfn)
{
    return mfn.v == MFN_NONE.v;
}

static inline mfn_t mfn_add(mfn_t mfn, uint64_t n)
{
    return MFN(mfn.v + n);
}

static inline cpumask_t cpumask_of(unsigned cpu)
{
    return (cpumask_t){UINT64_C(1) << cpu};
}
