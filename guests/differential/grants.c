/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op, on grants of the domain to itself and to nobody.
 *
 * Left out: GNTTABOP_dump_table, which fills the console; a table of more than one frame, which cannot shrink again.
 */
#include <abi/grant.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Grants of every kind, from reference 8 on. */
enum {
    REF_PLAIN = 8,
    REF_READONLY,
    REF_TABLE,
    REF_NOBODY,
    REF_TRANSFER,
    REF_HOLE,
    REF_GONE,
    REF_ZERO,
    REF_GDT,
    REF_ENTRY,
    REF_END
};

static uint64_t handle, entry_place, bad_place;
static const uint64_t mapped_at = WORLD_BASE + 4 * PAGE_SIZE;

static const struct item refs[] = {
    {"plain", REF_PLAIN, NULL},
    {"plain", REF_PLAIN, NULL},
    {"readonly", REF_READONLY, NULL},
    {"table", REF_TABLE, NULL},
    {"nobody", REF_NOBODY, NULL},
    {"transfer", REF_TRANSFER, NULL},
    {"hole", REF_HOLE, NULL},
    {"gone", REF_GONE, NULL},
    {"zero", REF_ZERO, NULL},
    {"gdt", REF_GDT, NULL},
    {"invalid", 100, NULL},
    VALUE(511),
    VALUE(512),
    VALUE(0xffffffff),
};
static const struct menu menu_refs = MENU(refs);

static const struct item places[] = {
    {"view4", WORLD_BASE + 0x4000, NULL},
    {"view4", WORLD_BASE + 0x4000, NULL},
    {"view0", WORLD_BASE, NULL},
    {"view5+8", WORLD_BASE + 0x5008, NULL},
    {"no-l1", WORLD_BASE + 0x200000, NULL},
    {"no-l3", WORLD_BASE + 0x8000000000, NULL},
    {"noncanon", UINT64_C(0x900000000000), NULL},
    {"hv", HYPERVISOR_VIRT_START, NULL},
    {"v1[6]", 0, &entry_place},
    {"p2[0]", 0, &bad_place},
    VALUE(0),
};
static const struct menu menu_places = MENU(places);

/* The new place is never the old one: what becomes of such a mapping cannot be undone. */
static const struct item new_places[] = {{"view0", WORLD_BASE, NULL},
                                         {"view1", WORLD_BASE + 0x1000, NULL},
                                         {"view7", WORLD_BASE + 0x7000, NULL},
                                         {"no-l1", WORLD_BASE + 0x200000, NULL},
                                         {"noncanon", UINT64_C(0x900000000000), NULL},
                                         {"hv", HYPERVISOR_VIRT_START, NULL},
                                         VALUE(0)};
static const struct menu menu_new_places = MENU(new_places);

static const struct item map_flags[] = {
    VALUE(2),    VALUE(2),    VALUE(2),    VALUE(6),       VALUE(6),       VALUE(0),
    VALUE(1),    VALUE(3),    VALUE(4),    VALUE(0xa),     VALUE(0xe),     VALUE(0x12),
    VALUE(0x16), VALUE(0x1a), VALUE(0x20), VALUE(0x3000a), VALUE(0x10002), VALUE(0xffffffff),
};
static const struct menu menu_map_flags = MENU(map_flags);

static const struct item handles[] = {
    {"good", 0, &handle}, {"good", 0, &handle}, {"good", 0, &handle}, VALUE(0x777), VALUE(0xffffffff)};
static const struct menu menu_handles = MENU(handles);

#define FRAME(name, id)         \
    {                           \
        name, 0, &world[id].mfn \
    }
static const struct item sources[] = {
    {"plain", REF_PLAIN, NULL},    {"readonly", REF_READONLY, NULL},
    {"table", REF_TABLE, NULL},    {"nobody", REF_NOBODY, NULL},
    {"hole", REF_HOLE, NULL},      {"gone", REF_GONE, NULL},
    {"invalid", 100, NULL},        FRAME("p2", FRAME_P2),
    FRAME("p3", FRAME_P3),         FRAME("t1", FRAME_T1),
    FRAME("gdt", FRAME_GDT),       FRAME("gone-mfn", FRAME_GONE),
    FRAME("hole-mfn", FRAME_HOLE), FRAME("none", FRAME_NONE),
};
static const struct menu menu_sources = MENU(sources);
static const struct item copy_flags[] = {VALUE(0), VALUE(1), VALUE(1), VALUE(2),     VALUE(2),
                                         VALUE(3), VALUE(3), VALUE(4), VALUE(0xffff)};
