/* SPDX-License-Identifier: MIT */
/* update_va_mapping and update_va_mapping_otherdomain: addresses with and without an L1, of everybody. */
#include <abi/layout.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/mmu_arguments.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

#define TIMES       800u
#define TIMES_OTHER 200u

static uint64_t plain, table, readonly;

static const struct item places[] = {
    {"view0", WORLD_BASE, NULL},
    {"view1", WORLD_BASE + 0x1000, NULL},
    {"view2+8", WORLD_BASE + 0x2008, NULL},
    {"view4", WORLD_BASE + 0x4000, NULL},
    {"view5+fff", WORLD_BASE + 0x5fff, NULL},
    {"view511", WORLD_BASE + 0x1ff000, NULL},
    {"no-l1", WORLD_BASE + 0x200000, NULL},
    {"no-l2", WORLD_BASE + 0x40000000, NULL},
    {"no-l3", WORLD_BASE + 0x8000000000, NULL},
    {"p3", 0, &plain},
    {"t1", 0, &table},
    {"r", 0, &readonly},
    {"noncanon", UINT64_C(0x900000000000), NULL},
    {"hv", HYPERVISOR_VIRT_START, NULL},
    {"hv-linear", UINT64_C(0xffff820000000000), NULL},
    {"hv-end", HYPERVISOR_VIRT_END - PAGE_SIZE, NULL},
};
static const struct menu menu_places = MENU(places);

static const struct item flushes[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(2), VALUE(3),
                                      VALUE(4), VALUE(5), VALUE(6), VALUE(7)};
static const struct menu menu_flushes = MENU(flushes);

static const struct item masks[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(0xffffffffffffffff)};
static const struct menu menu_masks = MENU(masks);

/* What to flush: a number, or a bitmap of vCPUs somewhere. */
static uint64_t choose_flush(void)
{
    enum pointer_kind kind;
    uint64_t address, *mask;

    if (!choose_seldom(4))
        return choose("flush", &menu_flushes);
    kind = choose_number(NR_POINTERS);
    mask = pointer_make(PLACE_LIST, kind, sizeof(*mask), &address);
    say(" flush=%s:", pointer_name(kind));
    *mask = choose(NULL, &menu_masks);
    pointer_put(PLACE_LIST);
    say("+");
    return address | choose(NULL, &menu_flushes) % UVMF_ALL;
}

/* The kernel's own addresses are not the world's to check. */
static void check_kernel(uint64_t vaddr, uint64_t before)
{
    uint64_t after;

    if (vaddr < VIRT_BASE || !table_entry(vaddr, 1))
        return;
    (void)table_walk(vaddr, &after);
    if (after != before) {
        say(" entry=");
        say_entry(after);
        if (table_map(vaddr, before))
            say(" stuck");
    }
}

static void once(bool other)
{
    uint64_t vaddr, entry, flush, before = 0, domain = 0;
    long result;

    say_begin(other ? "va_mapping_other" : "va_mapping");
    say(" ");
    vaddr = choose(NULL, &menu_places);
    entry = entry_choose("");
    flush = choose_flush();
    if (other)
        domain = choose("dom", &menu_domains);
    if (vaddr >= VIRT_BASE)
        (void)table_walk(vaddr, &before);
    say_calling();
    result = call(other ? __HYPERVISOR_update_va_mapping_otherdomain : __HYPERVISOR_update_va_mapping, vaddr, entry,
                  flush, domain, 0);
    say_result(result);
    check_kernel(vaddr, before);
    world_check();
    say_end();
}

void group_va_mapping(void)
{
    plain = (uint64_t)world[FRAME_P3].page;
    table = (uint64_t)world[FRAME_T1].page;
    readonly = (uint64_t)world[FRAME_R].page;
    for (unsigned i = 0; i < TIMES; i++)
        once(false);
    for (unsigned i = 0; i < TIMES_OTHER; i++)
        once(true);
}
