/* SPDX-License-Identifier: MIT */
/*
 * How long an operation goes on without letting others run: the widest trees, taken and dropped in every way, while the
 * references and types that change between two preemption points are counted.
 */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

/*
 * An L1 has a point in each 32 entries, a list between each 32 requests, and each of them changes two counts at most;
 * a GDT has 14 frames; the rest is what lies around that.
 */
#define WORK_MAX (2 * 32u + 16u)

/* Points of the tree, from a level down: one for each table, and for each 32 entries. */
#define POINTS_L3 (3 * (512u / 32 + 1))
#define POINTS_L4 (257u / 32 + 1 + POINTS_L3)

/* A tree as wide as tables are, each level through one table only: each entry is a visit all the same. */
struct wide {
    struct lesson lesson;
    pfn_t tables[5]; /* by level; the root's is that of a 64-bit kernel */
    pfn_t page;
};

static mfn_t wide_table(const struct wide *wide, unsigned level)
{
    return guest_mfn(wide->lesson.guest, wide->tables[level]);
}

static void fill(struct wide *wide, unsigned level, unsigned end, uint64_t entry)
{
    uint64_t *entries = sim_frame_entries(wide->lesson.sim, wide_table(wide, level));

    for (unsigned i = 0; i < end; i++)
        entries[i] = entry;
}

static void wide_begin(struct wide *wide)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct guest *guest;
    unsigned kernel;

    lesson_begin(&wide->lesson, &config);
    guest = wide->lesson.guest;
    kernel = (guest->base.v >> 39) % ENTRIES_PER_TABLE;
    for (unsigned level = 1; level <= 4; level++)
        wide->tables[level] = lesson_readonly_page(guest);
    wide->page = lesson_unmapped_page(guest);
    fill(wide, 1, 512, pte(guest_mfn(guest, wide->page), PTE_RW_PAGE));
    for (unsigned level = 2; level <= 4; level++)
        fill(wide, level, level == 4 ? 256 : 512, pte(wide_table(wide, level - 1), PTE_TABLE));
    sim_frame_entries(guest->sim, wide_table(wide, 4))[kernel] = guest_entry(guest, guest_root(guest), kernel);
}

static void wide_end(struct wide *wide)
{
    guest_assert_clean(wide->lesson.sim);
    for (unsigned level = 1; level <= 4; level++)
        assert_true(lesson_is_sole(wide->lesson.guest, wide->tables[level]));
    assert_true(lesson_is_sole(wide->lesson.guest, wide->page));
    lesson_end(&wide->lesson);
}

/* Measure one operation, which passes @least points at least. */
static void measure(struct wide *wide, int64_t (*operate)(struct wide *wide), int expected, uint64_t least)
{
    struct sim *sim = wide->lesson.sim;
    uint64_t points = sim->preempt_points;

    meter_start(sim);
    assert_int_equal(operate(wide), expected);
    assert_true(meter_stop(sim) <= WORK_MAX);
    assert_true(sim->preempt_points - points >= least);
}

static int64_t pin(struct wide *wide)
{
    return guest_pin(wide->lesson.vcpu, wide_table(wide, 4), 4);
}

static int64_t unpin(struct wide *wide)
{
    return guest_unpin(wide->lesson.vcpu, wide_table(wide, 4));
}

static int64_t load(struct wide *wide)
{
    return guest_new_baseptr(wide->lesson.vcpu, wide_table(wide, 4));
}

static int64_t leave(struct wide *wide)
{
    return guest_new_baseptr(wide->lesson.vcpu, guest_root(wide->lesson.guest));
}

static int64_t load_user(struct wide *wide)
{
    return guest_new_user_baseptr(wide->lesson.vcpu, wide_table(wide, 4));
}

static int64_t leave_user(struct wide *wide)
{
    return guest_new_user_baseptr(wide->lesson.vcpu, MFN(0));
}

static int64_t set_roots(struct wide *wide)
{
    return vcpu_set_roots(wide->lesson.second, wide_table(wide, 4), wide_table(wide, 4));
}

