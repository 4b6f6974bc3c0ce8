/* SPDX-License-Identifier: MIT */
/*
 * Conversions that are suspended, while others want, use, drop or destroy the same tables.
 * The tree of these scenes is A (level 3, or the root) over B over C over memory.
 */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

#define STRIDE    17u  /* of points, where an act has more than a thousand */
#define ELSEWHERE 200u /* a slot of the live tables */

static void build(struct race *race, unsigned level, enum guest_tree_kind kind)
{
    struct guest *guest = race->lesson.guest;
    struct guest_leaf leaves[4];

    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        race->pages[i] = lesson_unmapped_page(guest);
        leaves[i].vaddr = VADDR((i & 1) * 0x1000 + (i >> 1) * 0x200000 + 0x3000);
        leaves[i].entry = pte(guest_mfn(guest, race->pages[i]), PTE_RW_PAGE);
    }
    guest_build_tree(guest, race->lesson.vcpu, level, kind, leaves, ARRAY_SIZE(leaves), &race->tree);
}

static void prepare_tree(struct race *race)
{
    build(race, 3, GUEST_TREE_PLAIN);
}

static void prepare_root(struct race *race)
{
    build(race, 4, GUEST_TREE_KERNEL);
}

static mfn_t table_b(const struct race *race)
{
    return guest_mfn(race->lesson.guest, race->tree.tables[1]);
}

static void pin_tree(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_pin(vcpu, race->tree.root, race->tree.level);
}

static void unpin_tree(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_unpin(vcpu, race->tree.root);
}

static void pin_and_unpin(struct race *race, struct vcpu *vcpu)
{
    pin_tree(race, vcpu);
    if (race->results[vcpu->id] == 0)
        unpin_tree(race, vcpu);
}

/* Use B below another live table, and drop it there. */
static void use_b_elsewhere(struct race *race, struct vcpu *vcpu)
{
    mfn_t table = lesson_table(race->lesson.guest, 3);

    race->results[vcpu->id] = guest_set_entry(vcpu, table, ELSEWHERE, pte(table_b(race), PTE_TABLE));
    (void)guest_set_entry(vcpu, table, ELSEWHERE, 0);
}

/* The same, and then give B back. */
static void use_b_and_release_it(struct race *race, struct vcpu *vcpu)
{
    struct guest *guest = race->lesson.guest;
    uint64_t mfn = table_b(race).v;

    use_b_elsewhere(race, vcpu);
    (void)guest_update_va_mapping(vcpu, guest_vaddr(guest, race->tree.tables[1]), 0, UVMF_NONE);
    (void)guest_reservation(vcpu, XENMEM_decrease_reservation, &mfn, 1, 0, 0);
}

/* Use A below the live root, and drop it there. */
static void use_a_elsewhere(struct race *race, struct vcpu *vcpu)
{
    mfn_t root = guest_root(race->lesson.guest);

    race->results[vcpu->id] = guest_set_entry(vcpu, root, ELSEWHERE, pte(race->tree.root, PTE_TABLE));
    (void)guest_set_entry(vcpu, root, ELSEWHERE, 0);
}

static void drop_pin(struct race *race)
{
    const struct frame *root = lesson_frame(&race->lesson, race->tree.root);

    if (type_is_pinned(root->type))
        assert_int_equal(guest_unpin(race->lesson.vcpu, race->tree.root), 0);
    assert_true(type_is_idle(root->type));
}

/* Everything of the tree is free again, but for B if it was given back. */
static void check_tree(struct race *race)
{
    struct guest *guest = race->lesson.guest;

    drop_pin(race);
    guest_assert_clean(race->lesson.sim);
    for (unsigned i = 0; i < race->tree.nr_tables; i++) {
        if (lesson_frame(&race->lesson, guest_mfn(guest, race->tree.tables[i]))->owner == guest->domain->id.v)
            assert_true(lesson_is_sole(guest, race->tree.tables[i]));
    }
    for (unsigned i = 0; i < 4; i++)
        assert_true(lesson_is_sole(guest, race->pages[i]));
}

