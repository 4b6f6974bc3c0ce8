/* SPDX-License-Identifier: MIT */
/* Several vCPUs that want the same frames for different things, interrupted at random, from many seeds. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

#define SEEDS  60u
#define ROUNDS 12u
#define LIST   40u  /* requests */
#define SLOT   200u /* of the live L2, where a table of the scene is linked */

/* The only results that a guest is told of where a frame is in another use. */
static void note(struct race *race, int64_t result)
{
    if (result != 0 && result != -XEN_EINVAL && result != -XEN_EBUSY)
        race->results[0] = result;
}

static void check_results(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    guest_assert_clean(race->lesson.sim);
}

static void check_sole(struct race *race, unsigned pages)
{
    check_results(race);
    for (unsigned i = 0; i < pages; i++)
        assert_true(lesson_is_sole(race->lesson.guest, race->pages[i]));
}

static mfn_t page(const struct race *race, unsigned n)
{
    return guest_mfn(race->lesson.guest, race->pages[n]);
}

/*
 * ---- 37: who is refused because a frame is being converted hears of it as an error, and no worse.
 */

/* 0: a table of level 2; 1: the table below it; 2: memory. */
static void prepare_37(struct race *race)
{
    struct guest *guest = race->lesson.guest;

    for (unsigned i = 0; i < 3; i++)
        race->pages[i] = i < 2 ? lesson_readonly_page(guest) : lesson_unmapped_page(guest);
    sim_frame_entries(guest->sim, page(race, 0))[3] = pte(page(race, 1), PTE_TABLE);
    sim_frame_entries(guest->sim, page(race, 1))[511] = pte(page(race, 2), PTE_RW_PAGE);
}

static void pin_37(struct race *race, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        note(race, guest_pin(vcpu, page(race, 0), 2));
        note(race, guest_unpin(vcpu, page(race, 0)));
    }
}

static void want_37(struct race *race, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        mfn_t frame = page(race, i % 2);

        note(race, guest_set_gdt(vcpu, &frame, 8));
        note(race, guest_set_gdt(vcpu, NULL, 0));
        note(race, lesson_map(vcpu, vcpu->id, frame, PTE_RW_PAGE));
        note(race, lesson_unmap(vcpu, vcpu->id));
        note(race, guest_pin(vcpu, frame, 1 + i % 3));
        note(race, guest_unpin(vcpu, frame));
        note(race, guest_update_descriptor(vcpu, lesson_maddr(frame, 100), 0));
        note(race, guest_set_entry(vcpu, frame, 7, 0));
        note(race, guest_set_entry(vcpu, page(race, 0), 9, pte(page(race, 1), PTE_TABLE)));
        note(race, guest_set_entry(vcpu, page(race, 0), 9, 0));
    }
}

static void check_37(struct race *race)
{
    for (unsigned i = 0; i < 2; i++) {
        if (type_is_pinned(lesson_frame(&race->lesson, page(race, i))->type))
            assert_int_equal(guest_unpin(race->lesson.vcpu, page(race, i)), 0);
    }
    check_sole(race, 3);
}

/* Shows types.converting. */
static void xsa_37_busy_is_an_answer(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_37,
        .act = pin_37,
        .others = {want_37, pin_37},
        .check = check_37,
    };

    (void)state;
    race_scramble(&scene, SEEDS);
}

/*
 * ---- 242: entries of a table change while its only use comes and goes.
 */

static void prepare_242(struct race *race)
{
    struct guest *guest = race->lesson.guest;

    race->pages[0] = lesson_readonly_page(guest);
    race->pages[1] = lesson_unmapped_page(guest);
    race->pages[2] = lesson_unmapped_page(guest);
}

/* Lists that are long enough to be interrupted between two requests to the same table. */
static void edit_242(struct race *race, struct vcpu *vcpu)
{
    struct mmu_update requests[LIST];

    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned j = 0; j < LIST; j++) {
            uint64_t entry = (i + j) % 3 ? pte(page(race, 1 + j % 2), j % 4 ? PTE_RW_PAGE : PTE_RO_PAGE) : 0;

            requests[j] = (struct mmu_update){lesson_maddr(page(race, 0), (i + j) % 7), entry};
        }
        note(race, guest_mmu_update(vcpu, requests, LIST, NULL, DOMID_SELF));
        note(race, guest_set_entry(vcpu, page(race, 0), i % 5, 0));
        sim_pause(race->lesson.sim);
    }
}

static void link_242(struct race *race, struct vcpu *vcpu)
{
    mfn_t l2 = lesson_table(race->lesson.guest, 2);

    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        note(race, guest_set_entry(vcpu, l2, SLOT, pte(page(race, 0), PTE_TABLE)));
        sim_pause(race->lesson.sim);
        note(race, guest_set_entry(vcpu, l2, SLOT, 0));
    }
}

static void check_242(struct race *race)
{
    check_sole(race, 3);
}

static void xsa_242_a_table_that_loses_its_use_while_it_changes(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_242,
        .act = link_242,
        .others = {edit_242, edit_242},
        .check = check_242,
    };

    (void)state;
    race_scramble(&scene, SEEDS);
}

