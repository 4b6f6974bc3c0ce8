/* SPDX-License-Identifier: MIT */
/* The guest's side of the world: what the library takes from the rest of guest/, for pages in the machine's RAM. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <tests/guestlib/lib/world.h>

mfn_t pfn_to_mfn(pfn_t pfn)
{
    return MFN(world_mfn_of_pfn(pfn.v));
}

pfn_t mfn_to_pfn(mfn_t mfn)
{
    return PFN(world_pfn_of_mfn(mfn.v));
}

pfn_t virt_to_pfn(const volatile void *address)
{
    return PFN(world_pfn(address));
}

mfn_t virt_to_mfn(const volatile void *address)
{
    return MFN(world_mfn(address));
}

void *mfn_to_virt(mfn_t mfn)
{
    return world_page_of_mfn(mfn.v);
}

uint64_t virt_to_maddr(const volatile void *address)
{
    return world_mfn(address) << PAGE_SHIFT | ((uint64_t)address & (PAGE_SIZE - 1));
}

uint64_t *table_entry(uint64_t vaddr, unsigned level)
{
    return level == 1 ? world_l1_entry((const void *)vaddr) : NULL;
}

_Noreturn void guest_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    abort();
}
