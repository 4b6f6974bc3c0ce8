/* SPDX-License-Identifier: MIT */
/* The table of levels.  One row a type of table; a level that a width does not have has no slots. */
#include <engine/level.h>

#define UPPER_REFUSED  (ENTRY_PWT | ENTRY_PCD | ENTRY_PSE | ENTRY_GLOBAL)
#define PAE_L3_REFUSED (UPPER_REFUSED | ENTRY_AVAIL_HIGH | ENTRY_NX)

#define NO_HYP     0, 0
#define ROOT_HYP   256, 272
#define COMPAT_HYP 428, 512

_Static_assert(272 - 256 == HYPERVISOR_ROOT_SLOTS, "slots of a root");
_Static_assert(512 - 428 == HYPERVISOR_COMPAT_SLOTS, "slots of a 32-bit guest's topmost L2");

const struct level levels_64[TYPE_L2_TOP + 1] = {
    [TYPE_L1] = {TYPE_L1, TYPE_WRITABLE, 0, 0, 512, NO_HYP},
    [TYPE_L2] = {TYPE_L2, TYPE_L1, UPPER_REFUSED, ENTRY_USER, 512, NO_HYP},
    [TYPE_L3] = {TYPE_L3, TYPE_L2, UPPER_REFUSED, ENTRY_USER, 512, NO_HYP},
    [TYPE_L4] = {TYPE_L4, TYPE_L3, UPPER_REFUSED, ENTRY_USER | ENTRY_ACCESSED, 512, ROOT_HYP},
    [TYPE_L2_TOP] = {0},
};

/* Hardware in long mode takes RW and USER from an L3 entry too, where the guest's PAE format has none (XSA-185). */
const struct level levels_pae[TYPE_L2_TOP + 1] = {
    [TYPE_L1] = {TYPE_L1, TYPE_WRITABLE, 0, 0, 512, NO_HYP},
    [TYPE_L2] = {TYPE_L2, TYPE_L1, UPPER_REFUSED, 0, 512, NO_HYP},
    [TYPE_L3] = {TYPE_L3, TYPE_L2, PAE_L3_REFUSED, ENTRY_USER | ENTRY_RW, 4, NO_HYP},
    [TYPE_L2_TOP] = {TYPE_L2_TOP, TYPE_L1, UPPER_REFUSED, 0, 512, COMPAT_HYP},
};
