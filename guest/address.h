/* SPDX-License-Identifier: MIT */
/*
 * Which machine frame a page of the guest is, and where it is mapped.
 *
 * The kernel keeps all its pages mapped at VIRT_BASE + pfn * PAGE_SIZE, as the domain builder began it.
 */
#pragma once

#include <guest/layout.h>
#include <guest/types.h>

/* The P2M and the M2P.  MFN_NONE or PFN_NONE where there is none; an M2P entry may be wrong, see mfn_to_own_pfn(). */
mfn_t pfn_to_mfn(pfn_t pfn);
pfn_t mfn_to_pfn(mfn_t mfn);

/* PFN_NONE unless the P2M leads back from there: then the frame is the guest's own. */
pfn_t mfn_to_own_pfn(mfn_t mfn);

/* Another frame for a page, in the guest's own P2M.  The M2P is changed with MMU_MACHPHYS_UPDATE. */
void p2m_set(pfn_t pfn, mfn_t mfn);

pfn_t virt_to_pfn(const volatile void *address);
void *pfn_to_virt(pfn_t pfn);
mfn_t virt_to_mfn(const volatile void *address);

/* The address where an own frame is mapped, NULL for another. */
void *mfn_to_virt(mfn_t mfn);

/* Machine address of a byte of the guest, which must be mapped at VIRT_BASE. */
uint64_t virt_to_maddr(const volatile void *address);
