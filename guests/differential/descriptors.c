/* SPDX-License-Identifier: MIT */
/* set_gdt, update_descriptor, set_trap_table: what stands for the processor's own tables. */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/trap.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* ---- set_gdt */

static const struct item gdt_sizes[] = {VALUE(0),    VALUE(1),          VALUE(512),       VALUE(512),
                                        VALUE(513),  VALUE(1024),       VALUE(7168),      VALUE(7169),
                                        VALUE(8192), VALUE(0x80000000), VALUE(0xffffffff)};
static const struct menu menu_gdt_sizes = MENU(gdt_sizes);

#define GDT_FRAMES 16u

static void gdt_once(void)
{
    enum pointer_kind kind;
    uint64_t address, first, rest, size, *list;
    long result;

    say_begin("set_gdt");
    size = choose("size", &menu_gdt_sizes);
    kind = pointer_choose();
    list = pointer_make(PLACE_LIST, kind, GDT_FRAMES * sizeof(*list), &address);
    say(" list=%s", pointer_name(kind));
    first = choose("first", &menu_frames);
    rest = choose("rest", &menu_frames);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        list[i] = i ? rest : first;
    pointer_put(PLACE_LIST);
    say_calling();
    result = call(__HYPERVISOR_set_gdt, address, size, 0, 0, 0);
    say_result(result);
    if (hypercall_set_gdt(&world[FRAME_GDT].mfn, ENTRIES_PER_TABLE))
        say(" stuck(gdt)");
    world_check();
    say_end();
}

/* ---- update_descriptor */

static const struct item offsets[] = {VALUE(0),     VALUE(8),     VALUE(8), VALUE(0x18),
                                      VALUE(0x7f8), VALUE(0xff8), VALUE(4), VALUE(0xffc)};
static const struct menu menu_offsets = MENU(offsets);

static const struct item descriptors[] = {
    VALUE(0),
    VALUE(1),
    VALUE(0x0000700000001234),
    VALUE(0x00cff3000000ffff),
    VALUE(0x00cff2000000ffff),
    VALUE(0x00cf93000000ffff),
    VALUE(0x00cfb3000000ffff),
    VALUE(0x00cfd3000000ffff),
    VALUE(0x00affb000000ffff),
    VALUE(0x00affa000000ffff),
    VALUE(0x00af9b000000ffff),
    VALUE(0x00effb000000ffff),
    VALUE(0x00cffb000000ffff),
    VALUE(0x00cf9b000000ffff),
    VALUE(0x00dff3000000ffff),
    VALUE(0x00cfff000000ffff),
    VALUE(0x00cff7000000ffff),
    VALUE(0xffcff3ffffffffff),
    VALUE(0x0000890000000067),
    VALUE(0x00008b0000000067),
    VALUE(0x0000820000000fff),
    VALUE(0x0000e2000000ffff),
    VALUE(0x0000800000000000),
    VALUE(0x0000e00000000000),
    VALUE(0x0000810000000000),
    VALUE(0x00008c000008ffff),
    VALUE(0x0000ec00e0330000),
    VALUE(0x00008c00e0330000),
    VALUE(0x0000ac00e0310000),
    VALUE(0x0000ec00e0080000),
    VALUE(0x0000ec00e0230000),
    VALUE(0x0000ec0000330000),
    VALUE(0x0000ec0000000000),
    VALUE(0x0000ec0000070000),
    VALUE(0x0000ec1fe0330000),
    VALUE(0x0000ec20e0330000),
    VALUE(0x0000e400e0330000),
    VALUE(0x0000ee00e0330000),
    VALUE(0x0000ef00e0330000),
    VALUE(0x0000e500e0330000),
    VALUE(0xffffffffffffffff),
    VALUE(0xffff7fffffffffff),
};
static const struct menu menu_descriptors = MENU(descriptors);

static void descriptor_once(void)
{
    static const enum frame_id likely[] = {FRAME_GDT, FRAME_GDT, FRAME_DESC, FRAME_P2, FRAME_LDT, FRAME_BAD, FRAME_R};
    const struct frame *frame = &world[likely[choose_number(ARRAY_SIZE(likely))]];
    const struct item *item;
    uint64_t mfn = frame->mfn, offset, value;

    say_begin("update_descriptor");
    if (choose_seldom(4)) {
        item = choose_item(&menu_frames);
        mfn = item_value(item);
        say(" %s+", item->name);
    } else {
        say(" %s+", frame->name);
    }
    offset = choose(NULL, &menu_offsets);
    if (mfn == world[FRAME_SHARED].mfn || mfn == world[FRAME_GRANTS].mfn || mfn == world[FRAME_ROOT].mfn)
        offset = 0xff8; /* where nobody looks */
    say(" =");
    value = choose(NULL, &menu_descriptors);
    say_calling();
    say_result(call(__HYPERVISOR_update_descriptor, mfn << PAGE_SHIFT | offset, value, 0, 0, 0));
    world_check();
    say_end();
}

/* ---- set_trap_table */

#define TRAPS 3u

static const struct item vectors[] = {VALUE(0x20), VALUE(0x30), VALUE(0x80), VALUE(0x82), VALUE(0xff)};
static const struct menu menu_vectors = MENU(vectors);
static const struct item trap_flags[] = {VALUE(0), VALUE(3), VALUE(4), VALUE(7), VALUE(0xff)};
static const struct menu menu_trap_flags = MENU(trap_flags);
static const struct item selectors[] = {VALUE(0),    VALUE(0xe033), VALUE(0xe030), VALUE(0xe008), VALUE(0xe010),
                                        VALUE(0x10), VALUE(7),      VALUE(0xe02b), VALUE(0xffff)};
static const struct menu menu_selectors = MENU(selectors);

static void trap_once(void)
{
    enum pointer_kind kind = pointer_choose();
    unsigned count = choose_number(TRAPS + 1);
    uint64_t address;
    struct trap_info *traps = pointer_make(PLACE_LIST, kind, (count + 1) * sizeof(*traps), &address);

    say_begin("set_trap_table");
    say(" at=%s", pointer_name(kind));
    for (unsigned i = 0; i < count; i++) {
        say(" (");
        traps[i].vector = (uint8_t)choose(NULL, &menu_vectors);
        say(",");
        traps[i].flags = (uint8_t)choose(NULL, &menu_trap_flags);
        say(",");
        traps[i].cs = (uint16_t)choose(NULL, &menu_selectors);
        say(",");
        traps[i].address = choose(NULL, &menu_addresses);
        say(")");
    }
    traps[count] = (struct trap_info){0};
    pointer_put(PLACE_LIST);
    say_calling();
    say_result(call(__HYPERVISOR_set_trap_table, address, 0, 0, 0, 0));
    say_end();
}

void group_descriptors(void)
{
    for (unsigned i = 0; i < 300; i++)
        gdt_once();
    for (unsigned i = 0; i < 700; i++)
        descriptor_once();
    for (unsigned i = 0; i < 200; i++)
        trap_once();
    trap_init();
}
