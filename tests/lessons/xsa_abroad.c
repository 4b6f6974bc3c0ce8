/* SPDX-License-Identifier: MIT */
/* Frames that another domain maps, or mapped a moment ago, when their owner makes something else of them. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

#define WINDOW 20u /* the page of the window where it is mapped */

/* Domain 1 may name domain 0. */
static struct sim_config foreign_config(void)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);

    config.nr_domains = 2;
    config.domains[1].width = WIDTH_64;
    config.domains[1].privileged = true;
    return config;
}

/* Domain 1 maps a frame of domain 0, writes to it, and unmaps it without a flush. */
static void leave_stale_abroad(const struct lesson *lesson, mfn_t mfn)
{
    vaddr_t vaddr = lesson_window(lesson->other, WINDOW);
    uint64_t word = 0;

    assert_int_equal(
        guest_update_va_mapping_otherdomain(lesson->other_vcpu, vaddr, pte(mfn, PTE_RW_PAGE), UVMF_NONE, 0), 0);
    assert_true(guest_write(lesson->other_vcpu, vaddr, &word, sizeof(word)));
    assert_int_equal(lesson_unmap(lesson->other_vcpu, WINDOW), 0);
}

static void assert_no_write_abroad(const struct lesson *lesson)
{
    uint64_t word = 1;

    guest_assert_clean(lesson->sim);
    assert_false(guest_write(lesson->other_vcpu, lesson_window(lesson->other, WINDOW), &word, sizeof(word)));
}

static void xsa_217_stale_in_another_domain(void **state)
{
    struct sim_config config = foreign_config();
    struct lesson lesson;
    mfn_t mfn;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    pfn = lesson_readonly_page(lesson.guest);
    mfn = guest_mfn(lesson.guest, pfn);
    for (unsigned level = 1; level <= 4; level++) {
        leave_stale_abroad(&lesson, mfn);
        assert_int_equal(guest_pin(lesson.vcpu, mfn, level), 0);
        assert_no_write_abroad(&lesson);
        assert_int_equal(guest_unpin(lesson.vcpu, mfn), 0);
    }
    leave_stale_abroad(&lesson, mfn);
    assert_int_equal(guest_set_gdt(lesson.vcpu, &mfn, 1), 0);
    assert_no_write_abroad(&lesson);
    assert_int_equal(guest_set_gdt(lesson.vcpu, NULL, 0), 0);
    lesson_end(&lesson);
}

/* The frame leaves its domain, and whoever gets it next must be alone with it. */
static void xsa_217_stale_when_the_frame_leaves(void **state)
{
    struct sim_config config = foreign_config();
    struct lesson lesson;
    uint64_t gone, extents[LESSON_FRAMES];
    unsigned left;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    pfn = lesson_unmapped_page(lesson.guest);
    gone = guest_mfn(lesson.guest, pfn).v;
    leave_stale_abroad(&lesson, MFN(gone));
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &gone, 1, 0, 0), 1);
    guest_assert_clean(lesson.sim);
    left = (unsigned)sim_pool_count(lesson.sim);
    for (unsigned i = 0; i < left; i++)
        extents[i] = 1000 + i;
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_populate_physmap, extents, left, 0, 0), left);
    assert_int_equal(lesson_frame(&lesson, MFN(gone))->owner, 0);
    assert_no_write_abroad(&lesson);
    lesson_end(&lesson);
}

/*
 * A frame that was only read: the end of reading leaves no other trace than that the frame leaves.  @giver, of @from,
 * had it mapped, @reader has a translation of it still, and @taker gets it.
 */
static void hand_over(const struct lesson *lesson, struct guest *from, struct vcpu *giver, struct vcpu *reader,
                      struct vcpu *taker)
{
    uint64_t gone = guest_mfn(from, lesson_unmapped_page(from)).v, word, extents[LESSON_FRAMES];
    unsigned left;

