/* SPDX-License-Identifier: MIT */
/*
 * Entries that stand in a table before it is one: each is judged when the table is pinned, loaded as
 * a root of kernel or user mode, or becomes the child of a live table.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tests/sweep/lib/sweep.h>

/* A page that is filled in and then made a table, and the page by which that is asked for. */
struct vehicle {
    enum table table;
    unsigned slot;
    mfn_t page;
    mfn_t top; /* the same page, or, for a top L2, the L3 above it */
    enum use use, top_use;
};

/* A way to have it validated, and to undo that; it adds a reference and a use, and a pin if @pins. */
struct process {
    const char *name;
    bool pins;
    int64_t (*run)(struct bed *bed, const struct vehicle *vehicle);
    int64_t (*undo)(struct bed *bed, const struct vehicle *vehicle);
};

/* ---- What is expected. */

static struct answer answer_to(const struct bed *bed, const struct vehicle *vehicle, uint64_t value)
{
    struct question question = {
        .pae = bed->config.pae,
        .level = bed_table_level(vehicle->table),
        .top = vehicle->table == TABLE_L2_TOP,
        .slot = vehicle->slot,
        .scan = true,
        .devices = bed->config.devices,
        .linear = bed->config.linear,
        .itself = mfn_equal(pte_mfn(value), vehicle->page),
        .value = value,
        .named = world_name(&bed->world, pte_mfn(value)),
    };

    /* While its entries are judged the page is becoming what it will be. */
    if (mfn_equal(pte_mfn(value), vehicle->page))
        question.named.use = vehicle->use;
    else if (mfn_equal(pte_mfn(value), vehicle->top))
        question.named.use = vehicle->top_use;
    return expect_entry(&question);
}

static uint64_t expected_entry(const struct bed *bed, const struct vehicle *vehicle, const struct answer *answer,
                               uint64_t value)
{
    const struct machine *machine = &bed->sim->machine;

    if (answer->error)
        return value;
    if (!answer->hypervisor)
        return answer->bits;
    return vehicle->table == TABLE_L4 ? machine->root_slots[vehicle->slot - 256]
                                      : machine->compat_slots[vehicle->slot - 428];
}

/* The counts of a frame, and what they should be. */
struct counts {
    struct frame *frame;
    uint32_t refs, uses;
};

static struct counts counts_of(const struct bed *bed, mfn_t mfn)
{
    struct frame *frame = frame_find(&bed->sim->machine, mfn);

    if (!frame)
        return (struct counts){NULL, 0, 0};
    return (struct counts){frame, frame->refs, type_count(frame->type)};
}

static bool counts_hold(const struct counts *counts)
{
    const struct frame *frame = counts->frame;

    return !frame ||
           (frame->refs == counts->refs && type_count(frame->type) == counts->uses && !type_is_busy(frame->type));
}

/* ---- One combination. */

static const char *failure(struct bed *bed, const struct vehicle *vehicle, const struct process *process,
                           uint64_t value)
{
    static char text[128];
    struct answer answer = answer_to(bed, vehicle, value);
    struct counts top = counts_of(bed, vehicle->top), named = counts_of(bed, pte_mfn(value));
    struct counts top_before = top, named_before = named;
    uint64_t *entry = &sim_frame_entries(bed->sim, vehicle->page)[vehicle->slot];
    int64_t error;
    bool self = mfn_equal(pte_mfn(value), vehicle->page) || mfn_equal(pte_mfn(value), vehicle->top);

    *entry = value;
    error = process->run(bed, vehicle);
    if (error != answer.error || *entry != expected_entry(bed, vehicle, &answer, value)) {
        snprintf(text, sizeof(text), "expected %d, got %" PRId64 " (entry %#" PRIx64 ")", answer.error, error, *entry);
        return text;
    }
    if (!error && !self) {
        top.refs++, top.uses++;
        named.refs += answer.refers;
        named.uses += answer.refers && answer.needs != USE_NONE;
    }
    if (!self && (!counts_hold(&top) || !counts_hold(&named)))
        return "the counts are wrong";
    if (type_is_pinned(top.frame->type) != (process->pins && !error))
        return "pinned, or not, against expectation";
    if (!error && process->undo(bed, vehicle))
        return "the undoing fails";
    if (!counts_hold(&top_before) || !counts_hold(&named_before))
        return "counts differ after undoing";
    return NULL;
}

struct vehicle_sweep {
    const struct vehicle *vehicle;
    const struct process *process;
    enum target target;
};

static void try_value(struct bed *bed, void *arg, unsigned bit, uint64_t value)
{
    const struct vehicle_sweep *sweep = arg;
    uint64_t *entry = &sim_frame_entries(bed->sim, sweep->vehicle->page)[sweep->vehicle->slot];
    uint64_t old = *entry;
    const char *why = failure(bed, sweep->vehicle, sweep->process, value);

    (void)bit;
    *entry = old;
    sweep_count(!why, "%s %s slot %u %s, target %s, %s: %s", bed_table_name(sweep->vehicle->table),
                bed->config.pae ? "PAE" : "64", sweep->vehicle->slot, why ? sweep_flags(value & ~PTE_FRAME) : "",
                bed_target_name(sweep->target), sweep->process->name, why ? why : "");
}

