/* SPDX-License-Identifier: MIT */
/*
 * Linear tables where a domain may have them: what went wrong with them elsewhere.  The right to write by a change in
 * place, chains, teardown in each order, what is interrupted, and tables whose entries cannot forbid writing.  Where a
 * domain may not have them: xsa_linear.c.
 */
#include <tests/lessons/lib/race.h>

#define LINK (PTE_P | PTE_US | PTE_A)
#define SLOT 200u
#define MANY 12u

static const unsigned commands[] = {MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE};

static struct sim_config linear_config(enum width width, unsigned nr_vcpus)
{
    struct sim_config config = lesson_config(width, nr_vcpus);

    config.domains[0].linear_tables = true;
    config.domains[0].writable_tables = true;
    return config;
}

static mfn_t page_mfn(const struct lesson *lesson, pfn_t page)
{
    return guest_mfn(lesson->guest, page);
}

static int64_t link(const struct lesson *lesson, mfn_t table, unsigned slot, mfn_t target)
{
    return guest_set_entry(lesson->vcpu, table, slot, pte(target, LINK));
}

/* ---- 182: an entry for the table itself, then RW in place. */

/* Each bit of such an entry: RW is refused by every command, and what is accepted lets nobody write. */
static void flip_bits(const struct lesson *lesson, mfn_t table, uint64_t before)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flipped = before ^ UINT64_C(1) << bit;
        int64_t result = lesson_update(lesson->vcpu, table, SLOT, flipped, commands[bit % 3]);

        guest_assert_clean(lesson->sim);
        if (flipped & PTE_RW)
            assert_int_equal(result, -XEN_EINVAL);
        if (result == 0)
            assert_int_equal(guest_set_entry(lesson->vcpu, table, SLOT, before), 0);
        assert_true(((guest_entry(lesson->guest, table, SLOT) ^ before) & ~(PTE_A | PTE_D)) == 0);
    }
}

static void refuse_rw(const struct lesson *lesson, mfn_t table, mfn_t target)
{
    assert_int_equal(link(lesson, table, SLOT, target), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        uint64_t entry = guest_entry(lesson->guest, table, SLOT) | PTE_RW;

        assert_int_equal(lesson_update(lesson->vcpu, table, SLOT, entry, commands[i]), -XEN_EINVAL);
        assert_int_equal(lesson_update(lesson->vcpu, table, SLOT, entry | PTE_D | PTE_NX, commands[i]), -XEN_EINVAL);
        assert_false(guest_entry(lesson->guest, table, SLOT) & PTE_RW);
    }
    flip_bits(lesson, table, guest_entry(lesson->guest, table, SLOT));
    assert_int_equal(guest_set_entry(lesson->vcpu, table, SLOT, 0), 0);
}

static void xsa_182_a_linear_entry_stays_readonly(void **state)
{
    (void)state;
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct sim_config config = linear_config(width, 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 2; level <= (width == WIDTH_PAE ? 2 : 4); level++) {
            pfn_t pages[2] = {lesson_readonly_page(lesson.guest), lesson_readonly_page(lesson.guest)};

            for (unsigned i = 0; i < 2; i++)
                assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, pages[i]), level), 0);
            for (unsigned i = 0; i < 2; i++)
                refuse_rw(&lesson, page_mfn(&lesson, pages[0]), page_mfn(&lesson, pages[i]));
            for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, pages[i])), 0);
                assert_true(lesson_is_sole(lesson.guest, pages[i]));
            }
        }
        lesson_end(&lesson);
    }
}