static const struct menu menu_copy_flags = MENU(copy_flags);
static const struct item lengths[] = {VALUE(0),    VALUE(8),    VALUE(8),    VALUE(8),
                                      VALUE(4095), VALUE(4096), VALUE(4097), VALUE(0xffff)};
static const struct menu menu_lengths = MENU(lengths);
static const struct item selves[] = {{"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL},
                                     {"own", 0, &own_domain},    {"own", 0, &own_domain},    {"nobody", 1234, NULL},
                                     {"io", DOMID_IO, NULL},     {"ffff", 0xffff, NULL}};
static const struct menu menu_selves = MENU(selves);
static const struct item nrs[] = {VALUE(0), VALUE(1), VALUE(1), VALUE(0x10000), VALUE(0xffffffff)};
static const struct menu menu_nrs = MENU(nrs);
static const struct item versions[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(0xffffffff)};
static const struct menu menu_versions = MENU(versions);
static const struct item lost[] = {FRAME("gone", FRAME_GONE), FRAME("hole", FRAME_HOLE), FRAME("none", FRAME_NONE),
                                   FRAME("m2p", FRAME_M2P)};
static const struct menu menu_lost = MENU(lost);
static const struct item counts[] = {VALUE(0), VALUE(1), VALUE(1), VALUE(1), VALUE(0x80000000), VALUE(0xffffffff)};
static const struct menu menu_counts = MENU(counts);

static const struct field map_fields[] = {
    FIELD(struct gnttab_map_grant_ref, host_addr, KIND_NUMBER, &menu_places),
    FIELD(struct gnttab_map_grant_ref, flags, KIND_NUMBER, &menu_map_flags),
    FIELD(struct gnttab_map_grant_ref, ref, KIND_NUMBER, &menu_refs),
    FIELD(struct gnttab_map_grant_ref, dom, KIND_NUMBER, &menu_selves),
    FIELD(struct gnttab_map_grant_ref, status, KIND_SIGNED, NULL),
    FIELD(struct gnttab_map_grant_ref, handle, KIND_SOME, NULL),
    FIELD(struct gnttab_map_grant_ref, dev_bus_addr, KIND_ENTRY, NULL),
};
static const struct field unmap_fields[] = {
    FIELD(struct gnttab_unmap_grant_ref, host_addr, KIND_NUMBER, &menu_places),
    FIELD(struct gnttab_unmap_grant_ref, dev_bus_addr, KIND_NUMBER, &menu_nrs),
    FIELD(struct gnttab_unmap_grant_ref, handle, KIND_NUMBER, &menu_handles),
    FIELD(struct gnttab_unmap_grant_ref, status, KIND_SIGNED, NULL),
};
static const struct field replace_fields[] = {
    FIELD(struct gnttab_unmap_and_replace, host_addr, KIND_NUMBER, &menu_places),
    FIELD(struct gnttab_unmap_and_replace, new_addr, KIND_NUMBER, &menu_new_places),
    FIELD(struct gnttab_unmap_and_replace, handle, KIND_NUMBER, &menu_handles),
    FIELD(struct gnttab_unmap_and_replace, status, KIND_SIGNED, NULL),
};
static const struct field setup_fields[] = {
    FIELD(struct gnttab_setup_table, dom, KIND_NUMBER, &menu_domains),
    FIELD(struct gnttab_setup_table, nr_frames, KIND_NUMBER, &menu_nrs),
    FIELD(struct gnttab_setup_table, status, KIND_SIGNED, NULL),
};
static const struct field transfer_fields[] = {
    FIELD(struct gnttab_transfer, mfn, KIND_FRAME, &menu_lost),
    FIELD(struct gnttab_transfer, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct gnttab_transfer, ref, KIND_NUMBER, &menu_refs),
    FIELD(struct gnttab_transfer, status, KIND_SIGNED, NULL),
};
static const struct field copy_fields[] = {
    FIELD(struct gnttab_copy, flags, KIND_NUMBER, &menu_copy_flags),
    FIELD(struct gnttab_copy, source.u.gmfn, KIND_NUMBER, &menu_sources),
    FIELD(struct gnttab_copy, source.domid, KIND_NUMBER, &menu_selves),
    FIELD(struct gnttab_copy, source.offset, KIND_NUMBER, &menu_lengths),
    FIELD(struct gnttab_copy, dest.u.gmfn, KIND_NUMBER, &menu_sources),
    FIELD(struct gnttab_copy, dest.domid, KIND_NUMBER, &menu_selves),
    FIELD(struct gnttab_copy, dest.offset, KIND_NUMBER, &menu_lengths),
    FIELD(struct gnttab_copy, len, KIND_NUMBER, &menu_lengths),
    FIELD(struct gnttab_copy, status, KIND_SIGNED, NULL),
};
static const struct field size_fields[] = {
    FIELD(struct gnttab_query_size, dom, KIND_NUMBER, &menu_domains),
    FIELD(struct gnttab_query_size, nr_frames, KIND_NUMBER, NULL),
    FIELD(struct gnttab_query_size, max_nr_frames, KIND_SOME, NULL),
    FIELD(struct gnttab_query_size, status, KIND_SIGNED, NULL),
};
static const struct field set_version_fields[] = {
    FIELD(struct gnttab_set_version, version, KIND_NUMBER, &menu_versions)};
static const struct field get_version_fields[] = {
    FIELD(struct gnttab_get_version, dom, KIND_NUMBER, &menu_domains),
    FIELD(struct gnttab_get_version, version, KIND_NUMBER, NULL),
};
/* What the list of status frames takes, and what swaps two references. */
static const struct field status_fields[] = {
    {"nr_frames", 0, 4, KIND_NUMBER, &menu_nrs},
    {"dom", 4, 2, KIND_NUMBER, &menu_domains},
    {"status", 6, 2, KIND_SIGNED, NULL},
    {"list", 8, 8, KIND_NUMBER, &menu_addresses},
};
static const struct field swap_fields[] = {
    {"a", 0, 4, KIND_NUMBER, &menu_refs},
    {"b", 4, 4, KIND_NUMBER, &menu_refs},
    {"status", 8, 2, KIND_SIGNED, NULL},
};

static struct grant_entry_v1 *entries(void)
{
    return (struct grant_entry_v1 *)world[FRAME_GRANTS].page;
}

static struct grant_entry_v1 wanted(unsigned ref)
{
    static const struct {
        uint16_t flags;
        enum frame_id frame;
    } kinds[] = {{GTF_permit_access, FRAME_P0},   {GTF_permit_access | GTF_readonly, FRAME_P1},
                 {GTF_permit_access, FRAME_T1},   {GTF_permit_access, FRAME_P2},
                 {GTF_accept_transfer, FRAME_P3}, {GTF_permit_access, FRAME_HOLE},
                 {GTF_permit_access, FRAME_GONE}, {GTF_permit_access, FRAME_R},
                 {GTF_permit_access, FRAME_GDT}};

    if (ref < REF_PLAIN || ref - REF_PLAIN >= ARRAY_SIZE(kinds))
        return (struct grant_entry_v1){0};
    return (struct grant_entry_v1){.flags = kinds[ref - REF_PLAIN].flags,
                                   .domid = ref == REF_NOBODY ? 1234 : (uint16_t)own_domain,
                                   .frame = (uint32_t)world[kinds[ref - REF_PLAIN].frame].mfn};
}

/* How the entries and the test addresses look now, where that is not as ever. */
static void tell(void)
{
    const struct frame *v1 = &world[FRAME_V1];

    for (unsigned ref = REF_PLAIN; ref < REF_END; ref++) {
        if (entries()[ref].flags != wanted(ref).flags)
            say(" flags(%u)=%x", ref, entries()[ref].flags);
    }
    for (unsigned slot = 0; slot < WORLD_VIEWS; slot++) {
        if (v1->page[slot] != v1->template[slot]) {
            say(" v1[%x]:=", slot);
            say_entry(v1->page[slot]);
        }
    }
}

static void fill(void)
{
    for (unsigned ref = REF_PLAIN; ref < REF_END; ref++)
        entries()[ref] = wanted(ref);
}

static void check_entries(void)
{
    for (unsigned ref = REF_PLAIN; ref < REF_END; ref++) {
        if (entries()[ref].flags & (GTF_reading | GTF_writing))
            say(" stuck(%u:%x)", ref, entries()[ref].flags);
    }
    fill();
}

static void after(long result, void *arg)
{
    (void)result;
    (void)arg;
    tell();
    check_entries();
}

static void unmap(uint32_t mapping, uint64_t host, uint64_t device)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = host, .dev_bus_addr = device, .handle = mapping};

    if (hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1) || op.status)
        say(" stuck(unmap %d)", op.status);
}