static int64_t end_vcpu(struct wide *wide)
{
    vcpu_destroy(wide->lesson.second);
    return 0;
}

static void xsa_45_pins_and_roots(void **state)
{
    struct wide wide;

    (void)state;
    wide_begin(&wide);
    measure(&wide, pin, 0, POINTS_L4);
    measure(&wide, unpin, 0, POINTS_L4);
    measure(&wide, load, 0, POINTS_L4);
    measure(&wide, leave, 0, POINTS_L4);
    measure(&wide, load_user, 0, POINTS_L4);
    measure(&wide, leave_user, 0, POINTS_L4);
    measure(&wide, set_roots, 0, POINTS_L4);
    measure(&wide, end_vcpu, 0, POINTS_L4);
    wide_end(&wide);
}

/* The last entry of all is bad, at each level: the way back is as long as the way there. */
static void xsa_45_failures(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        struct wide wide;
        int error = level == 1 ? -XEN_EBUSY : -XEN_EINVAL;
        unsigned least = 2 * (512 / 32);
        uint64_t *last;

        wide_begin(&wide);
        last = &sim_frame_entries(wide.lesson.sim, wide_table(&wide, level))[511];
        *last = pte(guest_root(wide.lesson.guest), PTE_RW_PAGE);
        measure(&wide, pin, error, least);
        measure(&wide, load, error, least);
        measure(&wide, load_user, error, least);
        measure(&wide, set_roots, error, least);
        wide_end(&wide);
    }
}

/* The tree below one entry of a live table. */
static int64_t link_l3(struct wide *wide)
{
    return guest_set_entry(wide->lesson.vcpu, guest_root(wide->lesson.guest), 9, pte(wide_table(wide, 3), PTE_TABLE));
}

static int64_t unlink_l3(struct wide *wide)
{
    return guest_set_entry(wide->lesson.vcpu, guest_root(wide->lesson.guest), 9, 0);
}

static void xsa_290_one_entry_with_a_tree_below(void **state)
{
    struct wide wide;

    (void)state;
    wide_begin(&wide);
    measure(&wide, link_l3, 0, POINTS_L3);
    measure(&wide, unlink_l3, 0, POINTS_L3);
    measure(&wide, link_l3, 0, POINTS_L3);
    wide.lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
    assert_int_equal(unlink_l3(&wide), 0);
    wide.lesson.sim->preemption = SIM_PREEMPT_NEVER;
    wide_end(&wide);
}

static int64_t destroy(struct wide *wide)
{
    return (int64_t)guest_destroy(wide->lesson.guest);
}

static void xsa_45_the_end_of_a_domain(void **state)
{
    struct wide wide;

    (void)state;
    wide_begin(&wide);
    assert_int_equal(pin(&wide), 0);
    assert_int_equal(load_user(&wide), 0);
    measure(&wide, destroy, 0, POINTS_L4);
    lesson_end(&wide.lesson);
}

/* Calls on a list of frames, and lists of requests. */
static void xsa_45_lists(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct mmu_update requests[128];
    uint64_t extents[16], points;
    mfn_t frames[GDT_FRAMES];

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        frames[i] = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
        uint64_t entry = i < 64 ? pte(frames[i % GDT_FRAMES], PTE_RO_PAGE) : 0;

        requests[i] = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 1), i % 64), entry};
    }
    points = lesson.sim->preempt_points;
    meter_start(lesson.sim);
    assert_int_equal(guest_mmu_update(lesson.vcpu, requests, ARRAY_SIZE(requests), NULL, DOMID_SELF), 0);
    assert_int_equal(guest_set_gdt(lesson.vcpu, frames, GDT_FRAMES * 512), 0);
    assert_int_equal(guest_set_gdt(lesson.vcpu, NULL, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(extents); i++)
        extents[i] = 1000 + i;
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_populate_physmap, extents, ARRAY_SIZE(extents), 0, 0), 16);
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, extents, ARRAY_SIZE(extents), 0, 0),
                     16);
    assert_true(meter_stop(lesson.sim) <= WORK_MAX);
    assert_true(lesson.sim->preempt_points - points >= ARRAY_SIZE(requests) / 32 - 1 + 2 * (ARRAY_SIZE(extents) - 1));
    lesson_end(&lesson);
}

