/* SPDX-License-Identifier: MIT */
/* Both address spaces: abi/layout.h, hv/base/layout.h and the geometry of the engine's levels. */
#include <tools/docs/json.h>
#include <tools/docs/tables.h>
#include <abi/layout.h>
#include <engine/level.h>
#include <hv/base/layout.h>

#define SLOT_SIZE (UINT64_C(1) << 39) /* of a top-level table */
#define CANONICAL (UINT64_C(1) << 47) /* the end of the lower half */
#define LOW_END   UINT64_C(0x100000000)

struct region {
    const char *name, *owner, *text;
    uint64_t first, last;
};

static const struct region wide[] = {
    {"lower half", "guest", "the guest's", 0, CANONICAL - 1},
    {"not canonical", "nobody", "no memory can be here", CANONICAL, HYPERVISOR_VIRT_START - 1},
    {"hypervisor", "hypervisor", "M2P, and the hypervisor's own", HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 1},
    {"upper half", "guest", "the guest's: its kernel", HYPERVISOR_VIRT_END, UINT64_MAX},
};

/* What the hypervisor has, each up to where the next one begins or its own slot of the top-level table ends. */
static const struct region own[] = {
    {"M2P", "readable", "machine to pseudo-physical; guests read it", MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END - 1},
    {"stacks", "hypervisor", "of vCPUs, and guards between them", STACKS_BASE, STACKS_BASE + SLOT_SIZE - 1},
    {"windows", "hypervisor", "descriptor tables of guests", WINDOW_BASE, WINDOW_BASE + SLOT_SIZE - 1},
    {"image", "hypervisor", "code and data", IMAGE_BASE, IMAGE_BASE + SLOT_SIZE - 1},
    {"devices", "hypervisor", "registers: APIC, I/O APICs, one more", DEVICE_BASE, DEVICE_BASE + SLOT_SIZE - 1},
    {"heap", "hypervisor", "objects of the hypervisor", HEAP_BASE, HEAP_BASE + SLOT_SIZE - 1},
    {"direct map", "hypervisor", "all RAM of the machine", DIRECT_BASE, DIRECT_END - 1},
};
_Static_assert(DIRECT_END == HYPERVISOR_VIRT_END, "the direct map ends where the hypervisor does");

static const struct region narrow[] = {
    {"guest", "guest", "the guest's", 0, COMPAT_HYPERVISOR_VIRT_START - 1},
    {"M2P", "readable", "machine to pseudo-physical; guests read it", COMPAT_MACH2PHYS_VIRT_START,
     COMPAT_MACH2PHYS_VIRT_END - 1},
    {"hypervisor", "hypervisor", "nothing is mapped here", COMPAT_MACH2PHYS_VIRT_END, LOW_END - 1},
};

static void print_regions(const char *name, const struct region *regions, size_t count)
{
    json_begin(name, '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(NULL, '{');
        json_text("name", regions[i].name);
        json_text("owner", regions[i].owner);
        json_text("text", regions[i].text);
        json_bits("first", regions[i].first);
        json_bits("last", regions[i].last);
        json_end('}');
    }
    json_end(']');
}

void tables_print_layout(void)
{
    json_begin("layout", '{');
    json_bits("slot_size", SLOT_SIZE);
    json_number("slot_first", level_of(WIDTH_64, TYPE_L4)->hyp_first);
    json_number("slot_end", level_of(WIDTH_64, TYPE_L4)->hyp_end);
    json_number("narrow_slot_first", level_of(WIDTH_PAE, TYPE_L2_TOP)->hyp_first);
    json_bits("image_start", IMAGE_START);
    json_bits("heap_size", HEAP_SIZE);
    print_regions("wide", wide, ARRAY_SIZE(wide));
    print_regions("own", own, ARRAY_SIZE(own));
    print_regions("narrow", narrow, ARRAY_SIZE(narrow));
    json_end('}');
}
