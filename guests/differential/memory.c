/* SPDX-License-Identifier: MIT */
/*
 * memory_op.  Frames that are gained are given back, those given back are replaced.
 *
 * Given back are only the frames x0 to x3, which nothing maps and which this group alone uses.  What was given back may
 * come again, so that this is the last group to which it matters that the frame "gone" is nobody's.
 */
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

#define SPARE   4u
#define EXTENTS 2u

/* Frames that the domain does without, so that it may ask for others; some of these it never sees again. */
#define SLACK 64u

static uint64_t spare_mfn[SPARE], spare_pfn[SPARE];

#define FRAME(name, id)         \
    {                           \
        name, 0, &world[id].mfn \
    }
static const struct item given[] = {
    {"x0", 0, &spare_mfn[0]}, {"x1", 0, &spare_mfn[1]},      {"x2", 0, &spare_mfn[2]},  {"x3", 0, &spare_mfn[3]},
    {"x0", 0, &spare_mfn[0]}, {"x1", 0, &spare_mfn[1]},      FRAME("m2p", FRAME_M2P),   FRAME("hole", FRAME_HOLE),
    FRAME("vga", FRAME_VGA),  FRAME("beyond", FRAME_BEYOND), FRAME("none", FRAME_NONE),
};
static const struct menu menu_given = MENU(given);
static const struct item wanted[] = {
    {"x0", 0, &spare_pfn[0]}, {"x1", 0, &spare_pfn[1]}, {"x2", 0, &spare_pfn[2]},
    {"x3", 0, &spare_pfn[3]}, VALUE(0x12345),           VALUE(0xffffffffff),
};
static const struct menu menu_wanted = MENU(wanted);

static const struct item counts[] = {VALUE(0),
                                     VALUE(1),
                                     VALUE(1),
                                     VALUE(1),
                                     VALUE(1),
                                     VALUE(1),
                                     VALUE(1),
                                     VALUE(2),
                                     VALUE(2),
                                     VALUE(0x8000000000000000),
                                     VALUE(0xffffffffffffffff)};
static const struct menu menu_counts = MENU(counts);
static const struct item orders[] = {VALUE(0), VALUE(0), VALUE(0), VALUE(0),  VALUE(0),  VALUE(0),         VALUE(0),
                                     VALUE(0), VALUE(0), VALUE(0), VALUE(19), VALUE(63), VALUE(0xffffffff)};
static const struct menu menu_orders = MENU(orders);
static const struct item flags[] = {VALUE(0),    VALUE(0),    VALUE(0),     VALUE(0),       VALUE(0),         VALUE(0),
                                    VALUE(0),    VALUE(0),    VALUE(0),     VALUE(0),       VALUE(0),         VALUE(1),
                                    VALUE(0x20), VALUE(0x40), VALUE(0x100), VALUE(0x10000), VALUE(0x80000000)};
static const struct menu menu_flags = MENU(flags);
static const struct item small[] = {VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(0),
                                    VALUE(1),
                                    VALUE(2),
                                    VALUE(0xffffffffffffffff)};
static const struct menu menu_small = MENU(small);
static const struct item spaces[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3),
                                     VALUE(4), VALUE(5), VALUE(6), VALUE(0xffffffff)};
static const struct menu menu_spaces = MENU(spaces);
static const struct item pfns[] = {VALUE(0), VALUE(1), VALUE(0xffffffff), VALUE(0xffffffffff),
                                   VALUE(0xffffffffffffffff)};
static const struct menu menu_pfns = MENU(pfns);

