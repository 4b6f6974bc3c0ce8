/* SPDX-License-Identifier: MIT */
/* The frames made one after the other, checked after each call, and mended where a call has changed them. */
#include <abi/grant.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Differences that one line of the record tells. */
#define TOLD 6u

uint64_t own_domain;

struct frame world[NR_FRAMES] = {
    [FRAME_P0] = {.name = "p0"},
    [FRAME_P1] = {.name = "p1"},
    [FRAME_P2] = {.name = "p2"},
    [FRAME_P3] = {.name = "p3"},
    [FRAME_R] = {.name = "r"},
    [FRAME_T1] = {.name = "t1"},
    [FRAME_T2] = {.name = "t2"},
    [FRAME_T3] = {.name = "t3"},
    [FRAME_T4] = {.name = "t4"},
    [FRAME_U1] = {.name = "u1"},
    [FRAME_U2] = {.name = "u2"},
    [FRAME_U3] = {.name = "u3"},
    [FRAME_U4] = {.name = "u4"},
    [FRAME_B1] = {.name = "b1"},
    [FRAME_B2] = {.name = "b2"},
    [FRAME_B3] = {.name = "b3"},
    [FRAME_B4] = {.name = "b4"},
    [FRAME_V1] = {.name = "v1"},
    [FRAME_V2] = {.name = "v2"},
    [FRAME_V3] = {.name = "v3"},
    [FRAME_ROOT] = {.name = "root"},
    [FRAME_KERNEL] = {.name = "kernel"},
    [FRAME_GDT] = {.name = "gdt"},
    [FRAME_DESC] = {.name = "desc"},
    [FRAME_BAD] = {.name = "bad"},
    [FRAME_LDT] = {.name = "ldt"},
    [FRAME_SHARED] = {.name = "shared"},
    [FRAME_GRANTS] = {.name = "grants"},
    [FRAME_M2P] = {.name = "m2p"},
    [FRAME_GONE] = {.name = "gone"},
    [FRAME_VGA] = {.name = "vga", .mfn = 0xa0},
    [FRAME_IOAPIC] = {.name = "ioapic", .mfn = 0xfec00},
    [FRAME_LAPIC] = {.name = "lapic", .mfn = 0xfee00},
    [FRAME_HOLE] = {.name = "hole", .mfn = 0xd0000},
    [FRAME_BEYOND] = {.name = "beyond", .mfn = 0xfffffffffe},
    [FRAME_NONE] = {.name = "none", .mfn = 0xffffffffff},
};

const struct frame *world_find(uint64_t mfn)
{
    for (unsigned i = 0; mfn && i < NR_FRAMES; i++) {
        if (world[i].mfn == mfn)
            return &world[i];
    }
    return NULL;
}

static void need(long result, const char *what)
{
    if (result < 0)
        guest_panic("%s: %ld", what, result);
}

/*
 * Frame numbers are given as references of grants, too.  Whether a table reaches so far must not depend on the run, so
 * pages whose numbers it might reach are left lying.
 */
static uint64_t *new_page(enum frame_id id)
{
    do {
        world[id].page = page_alloc();
        world[id].mfn = virt_to_mfn(world[id].page).v;
    } while (world[id].mfn < PAGE_SIZE / sizeof(struct grant_entry_v1));
    return world[id].page;
}

static uint64_t entry_of(enum frame_id id, uint64_t flags)
{
    return pte_make(MFN(world[id].mfn), flags);
}

static void make_plain(void)
{
    for (unsigned id = FRAME_P0; id <= FRAME_P3; id++) {
        memset(new_page(id), (int)(UNTOUCHED & 0xff), PAGE_SIZE);
        world[id].writable = true;
    }
    new_page(FRAME_R);
}

