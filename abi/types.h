/* SPDX-License-Identifier: MIT */
/*
 * The few types that the other headers of abi/ share.
 *
 * A plain name is the layout of a 64-bit guest, a compat_ name that of a 32-bit (PAE) guest; what is laid
 * out alike in both exists once, under the plain name.  Padding is spelled out in members called _gapN, so
 * that nothing copied to a guest has bytes that nobody wrote, and so that each structure has one layout
 * whether it is compiled for 64 or for 32 bits.
 */
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

/*
 * A frame number inside a structure.  Machine or pseudo-physical: the field's comment says which.
 */
typedef uint64_t xen_pfn_t;
typedef uint32_t compat_pfn_t;

/*
 * A 64-bit number inside a 32-bit layout: the i386 ABI aligns it to 4 bytes, not to 8.
 */
typedef uint64_t compat_u64 __attribute__((aligned(4)));

/*
 * A port of an event channel, in both widths.
 */
typedef uint32_t evtchn_port_t;

#endif /* ABI_TYPES_H */