/* The root through itself: each level of the walk may be the root, and nothing of it can be written. */
static void xsa_182_nothing_is_written_through_a_root(void **state)
{
    struct sim_config config = linear_config(WIDTH_64, 1);
    struct lesson lesson;
    uint64_t word = 0, before;
    mfn_t root;

    (void)state;
    lesson_begin(&lesson, &config);
    root = guest_root(lesson.guest);
    assert_int_equal(link(&lesson, root, SLOT, root), 0);
    before = guest_entry(lesson.guest, root, SLOT);
    for (unsigned hops = 1; hops <= 4; hops++) {
        /* So many times the slot, then the way to the guest's own pages: a table of level @hops. */
        uint64_t at = 0, way = lesson.guest->base.v >> PAGE_SHIFT;
        struct table_write write = {.form = WRITE_MOV, .bytes = 8};

        for (unsigned i = 0; i < 4; i++)
            at = at << 9 | (i < hops ? SLOT : (way >> 9 * (3 + hops - i)) & 511);
        write.vaddr = VADDR(at << PAGE_SHIFT);
        assert_true(guest_read(lesson.vcpu, write.vaddr, &word, sizeof(word)));
        assert_false(guest_write(lesson.vcpu, write.vaddr, &word, sizeof(word)));
        assert_int_equal(table_write_emulate(lesson.vcpu, &write), -XEN_EINVAL);
        assert_int_equal(guest_update_va_mapping(lesson.vcpu, write.vaddr, 0, UVMF_NONE), -XEN_EINVAL);
        guest_assert_clean(lesson.sim);
    }
    assert_int_equal(guest_entry(lesson.guest, root, SLOT) & ~PTE_A, before & ~PTE_A);
    lesson_end(&lesson);
}

/* ---- 240: chains, circles, and the order of taking apart. */

static void xsa_240_links_form_no_chain(void **state)
{
    struct sim_config config = linear_config(WIDTH_64, 1);
    struct lesson lesson;
    pfn_t pages[MANY];

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned level = 2; level <= 4; level++) {
        for (unsigned i = 0; i < MANY; i++) {
            pages[i] = lesson_readonly_page(lesson.guest);
            assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, pages[i]), level), 0);
        }
        /* A ring: each second link is made, so that each table is a beginning or an end. */
        for (unsigned i = 0; i < MANY; i++)
            assert_int_equal(link(&lesson, page_mfn(&lesson, pages[i]), SLOT, page_mfn(&lesson, pages[(i + 1) % MANY])),
                             i % 2 ? -XEN_EINVAL : 0);
        for (unsigned i = 0; i < MANY; i++) {
            unsigned next = (i * 5 + 3) % MANY;

            assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, pages[next])), 0);
            guest_assert_clean(lesson.sim);
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(lesson_is_sole(lesson.guest, pages[i]));
            lesson_page_return(lesson.guest, pages[i]);
        }
    }
    lesson_end(&lesson);
}

/* On each level one table that was the last to refer to another: as deep as it goes, with the least of stack. */
static void xsa_240_taken_apart_as_deep_as_it_goes(void **state)
{
    struct sim_config config = linear_config(WIDTH_64, 1);
    struct lesson lesson;
    pfn_t first[5], second[5];

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned level = 1; level <= 4; level++) {
        first[level] = lesson_readonly_page(lesson.guest);
        second[level] = lesson_readonly_page(lesson.guest);
        for (unsigned i = 0; level > 1 && i < 2; i++)
            assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, (i ? second : first)[level]), level), 0);
    }
    for (unsigned level = 2; level <= 4; level++) {
        assert_int_equal(link(&lesson, page_mfn(&lesson, first[level]), SLOT, page_mfn(&lesson, second[level])), 0);
        assert_int_equal(link(&lesson, page_mfn(&lesson, second[level]), SLOT, page_mfn(&lesson, first[level - 1])), 0);
    }
    for (unsigned level = 2; level <= 4; level++) {
        assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, second[level])), 0);
        if (level < 4)
            assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, first[level])), 0);
    }
    assert_false(lesson_can_be_written(lesson.vcpu, page_mfn(&lesson, first[1])));
    lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
    assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, first[4])), 0);
    lesson.sim->preemption = SIM_PREEMPT_NEVER;
    for (unsigned level = 1; level <= 4; level++)
        assert_true(lesson_is_sole(lesson.guest, first[level]) && lesson_is_sole(lesson.guest, second[level]));
    lesson_end(&lesson);
}

/* ---- 185: a 32-bit guest's L3, whose entries the processor is told to let write. */

static void xsa_185_no_links_between_pae_roots(void **state)
{
    struct sim_config config = linear_config(WIDTH_PAE, 1);
    struct lesson lesson;
    struct guest_tree tree;
    mfn_t root;

    (void)state;
    lesson_begin(&lesson, &config);
    root = guest_root(lesson.guest);
    guest_build_tree(lesson.guest, lesson.vcpu, 3, GUEST_TREE_KERNEL, NULL, 0, &tree);
    for (unsigned slot = 0; slot < 3; slot++) {
        uint64_t *entry = &sim_frame_entries(lesson.sim, tree.root)[slot], old = *entry;

        assert_int_equal(guest_set_entry(lesson.vcpu, root, slot, pte(root, PTE_P)), -XEN_EINVAL);
        *entry = pte(tree.root, PTE_P);
        assert_int_equal(guest_pin(lesson.vcpu, tree.root, 3), -XEN_EINVAL);
        *entry = pte(root, PTE_P);
        assert_int_equal(guest_pin(lesson.vcpu, tree.root, 3), -XEN_EINVAL);
        *entry = old;
    }
    lesson_tree_return(lesson.guest, &tree);
    lesson_end(&lesson);
}