static void sweep_vehicle(struct bed *bed, const struct vehicle *vehicle, const struct process *process)
{
    struct vehicle_sweep sweep = {vehicle, process, 0};

    for (sweep.target = 0; sweep.target < TARGET_COUNT; sweep.target++) {
        mfn_t mfn = bed->targets[sweep.target];

        if (sweep.target == TARGET_SELF)
            mfn = vehicle->page;
        if (sweep.target == TARGET_PARENT)
            mfn = mfn_equal(vehicle->page, vehicle->top) ? MFN_NONE : vehicle->top;
        if (mfn_is_none(mfn))
            continue;
        sweep_values(bed, mfn, try_value, &sweep);
        bed_check(bed);
    }
}

/* ---- Pinning. */

static int64_t run_pin(struct bed *bed, const struct vehicle *vehicle)
{
    return guest_pin(bed->vcpu, vehicle->top, (unsigned)(vehicle->top_use - USE_L1) + 1);
}

static int64_t undo_pin(struct bed *bed, const struct vehicle *vehicle)
{
    return guest_unpin(bed->vcpu, vehicle->top);
}

static const struct process pin = {"pin", true, run_pin, undo_pin};

/* ---- As the child of a live table: L1 to L3 of 64-bit guests, L1 and L2 of others. */

static int64_t link(struct bed *bed, const struct vehicle *vehicle, uint64_t flags)
{
    enum table parent = vehicle->table == TABLE_L1 ? TABLE_L2 : vehicle->table == TABLE_L2 ? TABLE_L3 : TABLE_L4;
    unsigned slot = parent == TABLE_L3 && bed->config.pae ? 2 : 300;

    return guest_set_entry(bed->vcpu, bed->tables[parent], slot, flags ? pte(vehicle->page, flags) : 0);
}

static int64_t run_link(struct bed *bed, const struct vehicle *vehicle)
{
    return link(bed, vehicle, PTE_P | PTE_US);
}

static int64_t undo_link(struct bed *bed, const struct vehicle *vehicle)
{
    return link(bed, vehicle, 0);
}

static const struct process as_child = {"as a child", false, run_link, undo_link};

/* ---- As roots. */

static int64_t run_load(struct bed *bed, const struct vehicle *vehicle)
{
    return guest_new_baseptr(bed->vcpu, vehicle->top);
}

static int64_t undo_load(struct bed *bed, const struct vehicle *vehicle)
{
    (void)vehicle;
    return guest_new_baseptr(bed->vcpu, guest_root(bed->guest));
}

static const struct process load = {"new_baseptr", false, run_load, undo_load};

static int64_t run_load_user(struct bed *bed, const struct vehicle *vehicle)
{
    return guest_new_user_baseptr(bed->vcpu, vehicle->top);
}

static int64_t undo_load_user(struct bed *bed, const struct vehicle *vehicle)
{
    (void)vehicle;
    return guest_new_user_baseptr(bed->vcpu, MFN(0));
}

static const struct process load_user = {"new_user_baseptr", false, run_load_user, undo_load_user};

/* What the builder of a domain uses. */
static int64_t run_set_roots(struct bed *bed, const struct vehicle *vehicle)
{
    return vcpu_set_roots(bed->vcpu, vehicle->top, MFN_NONE);
}

static const struct process set_roots = {"vcpu_set_roots", false, run_set_roots, undo_load};

/* ---- The tests. */

static struct vehicle simple_vehicle(struct bed *bed, enum table table, unsigned slot)
{
    mfn_t page = bed_idle_page(bed);
    enum use use = (enum use)(USE_L1 + bed_table_level(table) - 1);

    return (struct vehicle){table, slot, page, page, use, use};
}

/* An L3 of a 32-bit guest and its top L2; the one of @table has the slot. */
static struct vehicle pae_vehicle(struct bed *bed, enum table table, unsigned slot)
{
    mfn_t root = bed_idle_page(bed), top = bed_idle_page(bed);

    sim_frame_entries(bed->sim, root)[3] = pte(top, PTE_P);
    if (table == TABLE_L3)
        return (struct vehicle){table, slot, root, root, USE_L3, USE_L3};
    return (struct vehicle){table, slot, top, root, USE_L2_TOP, USE_L3};
}

static struct vehicle make_vehicle(struct bed *bed, enum table table, unsigned slot)
{
    if (bed->config.pae && (table == TABLE_L3 || table == TABLE_L2_TOP))
        return pae_vehicle(bed, table, slot);
    return simple_vehicle(bed, table, slot);
}

struct place_to_sweep {
    enum table table;
    unsigned slot;
    const struct process *process;
};