/* A tower of tables, from @first, the L1, to the L4, which maps the kernel. */
static void make_tower(enum frame_id first)
{
    uint64_t *l1 = new_page(first);
    uint64_t *l4 = new_page(first + 3);

    l1[0] = entry_of(FRAME_P0, PTE_KERNEL);
    l1[1] = entry_of(FRAME_P1, PTE_READONLY);
    l1[2] = entry_of(FRAME_R, PTE_READONLY);
    l1[3] = entry_of(FRAME_P2, PTE_PROGRAM);
    l1[5] = 0xabc0;
    new_page(first + 1)[0] = entry_of(first, PTE_TABLE);
    new_page(first + 2)[0] = entry_of(first + 1, PTE_TABLE);
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
        l4[slot] = slot >= HYPERVISOR_L4_SLOT && slot <= HYPERVISOR_L4_SLOT_LAST ? 0 : table_root()[slot];
    l4[4] = entry_of(first + 2, PTE_TABLE);
}

/* Tables with an entry that is refused, each for a reason of its own. */
static void make_bad_tables(void)
{
    new_page(FRAME_B1)[0] = entry_of(FRAME_P0, PTE_READONLY);
    world[FRAME_B1].page[7] = entry_of(FRAME_T1, PTE_KERNEL);
    new_page(FRAME_B2)[0] = entry_of(FRAME_T1, PTE_TABLE);
    world[FRAME_B2].page[511] = entry_of(FRAME_U1, PTE_TABLE | PTE_PSE);
    new_page(FRAME_B3)[0] = entry_of(FRAME_T2, PTE_TABLE);
    world[FRAME_B3].page[1] = entry_of(FRAME_HOLE, PTE_TABLE);
    new_page(FRAME_B4)[0] = entry_of(FRAME_T3, PTE_TABLE);
    world[FRAME_B4].page[272] = entry_of(FRAME_T1, PTE_TABLE);
}

/* Tables below the running root, with a few addresses mapped. */
static void make_views(void)
{
    need(table_make(WORLD_BASE), "tables of the views");
    for (unsigned level = 1; level <= 4; level++) {
        enum frame_id id = level == 4 ? FRAME_ROOT : FRAME_V1 + level - 1;

        world[id].page = (uint64_t *)((uint64_t)table_entry(WORLD_BASE, level) & ~(uint64_t)(PAGE_SIZE - 1));
        world[id].mfn = virt_to_mfn(world[id].page).v;
    }
    world[FRAME_KERNEL].mfn = pte_mfn(table_root()[table_index(VIRT_BASE, 4)]).v;
    need(table_map(world_view(VIEW_P0), entry_of(FRAME_P0, PTE_KERNEL)), "view of p0");
    need(table_map(world_view(VIEW_P1), entry_of(FRAME_P1, PTE_READONLY)), "view of p1");
    need(table_map(world_view(VIEW_LDT), entry_of(FRAME_LDT, PTE_READONLY)), "view of ldt");
}

/* A flat data segment, one of code, a call gate, an absent one; and in the bad page a task state segment. */
static void make_descriptors(void)
{
    for (unsigned id = FRAME_GDT; id <= FRAME_LDT; id++) {
        uint64_t *page = new_page(id);

        page[1] = UINT64_C(0x00cff3000000ffff);
        page[2] = UINT64_C(0x00affb000000ffff);
        page[3] = UINT64_C(0x00cff2000000ffff);
        page[5] = UINT64_C(0x0000700000001234);
    }
    world[FRAME_BAD].page[100] = UINT64_C(0x0000890000000067);
}

static void protect(void)
{
    static const enum frame_id readonly[] = {FRAME_R,  FRAME_T1,  FRAME_T2,   FRAME_T3,  FRAME_T4, FRAME_U1,
                                             FRAME_U2, FRAME_U3,  FRAME_U4,   FRAME_B1,  FRAME_B2, FRAME_B3,
                                             FRAME_B4, FRAME_GDT, FRAME_DESC, FRAME_BAD, FRAME_LDT};

    for (unsigned i = 0; i < ARRAY_SIZE(readonly); i++)
        need(table_set_readonly(world[readonly[i]].page), "read-only page");
    need(hypercall_set_gdt(&world[FRAME_GDT].mfn, ENTRIES_PER_TABLE), "set_gdt");
    world[FRAME_GDT].descriptors = true;
    for (unsigned level = 1; level <= 4; level++)
        need(table_pin(world[FRAME_T1 + level - 1].page, level), "pin");
}