/* One list that edits a table, drops its only use, edits what is plain memory then, and so on. */
static void xsa_242_a_list_that_drops_the_table_it_edits(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct mmu_update requests[6];
    uint64_t link, junk, good;
    pfn_t table, memory;
    mfn_t l1;

    (void)state;
    lesson_begin(&lesson, &config);
    table = lesson_readonly_page(lesson.guest);
    memory = lesson_page(lesson.guest);
    l1 = guest_mfn(lesson.guest, table);
    link = lesson_maddr(lesson_table(lesson.guest, 2), SLOT);
    junk = pte(guest_root(lesson.guest), PTE_RW_PAGE); /* no entry of a table, but a fine number */
    good = pte(guest_mfn(lesson.guest, memory), PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    requests[0] = (struct mmu_update){link, pte(l1, PTE_TABLE)};
    requests[1] = (struct mmu_update){lesson_maddr(l1, 5), good};
    requests[2] = (struct mmu_update){link, 0};
    requests[3] = (struct mmu_update){lesson_maddr(l1, 6), junk};
    requests[4] = (struct mmu_update){lesson_maddr(l1, 7), good};
    requests[5] = requests[0];
    assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 5, NULL, DOMID_SELF), 0);
    guest_assert_clean(lesson.sim);
    assert_true(guest_entry(lesson.guest, l1, 6) == junk && guest_entry(lesson.guest, l1, 7) == good);
    requests[2].val = 0;
    requests[2].ptr = lesson_maddr(l1, 6);
    requests[3] = requests[4] = requests[0];
    assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 1, NULL, DOMID_SELF), -XEN_EBUSY);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &requests[2], 2, NULL, DOMID_SELF), 0);
    guest_assert_clean(lesson.sim);
    requests[4] = (struct mmu_update){link, 0};
    assert_int_equal(guest_mmu_update(lesson.vcpu, &requests[4], 1, NULL, DOMID_SELF), 0);
    assert_true(lesson_is_sole(lesson.guest, table) && lesson_is_sole(lesson.guest, memory));
    lesson_end(&lesson);
}

/*
 * ---- 264: nobody waits for ever, whatever the others do.
 */

static void prepare_264(struct race *race)
{
    prepare_37(race);
    /* So many turns without anything done would be a wait that never ends. */
    race->lesson.sim->stall_limit = 2000;
}

static void hammer_264(struct race *race, struct vcpu *vcpu)
{
    mfn_t l3 = lesson_table(race->lesson.guest, 3);

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned slot = 100 + vcpu->id;

        note(race, guest_pin(vcpu, page(race, 0), 2));
        note(race, guest_set_entry(vcpu, l3, slot, pte(page(race, 0), PTE_TABLE)));
        note(race, guest_unpin(vcpu, page(race, 0)));
        note(race, guest_set_entry(vcpu, l3, slot, 0));
    }
}

static void xsa_264_nobody_waits_for_ever(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 4),
        .prepare = prepare_264,
        .act = hammer_264,
        .others = {hammer_264, hammer_264, hammer_264},
        .check = check_37,
    };

    (void)state;
    race_scramble(&scene, SEEDS);
}

/*
 * ---- 287: a frame that is taken away while others look it up.
 */

static void prepare_287(struct race *race)
{
    race->pages[0] = lesson_unmapped_page(race->lesson.guest);
}

/* Exchange the page again and again; a refusal means that another one was using it. */
static void exchange_287(struct race *race, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        uint64_t in = page(race, 0).v, out = race->pages[0].v;
        int64_t result = guest_exchange(vcpu, &in, 1, 0, &out, 1, 0, 0, NULL);

        note(race, result);
        if (result == 0)
            race->lesson.guest->p2m[race->pages[0].v] = MFN(out);
        sim_pause(race->lesson.sim);
    }
}

/* Whatever is known of the page may be out of date by the time it is used. */
static void use_287(struct race *race, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        mfn_t mfn = page(race, 0);
        uint64_t word = i;

        sim_pause(race->lesson.sim);
        note(race, lesson_map(vcpu, vcpu->id, mfn, i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE));
        (void)guest_write(vcpu, lesson_window(race->lesson.guest, vcpu->id), &word, sizeof(word));
        note(race, lesson_unmap(vcpu, vcpu->id));
        note(race, guest_set_entry(vcpu, mfn, 0, 0));
        note(race, guest_pin(vcpu, mfn, 1 + i % 4));
        note(race, guest_unpin(vcpu, mfn));
    }
}

static void check_287(struct race *race)
{
    if (type_is_pinned(lesson_frame(&race->lesson, page(race, 0))->type))
        assert_int_equal(guest_unpin(race->lesson.vcpu, page(race, 0)), 0);
    check_sole(race, 1);
    assert_int_equal(race->lesson.guest->domain->nr_frames, LESSON_PAGES - 1); /* shared_info is not of these */
}

static void xsa_287_taken_away_while_looked_up(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_287,
        .act = exchange_287,
        .others = {use_287, use_287},
        .check = check_287,
    };

    (void)state;
    race_scramble(&scene, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_37_busy_is_an_answer),
        LESSON(xsa_242_a_table_that_loses_its_use_while_it_changes),
        LESSON(xsa_242_a_list_that_drops_the_table_it_edits),
        LESSON(xsa_264_nobody_waits_for_ever),
        LESSON(xsa_287_taken_away_while_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