    assert_int_equal(guest_flush_all(giver), 0);
    assert_int_equal(lesson_map(giver, WINDOW, MFN(gone), PTE_RO_PAGE), 0);
    assert_true(guest_read(reader, lesson_window(from, WINDOW), &word, sizeof(word)));
    assert_int_equal(lesson_unmap(giver, WINDOW), 0);
    assert_int_equal(guest_reservation(giver, XENMEM_decrease_reservation, &gone, 1, 0, 0), 1);
    left = (unsigned)sim_pool_count(lesson->sim);
    for (unsigned i = 0; i < left; i++)
        extents[i] = 1000 + i;
    assert_int_equal(guest_reservation(taker, XENMEM_populate_physmap, extents, left, 0, 0), left);
    assert_int_equal(lesson_frame(lesson, MFN(gone))->owner, taker->domain->id.v);
    guest_assert_clean(lesson->sim);
    assert_false(guest_read(reader, lesson_window(from, WINDOW), &word, sizeof(word)));
}

static void xsa_217_a_reader_when_the_frame_leaves(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;

    (void)state;
    config.nr_domains = 2;
    lesson_begin(&lesson, &config);
    hand_over(&lesson, lesson.guest, lesson.vcpu, lesson.second, lesson.other_vcpu);
    lesson_end(&lesson);
}

/*
 * The same where each domain is alone on its processor, and no frame of either has ever been in a table of the other:
 * who gets a frame does not run where it is still seen.
 */
static void xsa_217_a_reader_of_a_domain_that_is_alone(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);

    (void)state;
    config.nr_domains = 2;
    for (unsigned from = 0; from < 2; from++) {
        struct lesson lesson;
        struct vcpu *giver, *taker;

        lesson_begin(&lesson, &config);
        giver = sim_vcpu(lesson.sim, from, 0);
        taker = sim_vcpu(lesson.sim, 1 - from, 0);
        assert_int_not_equal(giver->cpu, taker->cpu);
        hand_over(&lesson, from == 0 ? lesson.guest : lesson.other, giver, giver, taker);
        assert_false(giver->domain->lent || taker->domain->lent);
        lesson_end(&lesson);
    }
}

/*
 * The owner makes a table of a page while another domain is just unmapping it, and a second vCPU of that domain goes on
 * to write: the entry must be gone before its reference is.
 */
static void prepare_abroad(struct race *race)
{
    race->pages[0] = lesson_readonly_page(race->lesson.other);
    race->frames[0] = guest_mfn(race->lesson.other, race->pages[0]);
}

static void map_abroad(struct race *race, struct vcpu *vcpu)
{
    vaddr_t vaddr = lesson_window(race->lesson.guest, WINDOW);

    for (unsigned i = 0; i < 30; i++) {
        (void)guest_update_va_mapping_otherdomain(vcpu, vaddr, pte(race->frames[0], PTE_RW_PAGE), UVMF_NONE, 1);
        sim_pause(race->lesson.sim);
        (void)lesson_unmap(vcpu, WINDOW);
    }
}

static void write_abroad(struct race *race, struct vcpu *vcpu)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 200; i++) {
        (void)guest_write(vcpu, lesson_window(race->lesson.guest, WINDOW), &word, sizeof(word));
        sim_pause(race->lesson.sim);
    }
}

static void pin_at_home(struct race *race, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 60; i++) {
        if (guest_pin(vcpu, race->frames[0], 1) == 0)
            race->results[0]++;
        sim_pause(race->lesson.sim);
        (void)guest_unpin(vcpu, race->frames[0]);
    }
}

static void check_abroad(struct race *race)
{
    assert_true(race->results[0] > 0);
    assert_true(lesson_is_sole(race->lesson.other, race->pages[0]));
}

static void xsa_217_unmapped_abroad_while_it_changes(void **state)
{
    struct scene scene = {
        .config = foreign_config(),
        .prepare = prepare_abroad,
        .act = map_abroad,
        .others = {write_abroad, pin_at_home},
        .check = check_abroad,
    };

    (void)state;
    scene.config.domains[0].privileged = true;
    scene.config.domains[0].nr_vcpus = 2;
    race_scramble(&scene, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_217_stale_in_another_domain),          LESSON(xsa_217_stale_when_the_frame_leaves),
        LESSON(xsa_217_a_reader_when_the_frame_leaves),   LESSON(xsa_217_a_reader_of_a_domain_that_is_alone),
        LESSON(xsa_217_unmapped_abroad_while_it_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