/* Whoever wanted a table that is being converted to the type that it wanted has waited, and got it. */
static void check_used(struct race *race)
{
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(race->results[i], 0);
    check_tree(race);
}

static void check_written(struct race *race)
{
    assert_int_equal(race->results[1], 0);
    check_tree(race);
}

/*
 * ---- 299 (a), (b): others validate and drop the tables that a suspended operation is about to use.
 */

static void xsa_299_others_use_what_a_pin_is_converting(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_tree,
        .act = pin_and_unpin,
        .others = {pin_and_unpin, use_b_and_release_it},
        .check = check_tree,
        .stride = STRIDE,
    };

    (void)state;
    race_play(&scene);
    scene.others[0] = use_a_elsewhere;
    scene.others[1] = use_b_elsewhere;
    scene.check = check_used;
    race_play(&scene);
}

/* Who writes to a table that is being converted waits, and is judged by what it is then. */
static void write_to_tables(struct race *race, struct vcpu *vcpu)
{
    struct guest *guest = race->lesson.guest;

    for (unsigned i = 0; i < race->tree.nr_tables; i++)
        race->results[1] |= guest_set_entry(vcpu, guest_mfn(guest, race->tree.tables[i]), 300, 0);
    for (unsigned i = 0; i < race->tree.nr_tables; i++)
        (void)guest_set_entry(vcpu, guest_mfn(guest, race->tree.tables[i]), 301, pte(guest_root(guest), PTE_RW_PAGE));
}

static void xsa_299_others_write_to_what_a_pin_is_converting(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 2),
        .prepare = prepare_tree,
        .act = pin_and_unpin,
        .others = {write_to_tables},
        .check = check_written,
        .stride = STRIDE,
    };

    (void)state;
    race_play(&scene);
}

static void prepare_pinned(struct race *race)
{
    prepare_tree(race);
    assert_int_equal(guest_pin(race->lesson.vcpu, race->tree.root, 3), 0);
}

static void check_unpinned(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    check_tree(race);
}

static void xsa_299_others_use_what_an_unpin_is_taking_apart(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_pinned,
        .act = unpin_tree,
        .others = {use_a_elsewhere, use_b_elsewhere},
        .check = check_used,
        .stride = STRIDE,
    };

    (void)state;
    race_play(&scene);
    scene.check = check_unpinned;
    scene.others[0] = pin_tree;
    scene.others[1] = use_b_and_release_it;
    race_play(&scene);
}

/*
 * ---- 299 (c), (e): two want the same table, and its entry x is bad.
 */

struct bad_entry {
    unsigned level, slot;
};

static const struct bad_entry *bad;

/* Good entries on both sides of the bad one. */
static void prepare_bad(struct race *race)
{
    struct guest *guest = race->lesson.guest;
    uint64_t *entries;

    build(race, bad->level, GUEST_TREE_PLAIN);
    entries = sim_frame_entries(guest->sim, race->tree.root);
    if (bad->slot > 0)
        entries[bad->slot - 1] = entries[0];
    if (bad->slot < ENTRIES_PER_TABLE - 1)
        entries[bad->slot + 1] = entries[0];
    entries[bad->slot] = pte(guest_root(guest), PTE_TABLE);
}

static void check_bad(struct race *race)
{
    assert_int_equal(race->results[0], -XEN_EINVAL);
    assert_int_equal(race->results[1], -XEN_EINVAL);
    check_tree(race);
}

static void xsa_299_a_bad_entry_is_found_by_everybody(void **state)
{
    static const struct bad_entry entries[] = {{3, 1}, {3, 2}, {3, 511}, {4, 1}, {4, 255}, {4, 300}};
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_bad,
        .act = pin_tree,
        .others = {pin_tree, use_b_elsewhere},
        .check = check_bad,
        .stride = 3 * STRIDE,
    };

    (void)state;
    for (bad = entries; bad < entries + ARRAY_SIZE(entries); bad++)
        race_play(&scene);
}

/*
 * ---- 310: suspended twice at one place; ends of vCPUs and domains.
 */