static void after_map(long result, void *arg)
{
    const struct gnttab_map_grant_ref *op = arg;

    tell();
    if (result == 0 && op->status == GNTST_okay) {
        unmap(op->handle, op->flags & GNTMAP_host_map ? op->host_addr : 0,
              op->flags & GNTMAP_device_map ? op->dev_bus_addr : 0);
    }
    check_entries();
}

/* Something to unmap, and a handle for it. */
static void map_one(void *arg)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = mapped_at, .flags = GNTMAP_host_map, .ref = REF_PLAIN, .dom = (uint16_t)own_domain};
    uint32_t *chosen = (uint32_t *)((char *)arg + offsetof(struct gnttab_unmap_grant_ref, handle));
    bool good = *chosen == handle;

    (void)hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    handle = op.status == GNTST_okay ? op.handle : 0x555;
    if (good)
        *chosen = (uint32_t)handle;
}

static void after_unmap(long result, void *arg)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = mapped_at, .handle = (uint32_t)handle};

    (void)result;
    (void)arg;
    tell();
    (void)hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    check_entries();
    handle = 0x555;
}

static void before_setup(void *arg)
{
    struct gnttab_setup_table *setup = arg;
    enum pointer_kind kind = pointer_choose();

    (void)pointer_make(PLACE_LIST, kind, 8, &setup->frame_list);
    say(" list=%s", pointer_name(kind));
    pointer_put(PLACE_LIST);
}

