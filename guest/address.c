/* SPDX-License-Identifier: MIT */
/* Arithmetic, and two tables that are read: the builder's list of frames, and the hypervisor's M2P. */
#include <abi/layout.h>
#include <guest/address.h>
#include <guest/guest.h>

static xen_pfn_t *p2m(void)
{
    return (xen_pfn_t *)guest.start->mfn_list;
}

mfn_t pfn_to_mfn(pfn_t pfn)
{
    return pfn.v < guest.start->nr_pages ? MFN(frame_number(p2m()[pfn.v])) : MFN_NONE;
}

void p2m_set(pfn_t pfn, mfn_t mfn)
{
    p2m()[pfn.v] = (xen_pfn_t)mfn.v;
}

pfn_t mfn_to_pfn(mfn_t mfn)
{
    const xen_pfn_t *m2p = (const xen_pfn_t *)MACH2PHYS_VIRT_START;

    return mfn.v < MACH2PHYS_NR_ENTRIES ? PFN(frame_number(m2p[mfn.v])) : PFN_NONE;
}

pfn_t mfn_to_own_pfn(mfn_t mfn)
{
    pfn_t pfn = mfn_to_pfn(mfn);

    return pfn_to_mfn(pfn).v == mfn.v ? pfn : PFN_NONE;
}

pfn_t virt_to_pfn(const volatile void *address)
{
    return PFN(((uintptr_t)address - VIRT_BASE) >> PAGE_SHIFT);
}

void *pfn_to_virt(pfn_t pfn)
{
    return (void *)(uintptr_t)(VIRT_BASE + (pfn.v << PAGE_SHIFT));
}

mfn_t virt_to_mfn(const volatile void *address)
{
    return pfn_to_mfn(virt_to_pfn(address));
}

void *mfn_to_virt(mfn_t mfn)
{
    pfn_t pfn = mfn_to_own_pfn(mfn);

    return pfn.v < guest.nr_mapped || guest.nr_mapped == 0 ? pfn_to_virt(pfn) : NULL;
}

uint64_t virt_to_maddr(const volatile void *address)
{
    return virt_to_mfn(address).v << PAGE_SHIFT | ((uintptr_t)address & (PAGE_SIZE - 1));
}