static void xsa_310_suspended_again_and_again(void **state)
{
    static const unsigned stops[] = {2, 5};
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .act = pin_and_unpin,
        .prepare = prepare_tree,
        .check = check_tree,
        .stride = 3 * STRIDE,
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(stops); i++) {
        scene.stops = stops[i];
        scene.others[0] = pin_and_unpin;
        scene.others[1] = use_b_and_release_it;
        race_play(&scene);
        scene.others[0] = use_a_elsewhere;
        scene.others[1] = use_b_elsewhere;
        race_play(&scene);
    }
}

static void prepare_second_on_tree(struct race *race)
{
    prepare_root(race);
    assert_int_equal(guest_new_baseptr(race->lesson.second, race->tree.root), 0);
    assert_int_equal(guest_new_user_baseptr(race->lesson.second, race->tree.root), 0);
}

static void destroy_vcpu(struct race *race, struct vcpu *vcpu)
{
    (void)race;
    vcpu_destroy(vcpu);
}

static void pin_and_unpin_at_once(struct race *race, struct vcpu *vcpu)
{
    const struct mmuext_op ops[] = {
        {.cmd = MMUEXT_PIN_L1_TABLE + race->tree.level - 1, .arg1.mfn = race->tree.root.v},
        {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = race->tree.root.v},
    };

    race->results[0] = guest_mmuext(vcpu, ops, ARRAY_SIZE(ops), NULL, DOMID_SELF);
}

static void load_and_leave(struct race *race, struct vcpu *vcpu)
{
    const struct mmuext_op ops[] = {
        {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = race->tree.root.v},
        {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = guest_root(race->lesson.guest).v},
    };

    race->results[0] = guest_mmuext(vcpu, ops, ARRAY_SIZE(ops), NULL, DOMID_SELF);
}

static void check_vcpu(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    assert_true(mfn_is_none(race->lesson.second->kernel_root));
    check_tree(race);
}

static void xsa_310_a_vcpu_ends(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 2),
        .prepare = prepare_second_on_tree,
        .act = pin_and_unpin_at_once,
        .others = {destroy_vcpu},
        .check = check_vcpu,
        .stride = STRIDE,
    };

    (void)state;
    race_play(&scene);
    scene.act = load_and_leave;
    race_play(&scene);
}

/* The calls that a domain may be in when it is destroyed.  Its memory is not looked at after the call. */

static void prepare_pin(struct race *race)
{
    prepare_root(race);
    race->arguments[0] = race_put_mmuext(race->lesson.vcpu, MMUEXT_PIN_L4_TABLE, race->tree.root);
}

static void prepare_unpin(struct race *race)
{
    prepare_root(race);
    assert_int_equal(guest_pin(race->lesson.vcpu, race->tree.root, 4), 0);
    race->arguments[0] = race_put_mmuext(race->lesson.vcpu, MMUEXT_UNPIN_TABLE, race->tree.root);
}

static void prepare_load(struct race *race)
{
    prepare_root(race);
    race->arguments[0] = race_put_mmuext(race->lesson.vcpu, MMUEXT_NEW_BASEPTR, race->tree.root);
}

static void act_mmuext(struct race *race, struct vcpu *vcpu)
{
    race->results[0] = race_mmuext(vcpu, race->arguments[0]);
}

static void prepare_bad_pin(struct race *race)
{
    prepare_pin(race);
    sim_frame_entries(race->lesson.sim, race->tree.root)[511] = pte(race->tree.root, PTE_TABLE);
}

/* A list of calls, so that the domain may also end between two of them. */
static void prepare_list(struct race *race)
{
    struct vcpu *vcpu = race->lesson.vcpu;
    struct multicall_entry calls[3] = {{0}};

    prepare_tree(race);
    for (unsigned i = 0; i < 3; i++) {
        calls[i].op = __HYPERVISOR_mmuext_op;
        calls[i].args[0] = race_put_mmuext(vcpu, i == 1 ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L3_TABLE, race->tree.root).v;
        calls[i].args[1] = 1;
        calls[i].args[3] = DOMID_SELF;
    }
    race->arguments[0] = guest_put(vcpu, calls, sizeof(calls));
}

