/* SPDX-License-Identifier: MIT */
/*
 * Tables that lead to tables of their own level or above, and rights that are changed in place.  The engine refuses the
 * first link, so that chains, cycles, deep recursion and counters of links have nothing to begin with.
 */
#include <abi/segment.h>
#include <tests/lessons/lib/race.h>

#define CHAIN 8u

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};
static const unsigned commands[] = {MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE};

/*
 * ---- 182: the right to write, given to an entry that is there already.
 */

/* Every way to change the entry of page 0 of the window. */
static void refuse_at_window(const struct lesson *lesson, uint64_t entry)
{
    struct vcpu *vcpu = lesson->vcpu;
    mfn_t table = lesson_table(lesson->guest, 1);
    unsigned slot = lesson_slot(lesson->guest, 1, 0);
    vaddr_t vaddr = lesson_window(lesson->guest, 0);
    pfn_t l1 = PFN(lesson->guest->root.v + lesson->guest->nr_tables - 1);
    struct multicall_entry call = guest_call_update_va_mapping(vcpu, vaddr, entry, UVMF_INVLPG);
    struct table_write write = {.vaddr = VADDR(guest_vaddr(lesson->guest, l1).v + slot * 8), .bytes = 8};
    static const enum write_form forms[] = {WRITE_MOV, WRITE_XCHG, WRITE_OR, WRITE_CMPXCHG};

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        assert_int_equal(lesson_update(vcpu, table, slot, entry, commands[i]), -XEN_EBUSY);
    assert_int_equal(guest_update_va_mapping(vcpu, vaddr, entry, UVMF_NONE), -XEN_EBUSY);
    assert_int_equal(guest_multicall(vcpu, &call, 1), 0);
    assert_int_equal((int64_t)call.result, -XEN_EBUSY);
    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        write.form = forms[i];
        write.operand = entry;
        write.expected = guest_entry(lesson->guest, table, slot);
        assert_int_equal(table_write_emulate(vcpu, &write), -XEN_EBUSY);
    }
}

/* Shows pte.map-writable, types.no-writable-table. */
static void xsa_182_a_readonly_table_stays_readonly(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;
        uint64_t word = 0;

        config.domains[0].writable_tables = true;
        lesson_begin(&lesson, &config);
        for (unsigned level = 1; level <= root_level(lesson.guest->domain); level++) {
            mfn_t table = lesson_table(lesson.guest, level);

            assert_int_equal(lesson_map(lesson.vcpu, 0, table, PTE_RO_PAGE), 0);
            refuse_at_window(&lesson, pte(table, PTE_RW_PAGE));
            refuse_at_window(&lesson, pte(table, PTE_P | PTE_RW));
            assert_false(guest_entry(lesson.guest, lesson_table(lesson.guest, 1), 0) & PTE_RW);
            assert_false(guest_write(lesson.vcpu, lesson_window(lesson.guest, 0), &word, sizeof(word)));
        }
        assert_int_equal(lesson_unmap(lesson.vcpu, 0), 0);
        lesson_end(&lesson);
    }
}

/* A slot that an update may write, in the live table of @level; the guest itself lives elsewhere. */
static unsigned live_slot(const struct lesson *lesson, unsigned level)
{
    return lesson->guest->domain->width == WIDTH_PAE && level == 3 ? 2 : 200;
}