static void sweep_places(const struct bed_config *config, const struct place_to_sweep *places, unsigned nr_places)
{
    struct bed bed;

    sweep_begin();
    bed_create(&bed, config);
    for (unsigned i = 0; i < nr_places; i++) {
        struct vehicle vehicle = make_vehicle(&bed, places[i].table, places[i].slot);

        sweep_vehicle(&bed, &vehicle, places[i].process);
    }
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.refer-error, pte.adjusted-leaf, mmuext_op.pin, mmuext_op.pin-bad-entry, mmuext_op.pin-not-owned. */
static void test_64(void **state)
{
    static const struct place_to_sweep places[] = {
        {TABLE_L1, 0, &pin},      {TABLE_L1, 511, &pin},    {TABLE_L2, 7, &pin},       {TABLE_L2, 511, &pin},
        {TABLE_L3, 7, &pin},      {TABLE_L3, 256, &pin},    {TABLE_L4, 7, &pin},       {TABLE_L4, 255, &pin},
        {TABLE_L4, 256, &pin},    {TABLE_L4, 271, &pin},    {TABLE_L4, 272, &pin},     {TABLE_L1, 7, &as_child},
        {TABLE_L2, 7, &as_child}, {TABLE_L3, 7, &as_child}, {TABLE_L4, 7, &load_user}, {TABLE_L4, 260, &load_user},
    };

    (void)state;
    sweep_places(&(struct bed_config){.pae = false}, places, ARRAY_SIZE(places));
}

/* Shows mmuext_op.pin-slot-missing, mmuext_op.pin-bad-entry. */
static void test_pae(void **state)
{
    static const struct place_to_sweep places[] = {
        {TABLE_L1, 7, &pin},       {TABLE_L2, 7, &pin},       {TABLE_L2, 428, &pin},     {TABLE_L2_TOP, 7, &pin},
        {TABLE_L2_TOP, 427, &pin}, {TABLE_L2_TOP, 428, &pin}, {TABLE_L2_TOP, 511, &pin}, {TABLE_L3, 0, &pin},
        {TABLE_L3, 2, &pin},       {TABLE_L3, 3, &pin},       {TABLE_L3, 4, &pin},       {TABLE_L3, 511, &pin},
        {TABLE_L1, 7, &as_child},  {TABLE_L2, 7, &as_child},
    };

    (void)state;
    sweep_places(&(struct bed_config){.pae = true}, places, ARRAY_SIZE(places));
}

static void test_devices(void **state)
{
    static const struct place_to_sweep places[] = {
        {TABLE_L1, 7, &pin},
        {TABLE_L1, 8, &as_child},
        {TABLE_L2, 7, &pin},
    };

    (void)state;
    for (unsigned pae = 0; pae < 2; pae++)
        sweep_places(&(struct bed_config){.pae = pae, .devices = true}, places, ARRAY_SIZE(places));
}

/* Shows pte.linear-self, pte.linear-other, pte.linear-readonly. */
static void test_linear(void **state)
{
    static const struct place_to_sweep wide[] = {
        {TABLE_L2, 7, &pin},      {TABLE_L3, 7, &pin},      {TABLE_L4, 255, &pin},
        {TABLE_L2, 7, &as_child}, {TABLE_L3, 7, &as_child}, {TABLE_L4, 7, &load_user},
    };
    static const struct place_to_sweep narrow[] = {
        {TABLE_L2, 7, &pin}, {TABLE_L2_TOP, 427, &pin}, {TABLE_L3, 2, &pin}, {TABLE_L2, 7, &as_child}};

    (void)state;
    sweep_places(&(struct bed_config){.linear = true}, wide, ARRAY_SIZE(wide));
    sweep_places(&(struct bed_config){.pae = true, .linear = true}, narrow, ARRAY_SIZE(narrow));
}

/* Roots that the guest can run on: they share the kernel's half with the boot tables. */
static void sweep_roots(bool pae)
{
    static const struct process *const processes[] = {&load, &set_roots, &pin};
    struct guest_tree tree;
    struct vehicle vehicle;
    struct bed bed;

    sweep_begin();
    bed_create(&bed, &(struct bed_config){.pae = pae});
    guest_build_tree(bed.guest, bed.vcpu, pae ? 3 : 4, GUEST_TREE_KERNEL, NULL, 0, &tree);
    vehicle = (struct vehicle){
        pae ? TABLE_L3 : TABLE_L4, 2, tree.root, tree.root, pae ? USE_L3 : USE_L4, pae ? USE_L3 : USE_L4,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(processes); i++)
        sweep_vehicle(&bed, &vehicle, processes[i]);
    guest_free_tree(bed.guest, bed.vcpu, &tree);
    bed_destroy(&bed);
    sweep_end();
}

/* Shows mmuext_op.baseptr-unpinned, mmuext_op.baseptr-refused. */
static void test_roots_64(void **state)
{
    (void)state;
    sweep_roots(false);
}

static void test_roots_pae(void **state)
{
    (void)state;
    sweep_roots(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_64),       cmocka_unit_test(test_pae),       cmocka_unit_test(test_devices),
        cmocka_unit_test(test_roots_64), cmocka_unit_test(test_roots_pae), cmocka_unit_test(test_linear),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