static void after_setup(long result, void *arg)
{
    const uint64_t *list = pointer_memory(PLACE_LIST);

    (void)result;
    (void)arg;
    pointer_get(PLACE_LIST);
    if (list[0] != UNTOUCHED) {
        say(" list[0]=");
        say_frame(list[0]);
    }
}

/* Another version has another layout, and what was there is lost. */
static void after_version(long result, void *arg)
{
    struct gnttab_set_version one = {.version = 1};

    (void)result;
    (void)arg;
    if (hypercall_grant_table_op(GNTTABOP_set_version, &one, 1))
        say(" stuck(version)");
    fill();
}

#define OP(name_, type, fields_, times_)                                                                        \
    .name = #name_, .command = GNTTABOP_##name_, FIELDS(fields_), .size = sizeof(type), .shape = SHAPE_COUNTED, \
    .times = times_
#define OTHER(name_, command_, size_, times_) \
    .name = name_, .command = command_, .size = size_, .shape = SHAPE_COUNTED, .times = times_

static const struct op ops[] = {
    {OP(map_grant_ref, struct gnttab_map_grant_ref, map_fields, 500), .after = after_map},
    {OP(unmap_grant_ref, struct gnttab_unmap_grant_ref, unmap_fields, 150), .before = map_one, .after = after_unmap},
    {OP(setup_table, struct gnttab_setup_table, setup_fields, 80), .before = before_setup, .after = after_setup,
     .middle = &menu_counts},
    {OP(transfer, struct gnttab_transfer, transfer_fields, 60), .after = after},
    {OP(copy, struct gnttab_copy, copy_fields, 500), .after = after},
    {OP(query_size, struct gnttab_query_size, size_fields, 40), .middle = &menu_counts},
    {OP(unmap_and_replace, struct gnttab_unmap_and_replace, replace_fields, 80), .before = map_one,
     .after = after_unmap},
    {OP(set_version, struct gnttab_set_version, set_version_fields, 40), .after = after_version},
    {OP(get_version, struct gnttab_get_version, get_version_fields, 30), .middle = &menu_counts},
    {OTHER("get_status_frames", 9, 16, 40), FIELDS(status_fields)},
    {OTHER("swap", 11, 12, 60), FIELDS(swap_fields), .after = after},
    {OTHER("12", 12, 16, 10)},
    {OTHER("13", 13, 16, 10), .middle = &menu_counts},
    {OTHER("ffffffff", 0xffffffff, 16, 5)},
};

void group_grants(void)
{
    static const struct group group = {"grant_table_op", __HYPERVISOR_grant_table_op, ops, ARRAY_SIZE(ops)};

    entry_place = virt_to_maddr(&world[FRAME_V1].page[6]);
    bad_place = virt_to_maddr(&world[FRAME_P2].page[0]);
    handle = 0x555;
    fill();
    call_group(&group);
}