/* Each bit of a live entry flipped alone: refused, or the tables and counts are right afterwards. */
static void flip_each_bit(const struct lesson *lesson, unsigned level)
{
    mfn_t table = lesson_table(lesson->guest, level);
    unsigned slot = live_slot(lesson, level);
    pfn_t page = level == 1 ? lesson_page(lesson->guest) : lesson_readonly_page(lesson->guest);
    uint64_t before;

    assert_int_equal(guest_set_entry(lesson->vcpu, table, slot, pte(guest_mfn(lesson->guest, page), PTE_TABLE)), 0);
    before = guest_entry(lesson->guest, table, slot);
    for (unsigned bit = 0; bit < 64; bit++) {
        int64_t result = lesson_update(lesson->vcpu, table, slot, before ^ UINT64_C(1) << bit, commands[bit % 3]);

        guest_assert_clean(lesson->sim);
        if (result)
            assert_true(guest_entry(lesson->guest, table, slot) == before);
        else
            assert_int_equal(guest_set_entry(lesson->vcpu, table, slot, before), 0);
    }
    assert_int_equal(guest_set_entry(lesson->vcpu, table, slot, 0), 0);
    assert_true(lesson_is_sole(lesson->guest, page));
    guest_page_free(lesson->guest, page);
}

static void xsa_182_each_bit_of_a_live_entry(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 1; level <= root_level(lesson.guest->domain); level++)
            flip_each_bit(&lesson, level);
        lesson_end(&lesson);
    }
}

/*
 * ---- 240 and its kind: links.
 */

/* Slot @slot of @table does not take an entry that leads to @target, writable or not. */
static void refuse_link(const struct lesson *lesson, mfn_t table, unsigned slot, mfn_t target)
{
    uint64_t old = guest_entry(lesson->guest, table, slot);

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        int64_t readonly = lesson_update(lesson->vcpu, table, slot, pte(target, PTE_TABLE & ~PTE_RW), commands[i]);
        int64_t writable = lesson_update(lesson->vcpu, table, slot, pte(target, PTE_TABLE), commands[i]);

        assert_int_equal(readonly, -XEN_EINVAL);
        assert_int_equal(writable, -XEN_EINVAL);
        assert_true(guest_entry(lesson->guest, table, slot) == old);
    }
}

/* To itself, to a sibling that is pinned, and to every table above. */
static void refuse_links_of_live_tables(const struct lesson *lesson, unsigned level)
{
    struct guest *guest = lesson->guest;
    const struct guest_leaf leaf = {VADDR(0x40201000), 0};
    bool root = level == root_level(guest->domain);
    mfn_t table = lesson_table(guest, level);
    unsigned slot = live_slot(lesson, level);
    struct guest_tree sibling;

    for (unsigned above = level; above <= root_level(guest->domain); above++)
        refuse_link(lesson, table, slot, lesson_table(guest, above));
    guest_build_tree(guest, lesson->vcpu, level, root ? GUEST_TREE_KERNEL : GUEST_TREE_PLAIN, &leaf, 1, &sibling);
    assert_int_equal(guest_pin(lesson->vcpu, sibling.root, level), 0);
    refuse_link(lesson, table, slot, sibling.root);
    refuse_link(lesson, sibling.root, slot, table);
    assert_int_equal(guest_unpin(lesson->vcpu, sibling.root), 0);
    lesson_tree_return(guest, &sibling);
}

/* Live tables of one level: no two of them can be linked, so no chain begins. */
static void refuse_chain(const struct lesson *lesson, unsigned level)
{
    struct guest *guest = lesson->guest;
    mfn_t tables[CHAIN];
    pfn_t pages[CHAIN];

    for (unsigned i = 0; i < CHAIN; i++) {
        pages[i] = lesson_readonly_page(guest);
        tables[i] = guest_mfn(guest, pages[i]);
        assert_int_equal(guest_pin(lesson->vcpu, tables[i], level), 0);
    }
    for (unsigned i = 0; i < CHAIN; i++)
        refuse_link(lesson, tables[i], 200, tables[(i + 1) % CHAIN]);
    for (unsigned i = 0; i < CHAIN; i++) {
        assert_int_equal(guest_unpin(lesson->vcpu, tables[i]), 0);
        assert_true(lesson_is_sole(guest, pages[i]));
        guest_page_free(guest, pages[i]);
    }
}

/*
 * Pages that name each other in a ring, as plain memory.  Pinned as a table of @level, each page on the way is wanted
 * one level lower: where the ring closes before level 1, a page would have to be of two levels.
 */
