/* SPDX-License-Identifier: MIT */
/* What both back ends ask for, and mmu.c sets: the space that is never left, and how hypercalls are saved. */
#include <guest/lazy.h>
#include <guest/mmu.h>

static struct mmu_space kernel_space;
static unsigned techniques = MMU_LAZY | MMU_LATE_PIN;

void mmu_set_techniques(unsigned wanted)
{
    techniques = wanted;
    lazy_set_queueing(wanted & MMU_LAZY);
}

bool mmu_pins_late(void)
{
    return techniques & MMU_LATE_PIN;
}

struct mmu_space *mmu_kernel_space(void)
{
    return &kernel_space;
}