/*
 * ---- 252: giving a pinned table back.
 */

static void xsa_252_giving_a_pinned_table_back(void **state)
{
    struct wide wide;
    struct guest *guest;
    mfn_t root;
    uint64_t out = 5, points, pool;

    (void)state;
    wide_begin(&wide);
    guest = wide.lesson.guest;
    root = wide_table(&wide, 4);
    assert_int_equal(pin(&wide), 0);
    assert_int_equal(guest_update_va_mapping(wide.lesson.vcpu, guest_vaddr(guest, wide.tables[4]), 0, UVMF_NONE), 0);
    assert_int_equal(guest_exchange(wide.lesson.vcpu, &root.v, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    /* Only the allocation goes, at once; the table stays one. */
    points = wide.lesson.sim->preempt_points;
    pool = sim_pool_count(wide.lesson.sim);
    assert_int_equal(guest_reservation(wide.lesson.vcpu, XENMEM_decrease_reservation, &root.v, 1, 0, 0), 1);
    assert_true(wide.lesson.sim->preempt_points - points <= 2);
    assert_int_equal(sim_pool_count(wide.lesson.sim), pool);
    guest_assert_clean(wide.lesson.sim);
    assert_false(lesson_can_be_written(wide.lesson.vcpu, root));
    assert_int_equal(guest_exchange(wide.lesson.vcpu, &root.v, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(guest_reservation(wide.lesson.vcpu, XENMEM_decrease_reservation, &root.v, 1, 0, 0), 0);
    /* The last reference is the pin's. */
    measure(&wide, unpin, 0, POINTS_L4);
    assert_int_equal(sim_pool_count(wide.lesson.sim), pool + 1);
    assert_int_equal(guest_unpin(wide.lesson.vcpu, root), -XEN_EINVAL);
    for (unsigned level = 1; level < 4; level++)
        assert_true(lesson_is_sole(guest, wide.tables[level]));
    lesson_end(&wide.lesson);
}

/* One that is in use besides keeps its pin as well: the guest can still drop it, once. */
static void xsa_252_giving_a_loaded_table_back(void **state)
{
    struct wide wide;
    struct vcpu *vcpu;
    uint64_t pool;
    mfn_t root;

    (void)state;
    wide_begin(&wide);
    vcpu = wide.lesson.vcpu;
    root = wide_table(&wide, 4);
    assert_int_equal(pin(&wide), 0);
    assert_int_equal(load_user(&wide), 0);
    assert_int_equal(guest_update_va_mapping(vcpu, guest_vaddr(wide.lesson.guest, wide.tables[4]), 0, UVMF_NONE), 0);
    assert_int_equal(guest_reservation(vcpu, XENMEM_decrease_reservation, &root.v, 1, 0, 0), 1);
    guest_assert_clean(wide.lesson.sim);
    pool = sim_pool_count(wide.lesson.sim);
    assert_int_equal(unpin(&wide), 0);
    assert_int_equal(unpin(&wide), -XEN_EINVAL);
    assert_int_equal(sim_pool_count(wide.lesson.sim), pool);
    assert_int_equal(leave_user(&wide), 0);
    assert_int_equal(sim_pool_count(wide.lesson.sim), pool + 1);
    lesson_end(&wide.lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_45_pins_and_roots),
        LESSON(xsa_45_failures),
        LESSON(xsa_45_the_end_of_a_domain),
        LESSON(xsa_45_lists),
        LESSON(xsa_252_giving_a_pinned_table_back),
        LESSON(xsa_252_giving_a_loaded_table_back),
        LESSON(xsa_290_one_entry_with_a_tree_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