static void try_ring(const struct lesson *lesson, unsigned level, unsigned links)
{
    struct guest *guest = lesson->guest;
    pfn_t pages[CHAIN];

    for (unsigned i = 0; i < links; i++)
        pages[i] = lesson_readonly_page(guest);
    for (unsigned i = 0; i < links; i++) {
        mfn_t next = guest_mfn(guest, pages[(i + 1) % links]);

        /* Flags that are as good in an upper entry as in a leaf, and are stored as they are. */
        sim_frame_entries(lesson->sim, guest_mfn(guest, pages[i]))[200] = pte(next, PTE_RO_PAGE | PTE_US | PTE_KERNEL);
    }
    for (unsigned i = 0; i < links; i++) {
        mfn_t mfn = guest_mfn(guest, pages[i]);

        assert_int_equal(guest_pin(lesson->vcpu, mfn, level), links < level ? -XEN_EINVAL : 0);
        guest_assert_clean(lesson->sim);
        assert_int_equal(guest_unpin(lesson->vcpu, mfn), links < level ? -XEN_EINVAL : 0);
    }
    for (unsigned i = 0; i < links; i++) {
        assert_true(lesson_is_sole(guest, pages[i]));
        guest_page_free(guest, pages[i]);
    }
}

/* Shows pte.refer-linear. */
static void xsa_240_no_link_between_tables_of_a_level(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 2; level <= root_level(lesson.guest->domain); level++) {
            refuse_links_of_live_tables(&lesson, level);
            if (widths[i] == WIDTH_PAE && level == 3)
                continue; /* such a root is never empty */
            refuse_chain(&lesson, level);
            for (unsigned links = 1; links <= CHAIN; links++)
                try_ring(&lesson, level, links);
        }
        lesson_end(&lesson);
    }
}

/*
 * ---- 309: links are still none where a validation was interrupted between them.
 */

#define LINKS_309 3u

static void prepare_309(struct race *race)
{
    struct guest *guest = race->lesson.guest;
    uint64_t *entries;

    for (unsigned i = 0; i < 3; i++)
        race->pages[i] = lesson_readonly_page(guest);
    entries = sim_frame_entries(guest->sim, guest_mfn(guest, race->pages[0]));
    entries[3] = entries[40] = pte(guest_mfn(guest, race->pages[1]), PTE_TABLE);
    for (unsigned i = 0; i < LINKS_309; i++)
        entries[60 + i] = pte(guest_mfn(guest, race->pages[i == 1 ? 2 : 0]), PTE_TABLE & ~PTE_RW);
}

/* Two vCPUs want the same table, in which links follow good entries. */
static void pin_309(struct race *race, struct vcpu *vcpu)
{
    race->results[vcpu->id] = guest_pin(vcpu, guest_mfn(race->lesson.guest, race->pages[0]), 3);
}

static void check_309(struct race *race)
{
    assert_int_equal(race->results[0], -XEN_EINVAL);
    assert_int_equal(race->results[1], -XEN_EINVAL);
    for (unsigned i = 0; i < 3; i++)
        assert_true(lesson_is_sole(race->lesson.guest, race->pages[i]));
}

/* The same where the links lead to a live table of that level, which is what a link within a level would have to be. */
static void prepare_309_live(struct race *race)
{
    struct guest *guest = race->lesson.guest;
    uint64_t *entries;

    for (unsigned i = 0; i < 3; i++)
        race->pages[i] = lesson_readonly_page(guest);
    assert_int_equal(guest_pin(race->lesson.vcpu, guest_mfn(guest, race->pages[2]), 3), 0);
    entries = sim_frame_entries(guest->sim, guest_mfn(guest, race->pages[0]));
    entries[3] = pte(guest_mfn(guest, race->pages[1]), PTE_TABLE);
    for (unsigned i = 0; i < LINKS_309; i++)
        entries[60 + i] = pte(guest_mfn(guest, race->pages[2]), PTE_TABLE & ~PTE_RW);
}

