/* SPDX-License-Identifier: MIT */
/* The four wrong uses; each line that a panic should name is marked. */
#include <guest/guest.h>
#include <guest/mmu.h>
#include <guest/processor.h>
#include <guests/paravirt/misuse.h>
#include <guests/paravirt/space.h>
#include <guests/paravirt/test.h>

/* The comments are looked for by tests/paravirt/run.sh: the panic must name their lines. */
void misuse(uint64_t kind)
{
    struct space space;
    uint64_t *place;

    if (space_create(&space, 1))
        guest_panic("no memory");
    switch (kind) {
    case 1:
        mmu_lazy_leave(); /* misuse 1 */
        break;
    case 2:
        pinned_unpin_tree(&space.mmu.tree, MMU_HERE); /* misuse 2 */
        break;
    case 3:
        space_load(&space);
        place = mmu_walk(&space.mmu, CODE_BASE, 2);
        WRITE_ONCE(*place, 0); /* misuse 3 */
        break;
    default:
        space_load(&space);
        place = mmu_walk(&space.mmu, CODE_BASE, 1);
        mmu_lazy_enter();
        mmu_entry_write(&space.mmu, place + 1, 1, MMU_ENTRY_NONE);
        mmu_entry_write(&space.mmu, place + 2, 1, mmu_entry_make(virt_to_pfn(place), PTE_PROGRAM)); /* misuse 4 */
        mmu_entry_write(&space.mmu, place + 3, 1, MMU_ENTRY_NONE);
        mmu_lazy_leave();
    }
}