/* Mostly what makes sense: of an exchange everything must. */
static const struct item callers[] = {
    {"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL},
    {"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL}, {"self", DOMID_SELF, NULL},
    {"own", 0, &own_domain},    {"nobody", 1234, NULL},     {"xen", DOMID_XEN, NULL}};
static const struct menu menu_callers = MENU(callers);

/* Room for a memory map of the greatest size asked for here, and places that have none. */
static uint64_t room;
static const struct item buffers[] = {
    {"room", 0, &room},   {"room", 0, &room},    VALUE(0),
    VALUE(0x20000000000), VALUE(0x900000000000), {"hv", UINT64_C(0xffff830000000000), NULL}};
static const struct menu menu_buffers = MENU(buffers);

#define RESERVATION(type, prefix, member)                                                    \
    {prefix "nr", offsetof(type, member nr_extents), 8, KIND_NUMBER, &menu_counts},          \
        {prefix "order", offsetof(type, member extent_order), 4, KIND_NUMBER, &menu_orders}, \
        {prefix "flags", offsetof(type, member mem_flags), 4, KIND_NUMBER, &menu_flags},     \
    {                                                                                        \
        prefix "dom", offsetof(type, member domid), 2, KIND_NUMBER, &menu_callers            \
    }

static const struct field reservation_fields[] = {RESERVATION(struct xen_memory_reservation, "", )};
static const struct field exchange_fields[] = {
    RESERVATION(struct xen_memory_exchange, "in.", in.),
    RESERVATION(struct xen_memory_exchange, "out.", out.),
    FIELD(struct xen_memory_exchange, nr_exchanged, KIND_NUMBER, &menu_small),
};
static const struct field domain_fields[] = {FIELD(struct xen_memory_domain, domid, KIND_NUMBER, &menu_domains)};
static const struct field mapping_fields[] = {
    FIELD(struct xen_machphys_mapping, v_start, KIND_NUMBER, NULL),
    FIELD(struct xen_machphys_mapping, v_end, KIND_SOME, NULL),
    FIELD(struct xen_machphys_mapping, max_mfn, KIND_SOME, NULL),
};
static const struct field list_fields[] = {
    FIELD(struct xen_machphys_mfn_list, max_extents, KIND_NUMBER, &menu_small),
    FIELD(struct xen_machphys_mfn_list, nr_extents, KIND_SOME, NULL),
};
static const struct field map_fields[] = {
    FIELD(struct xen_memory_map, nr_entries, KIND_SOME, &menu_small),
    FIELD(struct xen_memory_map, buffer, KIND_NUMBER, &menu_buffers),
};
static const struct field foreign_map_fields[] = {
    FIELD(struct xen_foreign_memory_map, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct xen_foreign_memory_map, map.nr_entries, KIND_NUMBER, &menu_numbers),
    FIELD(struct xen_foreign_memory_map, map.buffer, KIND_NUMBER, &menu_buffers),
};
static const struct field add_fields[] = {
    FIELD(struct xen_add_to_physmap, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct xen_add_to_physmap, size, KIND_NUMBER, &menu_small),
    FIELD(struct xen_add_to_physmap, space, KIND_NUMBER, &menu_spaces),
    FIELD(struct xen_add_to_physmap, idx, KIND_NUMBER, &menu_small),
    FIELD(struct xen_add_to_physmap, gpfn, KIND_NUMBER, &menu_pfns),
};
static const struct field remove_fields[] = {
    FIELD(struct xen_remove_from_physmap, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct xen_remove_from_physmap, gpfn, KIND_NUMBER, &menu_pfns),
};

static uint64_t was[EXTENTS]; /* what the last list held before the call */

/* The array of @reservation in @place, with numbers from @menu. */
static uint64_t *make_list(struct xen_memory_reservation *reservation, enum place place, const struct menu *menu,
                           enum pointer_kind kind)
{
    uint64_t *list = pointer_make(place, kind, EXTENTS * sizeof(*list), &reservation->extent_start);
    const struct item *first = choose_item(menu), *second = choose_item(menu);

    /* The same frame twice would leave one spare frame too many unaccounted for. */
    if (second->at == first->at)
        second = &menu->items[menu->count - 1];
    was[0] = item_value(first);
    was[1] = item_value(second);
    list[0] = item_value(first);
    list[1] = item_value(second);
    say(" list=%s:%s,%s", pointer_name(kind), first->name, second->name);
    pointer_put(place);
    return list;
}

static void before_give(void *arg)
{
    (void)make_list(arg, PLACE_LIST, &menu_given, pointer_choose());
}

static void before_want(void *arg)
{
    (void)make_list(arg, PLACE_LIST, &menu_wanted, pointer_choose());
}

static uint64_t exchanged_before;

static void before_exchange(void *arg)
{
    struct xen_memory_exchange *exchange = arg;

    /* Where the new frames would be lost, nothing is exchanged: an address that is refused beforehand. */
    (void)make_list(&exchange->in, PLACE_LIST, &menu_given, pointer_choose());
    (void)make_list(&exchange->out, PLACE_DONE, &menu_wanted, choose_seldom(8) ? POINTER_HYPERVISOR : POINTER_GOOD);
    exchanged_before = exchange->nr_exchanged;
}

static void give_back(uint64_t mfn)
{
    struct xen_memory_reservation gone = {.extent_start = arg_of(&mfn), .nr_extents = 1, .domid = DOMID_SELF};

    if (hypercall_memory_op(XENMEM_decrease_reservation, &gone) != 1)
        say(" stuck(give back)");
}

/* A frame for a spare page that has none any more. */
static void replace(unsigned spare)
{
    uint64_t extent = spare_pfn[spare];
    struct xen_memory_reservation wanted_one = {.extent_start = arg_of(&extent), .nr_extents = 1, .domid = DOMID_SELF};

    if (hypercall_memory_op(XENMEM_populate_physmap, &wanted_one) != 1)
        say(" stuck(populate)");
    spare_mfn[spare] = extent;
}

static void after_give(long result, void *arg)
{
    const uint64_t *list = pointer_memory(PLACE_LIST);

    (void)arg;
    for (long i = 0; i < result && i < (long)EXTENTS; i++) {
        for (unsigned spare = 0; spare < SPARE; spare++) {
            if (spare_mfn[spare] == list[i]) {
                replace(spare);
                break;
            }
        }
    }
}

static void after_want(long result, void *arg)
{
    const uint64_t *list = pointer_memory(PLACE_LIST);

    (void)arg;
    pointer_get(PLACE_LIST);
    for (long i = 0; i < result && i < (long)EXTENTS; i++) {
        if (list[i] != was[i]) /* else the frame cannot be known, and stays */
            give_back(list[i]);
    }
}

/* What has been exchanged has other frames now; which, the second list says. */
static void after_exchange(long result, void *arg)
{
    const struct xen_memory_exchange *exchange = arg;
    const uint64_t *in = pointer_memory(PLACE_LIST), *out = pointer_memory(PLACE_DONE);

    (void)result;
    pointer_get(PLACE_DONE);
    for (uint64_t i = exchanged_before; i < exchange->nr_exchanged && i < EXTENTS; i++) {
        for (unsigned spare = 0; spare < SPARE; spare++) {
            if (spare_mfn[spare] == in[i]) {
                spare_mfn[spare] = out[i];
                say(" traded(x%u)", spare);
                break;
            }
        }
    }
}

static void before_frames(void *arg)
{
    struct xen_machphys_mfn_list *list = arg;
    enum pointer_kind kind = pointer_choose();

    (void)pointer_make(PLACE_LIST, kind, 64, &list->extent_start);
    say(" list=%s", pointer_name(kind));
    pointer_put(PLACE_LIST);
}

static void after_frames(long result, void *arg)
{
    const uint64_t *list = pointer_memory(PLACE_LIST);

    (void)result;
    (void)arg;
    pointer_get(PLACE_LIST);
    if (list[0] != UNTOUCHED)
        say(" list[0]=%s", list[0] == world[FRAME_M2P].mfn ? "m2p" : "some");
}

#define OP(name_, type, fields_, times_) \
    .name = #name_, .command = XENMEM_##name_, FIELDS(fields_), .size = sizeof(type), .times = times_
#define UNKNOWN(number)                                            \
    {                                                              \
        .name = #number, .command = number, .size = 64, .times = 5 \
    }

static const struct op ops[] = {
    {OP(increase_reservation, struct xen_memory_reservation, reservation_fields, 120), .before = before_want,
     .after = after_want},
    {OP(decrease_reservation, struct xen_memory_reservation, reservation_fields, 200), .before = before_give,
     .after = after_give},
    {OP(populate_physmap, struct xen_memory_reservation, reservation_fields, 200), .before = before_want,
     .after = after_want},
    {OP(maximum_ram_page, struct xen_memory_domain, domain_fields, 10), .some = true},
    {OP(current_reservation, struct xen_memory_domain, domain_fields, 40), .some = true},
    {OP(maximum_reservation, struct xen_memory_domain, domain_fields, 40), .some = true},
    {OP(maximum_gpfn, struct xen_memory_domain, domain_fields, 40), .some = true},
    {OP(machphys_mfn_list, struct xen_machphys_mfn_list, list_fields, 60), .before = before_frames,
     .after = after_frames},
    {OP(add_to_physmap, struct xen_add_to_physmap, add_fields, 60)},
    {OP(memory_map, struct xen_memory_map, map_fields, 40)},
    {OP(machine_memory_map, struct xen_memory_map, map_fields, 40)},
    {OP(exchange, struct xen_memory_exchange, exchange_fields, 400), .before = before_exchange,
     .after = after_exchange},
    {OP(machphys_mapping, struct xen_machphys_mapping, mapping_fields, 30)},
    {OP(set_memory_map, struct xen_foreign_memory_map, foreign_map_fields, 40)},
    {OP(remove_from_physmap, struct xen_remove_from_physmap, remove_fields, 40)},
    UNKNOWN(8),
    UNKNOWN(16),
    UNKNOWN(17),
    UNKNOWN(18),
    UNKNOWN(19),
    UNKNOWN(20),
    UNKNOWN(21),
    UNKNOWN(22),
    UNKNOWN(23),
    UNKNOWN(26),
    UNKNOWN(27),
    UNKNOWN(28),
    UNKNOWN(29),
    UNKNOWN(63),
};

/* A page of the kernel that it has mapped no more: its frame. */
static uint64_t unmapped_page(uint64_t *pfn)
{
    void *page = page_alloc();

    *pfn = virt_to_pfn(page).v;
    if (table_map((uint64_t)page, 0))
        guest_panic("a page stays mapped");
    return pfn_to_mfn(PFN(*pfn)).v;
}

void group_memory(void)
{
    static const struct group group = {"memory_op", __HYPERVISOR_memory_op, ops, ARRAY_SIZE(ops)};

    room = (uint64_t)pages_alloc(4);
    for (unsigned i = 0; i < SPARE; i++)
        spare_mfn[i] = unmapped_page(&spare_pfn[i]);
    for (unsigned i = 0; i < SLACK; i++) {
        uint64_t pfn;

        give_back(unmapped_page(&pfn));
    }
    call_group(&group);
}