/* ---- 299 and 309: while a table with links is validated, or taken apart. */

#define FIRST_LINK 60u
#define LINKS      3u

/* Page 0 is to have children, then links to page 2, which is an L3, then an entry for itself.  Page 3 is an L3 too. */
static void prepare_links(struct race *race)
{
    struct guest *guest = race->lesson.guest;
    uint64_t *entries;

    for (unsigned i = 0; i < 4; i++)
        race->pages[i] = lesson_readonly_page(guest);
    assert_int_equal(guest_pin(race->lesson.vcpu, guest_mfn(guest, race->pages[2]), 3), 0);
    assert_int_equal(guest_pin(race->lesson.vcpu, guest_mfn(guest, race->pages[3]), 3), 0);
    entries = sim_frame_entries(guest->sim, guest_mfn(guest, race->pages[0]));
    entries[3] = entries[40] = pte(guest_mfn(guest, race->pages[1]), PTE_TABLE);
    for (unsigned i = 0; i < LINKS; i++)
        entries[FIRST_LINK + i] = pte(guest_mfn(guest, race->pages[2]), LINK);
    entries[FIRST_LINK + LINKS] = pte(guest_mfn(guest, race->pages[0]), LINK);
    entries[FIRST_LINK + LINKS + 1] = pte(guest_mfn(guest, race->pages[1]), PTE_TABLE);
}

static void prepare_pinned(struct race *race)
{
    prepare_links(race);
    assert_int_equal(guest_pin(race->lesson.vcpu, guest_mfn(race->lesson.guest, race->pages[0]), 3), 0);
}

static void pin_page_0(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_pin(vcpu, guest_mfn(race->lesson.guest, race->pages[0]), 3);
}

static void unpin_page_0(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_unpin(vcpu, guest_mfn(race->lesson.guest, race->pages[0]));
}

/* Page 2 is to have a link, to page 3: it cannot be both. */
static void link_page_2(struct race *race, struct vcpu *vcpu)
{
    struct guest *guest = race->lesson.guest;

    race->results[vcpu->id] =
        guest_set_entry(vcpu, guest_mfn(guest, race->pages[2]), SLOT, pte(guest_mfn(guest, race->pages[3]), LINK));
}

/* Page 3 is to have a link to page 0, which is just becoming, or ceasing to be, a table with links. */
static void link_to_page_0(struct race *race, struct vcpu *vcpu)
{
    struct guest *guest = race->lesson.guest;

    race->results[vcpu->id] =
        guest_set_entry(vcpu, guest_mfn(guest, race->pages[3]), SLOT, pte(guest_mfn(guest, race->pages[0]), LINK));
}

static void unpin_page_2(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_unpin(vcpu, guest_mfn(race->lesson.guest, race->pages[2]));
}

/* Whatever is still pinned is unpinned, and then nothing is left. */
static void check_nothing_left(struct race *race)
{
    struct guest *guest = race->lesson.guest;

    guest_assert_clean(guest->sim);
    for (unsigned i = 0; i < 4; i++)
        (void)guest_unpin(race->lesson.vcpu, guest_mfn(guest, race->pages[i]));
    guest_assert_clean(guest->sim);
    for (unsigned i = 0; i < 4; i++)
        assert_true(lesson_is_sole(guest, race->pages[i]));
}

/* One of the two has come first, and the other was refused for it. */
static void check_either(struct race *race)
{
    assert_true((race->results[0] == 0) != (race->results[1] == 0));
    assert_true(race->results[0] + race->results[1] == -XEN_EINVAL);
    check_nothing_left(race);
}

static void check_refused(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    assert_int_equal(race->results[1], -XEN_EINVAL);
    check_nothing_left(race);
}