static void check_309_live(struct race *race)
{
    struct guest *guest = race->lesson.guest;

    assert_int_equal(race->results[0], -XEN_EINVAL);
    assert_int_equal(race->results[1], -XEN_EINVAL);
    assert_int_equal(guest_unpin(race->lesson.vcpu, guest_mfn(guest, race->pages[2])), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_true(lesson_is_sole(guest, race->pages[i]));
}

static void xsa_309_links_after_an_interruption(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 2),
        .prepare = prepare_309,
        .act = pin_309,
        .others = {pin_309},
        .check = check_309,
        .stride = 5,
    };

    (void)state;
    race_play(&scene);
    scene.stops = 3;
    race_play(&scene);
}

static void xsa_309_links_to_a_live_table(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 2),
        .prepare = prepare_309_live,
        .act = pin_309,
        .others = {pin_309},
        .check = check_309_live,
    };

    (void)state;
    race_play(&scene);
    scene.stops = 3;
    race_play(&scene);
}

/*
 * ---- 185: a level whose entries have no rights of their own.
 */

static void xsa_185_the_pae_root_refuses_itself(void **state)
{
    struct sim_config config = lesson_config(WIDTH_PAE, 1);
    const struct guest_leaf leaf = {VADDR(0x40201000), 0};
    struct guest_tree tree;
    struct lesson lesson;
    mfn_t root, child;

    (void)state;
    lesson_begin(&lesson, &config);
    root = guest_root(lesson.guest);
    refuse_link(&lesson, root, 2, root);
    guest_build_tree(lesson.guest, lesson.vcpu, 3, GUEST_TREE_KERNEL, &leaf, 1, &tree);
    for (unsigned slot = 0; slot < 4; slot++) {
        uint64_t *entry = &sim_frame_entries(lesson.sim, tree.root)[slot], old = *entry;

        *entry = pte(tree.root, PTE_P);
        assert_int_equal(guest_pin(lesson.vcpu, tree.root, 3), -XEN_EINVAL);
        *entry = pte(root, PTE_P);
        assert_int_equal(guest_new_baseptr(lesson.vcpu, tree.root), -XEN_EINVAL);
        *entry = old;
    }
    /* Flags that this format does not have. */
    for (unsigned bit = 1; bit < 64; bit++) {
        bool refused = (UINT64_C(0xfff0000000000198) >> bit) & 1;
        uint64_t *entry = &sim_frame_entries(lesson.sim, tree.root)[1], old = *entry;

        if (bit >= PAGE_SHIFT && bit < 52)
            continue;
        *entry = old ^ UINT64_C(1) << bit;
        assert_int_equal(guest_pin(lesson.vcpu, tree.root, 3), refused ? -XEN_EINVAL : 0);
        assert_int_equal(guest_unpin(lesson.vcpu, tree.root), refused ? -XEN_EINVAL : 0);
        *entry = old;
    }
    /* What is stored is what the processor will see: the rights that the format lacks are there, and were judged. */
    assert_int_equal(guest_pin(lesson.vcpu, tree.root, 3), 0);
    child = pte_mfn(guest_entry(lesson.guest, tree.root, 1));
    assert_int_equal(guest_set_entry(lesson.vcpu, tree.root, 1, pte(child, PTE_P)), 0);
    assert_int_equal(guest_entry(lesson.guest, tree.root, 1) & (PTE_P | PTE_RW | PTE_US), PTE_P | PTE_RW | PTE_US);
    assert_int_equal(guest_unpin(lesson.vcpu, tree.root), 0);
    lesson_tree_return(lesson.guest, &tree);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_182_a_readonly_table_stays_readonly), LESSON(xsa_182_each_bit_of_a_live_entry),
        LESSON(xsa_185_the_pae_root_refuses_itself),     LESSON(xsa_240_no_link_between_tables_of_a_level),
        LESSON(xsa_309_links_after_an_interruption),     LESSON(xsa_309_links_to_a_live_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