static void act_list(struct race *race, struct vcpu *vcpu)
{
    (void)guest_hypercall(vcpu, __HYPERVISOR_multicall, race->arguments[0].v, 3, 0, 0, 0, 0);
}

/* Entries of the live root that replace one tree by another. */
static void prepare_link(struct race *race)
{
    mfn_t root = guest_root(race->lesson.guest);
    struct mmu_update requests[2];

    prepare_tree(race);
    requests[0] = (struct mmu_update){lesson_maddr(root, ELSEWHERE), pte(race->tree.root, PTE_TABLE)};
    requests[1] = (struct mmu_update){lesson_maddr(root, ELSEWHERE), 0};
    race->arguments[0] = guest_put(race->lesson.vcpu, requests, sizeof(requests));
}

static void act_link(struct race *race, struct vcpu *vcpu)
{
    (void)guest_hypercall(vcpu, __HYPERVISOR_mmu_update, race->arguments[0].v, 2, 0, DOMID_SELF, 0, 0);
}

static void destroy_domain(struct race *race, struct vcpu *vcpu)
{
    (void)vcpu;
    race->results[1] = (int64_t)domain_destroy(race->lesson.guest->domain);
}

static void check_gone(struct race *race)
{
    assert_int_equal(race->results[1], 0);
    for (uint64_t mfn = 0; mfn < race->lesson.sim->machine.nr_frames; mfn++)
        assert_true(lesson_frame(&race->lesson, MFN(mfn))->owner != race->lesson.guest->domain->id.v);
}

static void xsa_310_a_domain_ends_at_each_point(void **state)
{
    static const struct {
        void (*prepare)(struct race *race);
        race_fn *act;
    } calls[] = {
        {prepare_pin, act_mmuext},     {prepare_unpin, act_mmuext}, {prepare_load, act_mmuext},
        {prepare_bad_pin, act_mmuext}, {prepare_list, act_list},    {prepare_link, act_link},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        const struct scene scene = {
            .config = lesson_config(WIDTH_64, 2),
            .prepare = calls[i].prepare,
            .act = calls[i].act,
            .others = {destroy_domain},
            .check = check_gone,
            .stride = 2 * STRIDE,
        };

        race_play(&scene);
    }
}

/* What the call had still to do is left undone. */
static void prepare_batch(struct race *race)
{
    struct mmuext_op ops[4];

    prepare_tree(race);
    for (unsigned i = 0; i < 4; i++)
        ops[i] =
            (struct mmuext_op){.cmd = i % 2 ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L3_TABLE, .arg1.mfn = race->tree.root.v};
    race->arguments[0] = guest_put(race->lesson.vcpu, ops, sizeof(ops));
}

static void act_batch(struct race *race, struct vcpu *vcpu)
{
    race->results[0] = guest_hypercall(vcpu, __HYPERVISOR_mmuext_op, race->arguments[0].v, 4, 0, DOMID_SELF, 0, 0);
}

/* How many points the whole batch has; the play without a stop comes first. */
static uint64_t batch_points;

static void check_batch(struct race *race)
{
    check_gone(race);
    if (!race->reached)
        batch_points = race->points;
    else if (race->round < batch_points / 4 * 3)
        assert_int_equal(race->results[0], -XEN_ESRCH);
}

static void xsa_310_a_domain_ends_in_a_batch(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 2),
        .prepare = prepare_batch,
        .act = act_batch,
        .others = {destroy_domain},
        .check = check_batch,
        .stride = 8 * STRIDE,
    };

    (void)state;
    race_play(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_299_others_use_what_a_pin_is_converting),
        LESSON(xsa_299_others_write_to_what_a_pin_is_converting),
        LESSON(xsa_299_others_use_what_an_unpin_is_taking_apart),
        LESSON(xsa_299_a_bad_entry_is_found_by_everybody),
        LESSON(xsa_310_suspended_again_and_again),
        LESSON(xsa_310_a_vcpu_ends),
        LESSON(xsa_310_a_domain_ends_at_each_point),
        LESSON(xsa_310_a_domain_ends_in_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