static void play(void (*prepare)(struct race *race), race_fn *act, race_fn *other, void (*check)(struct race *race))
{
    struct scene scene = {
        .config = linear_config(WIDTH_64, 2),
        .prepare = prepare,
        .act = act,
        .others = {other},
        .check = check,
    };

    race_play(&scene);
    scene.stops = 3;
    race_play(&scene);
}

static void xsa_309_links_are_counted_when_interrupted(void **state)
{
    (void)state;
    play(prepare_links, pin_page_0, link_page_2, check_either);
    play(prepare_links, pin_page_0, pin_page_0, check_either);
}

static void xsa_309_no_link_to_what_is_converted(void **state)
{
    (void)state;
    play(prepare_links, pin_page_0, link_to_page_0, check_refused);
}

static void xsa_299_a_link_whose_table_ceases_to_be_one(void **state)
{
    (void)state;
    play(prepare_links, pin_page_0, unpin_page_2, check_nothing_left);
    play(prepare_pinned, unpin_page_0, unpin_page_2, check_nothing_left);
    play(prepare_pinned, unpin_page_0, link_page_2, check_nothing_left);
    play(prepare_pinned, unpin_page_0, pin_page_0, check_nothing_left);
}

/* ---- 290: each entry of a table a link, to tables that are full. */

static void xsa_290_preempted_among_links(void **state)
{
    struct sim_config config = linear_config(WIDTH_64, 1);
    struct lesson lesson;
    uint64_t points;
    pfn_t l1, full, links;

    (void)state;
    lesson_begin(&lesson, &config);
    l1 = lesson_readonly_page(lesson.guest);
    full = lesson_readonly_page(lesson.guest);
    links = lesson_readonly_page(lesson.guest);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        sim_frame_entries(lesson.sim, page_mfn(&lesson, full))[i] = pte(page_mfn(&lesson, l1), PTE_TABLE);
        sim_frame_entries(lesson.sim, page_mfn(&lesson, links))[i] = pte(page_mfn(&lesson, full), LINK);
    }
    assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, full), 2), 0);
    points = lesson.sim->preempt_points;
    assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, links), 2), 0);
    assert_true(lesson.sim->preempt_points - points >= ENTRIES_PER_TABLE / 32);
    assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, full)), 0);
    points = lesson.sim->preempt_points;
    lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
    assert_int_equal(guest_unpin(lesson.vcpu, page_mfn(&lesson, links)), 0);
    lesson.sim->preemption = SIM_PREEMPT_NEVER;
    assert_true(lesson.sim->preempt_points - points >= 2 * ENTRIES_PER_TABLE / 32); /* of both tables */
    assert_true(lesson_is_sole(lesson.guest, links) && lesson_is_sole(lesson.guest, full));
    assert_true(lesson_is_sole(lesson.guest, l1));
    lesson_end(&lesson);
}

/* The end of a domain whose root refers to itself, with tables that refer to each other. */
static void xsa_240_the_end_of_a_domain(void **state)
{
    struct sim_config config = linear_config(WIDTH_64, 2);
    struct lesson lesson;
    pfn_t pages[2];

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < 2; i++) {
        pages[i] = lesson_readonly_page(lesson.guest);
        assert_int_equal(guest_pin(lesson.vcpu, page_mfn(&lesson, pages[i]), 4), 0);
    }
    assert_int_equal(link(&lesson, guest_root(lesson.guest), SLOT, guest_root(lesson.guest)), 0);
    assert_int_equal(link(&lesson, page_mfn(&lesson, pages[0]), SLOT, guest_root(lesson.guest)), 0);
    assert_int_equal(link(&lesson, page_mfn(&lesson, pages[0]), SLOT + 1, page_mfn(&lesson, pages[1])), 0);
    assert_int_equal(guest_new_user_baseptr(lesson.vcpu, page_mfn(&lesson, pages[0])), 0);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_182_a_linear_entry_stays_readonly),
        LESSON(xsa_182_nothing_is_written_through_a_root),
        LESSON(xsa_185_no_links_between_pae_roots),
        LESSON(xsa_240_links_form_no_chain),
        LESSON(xsa_240_taken_apart_as_deep_as_it_goes),
        LESSON(xsa_240_the_end_of_a_domain),
        LESSON(xsa_290_preempted_among_links),
        LESSON(xsa_299_a_link_whose_table_ceases_to_be_one),
        LESSON(xsa_309_links_are_counted_when_interrupted),
        LESSON(xsa_309_no_link_to_what_is_converted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