static void find_grants(void)
{
    struct gnttab_setup_table setup = {
        .dom = DOMID_SELF, .nr_frames = 1, .frame_list = arg_of(&world[FRAME_GRANTS].mfn)};
    uint64_t *page = page_alloc();

    need(hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1), "setup_table");
    need(setup.status, "status of setup_table");
    need(table_map((uint64_t)page, entry_of(FRAME_GRANTS, PTE_KERNEL)), "map the grant table");
    world[FRAME_GRANTS].page = page;
}

static void give_back(void)
{
    uint64_t *page = new_page(FRAME_GONE);
    struct xen_memory_reservation gone = {
        .extent_start = arg_of(&world[FRAME_GONE].mfn), .nr_extents = 1, .domid = DOMID_SELF};

    need(table_map((uint64_t)page, 0), "unmap the page to give back");
    need(hypercall_memory_op(XENMEM_decrease_reservation, &gone) - 1, "decrease_reservation");
    world[FRAME_GONE].page = NULL;
}

static void find_foreign(void)
{
    struct xen_machphys_mfn_list list = {.max_extents = 1, .extent_start = arg_of(&world[FRAME_M2P].mfn)};

    need(hypercall_memory_op(XENMEM_machphys_mfn_list, &list), "machphys_mfn_list");
    world[FRAME_SHARED].mfn = guest.start->shared_info >> PAGE_SHIFT;
    world[FRAME_SHARED].page = (uint64_t *)guest.shared;
}

void world_init(void)
{
    own_domain = guest.start->flags & SIF_INITDOMAIN ? 0 : 1;
    make_plain();
    make_tower(FRAME_T1);
    make_tower(FRAME_U1);
    make_bad_tables();
    make_descriptors();
    make_views();
    protect();
    find_grants();
    give_back();
    find_foreign();
    for (unsigned id = 0; id <= FRAME_LDT; id++) {
        if (id == FRAME_KERNEL) /* changes with the kernel's own mappings */
            continue;
        world[id].template = page_alloc();
        memcpy(world[id].template, world[id].page, PAGE_SIZE);
    }
}

/* Write one entry of a frame by whatever way leads there. */
static long mend(struct frame *frame, unsigned slot)
{
    uint64_t value = frame->template[slot];

    if (frame->writable) {
        frame->page[slot] = value;
        return 0;
    }
    if (frame->descriptors)
        return hypercall_update_descriptor(virt_to_maddr(&frame->page[slot]), value);
    return table_write(&frame->page[slot], value);
}

/* The hypervisor's own slots of an L4 are its business; what it leaves there in an ordinary page is taken away. */
static bool is_hypervisors(unsigned slot)
{
    return slot >= HYPERVISOR_L4_SLOT && slot <= HYPERVISOR_L4_SLOT_LAST;
}

static unsigned check_frame(struct frame *frame, unsigned *told)
{
    unsigned stuck = 0;

    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++) {
        if (frame->page[slot] == frame->template[slot])
            continue;
        if (is_hypervisors(slot)) {
            (void)mend(frame, slot);
            continue;
        }
        if ((*told)++ < TOLD) {
            say(" %s[%x]=", frame->name, slot);
            say_entry(frame->page[slot]);
        }
        stuck += mend(frame, slot) != 0;
    }
    return stuck;
}

void world_check(void)
{
    unsigned told = 0;

    if (!guest.vcpu->evtchn_upcall_mask) {
        say(" upcalls");
        guest.vcpu->evtchn_upcall_mask = 1;
    }

    /* What is in the way of one repair may be mended by the next. */
    for (unsigned pass = 0; pass < 4; pass++) {
        unsigned stuck = 0;

        for (unsigned id = 0; id < NR_FRAMES; id++) {
            if (world[id].template)
                stuck += check_frame(&world[id], &told);
        }
        if (!stuck)
            return;
        told = TOLD;
    }
    say(" stuck");
}
