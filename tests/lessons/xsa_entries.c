/* SPDX-License-Identifier: MIT */
/* What an entry may say: superpages, rights that are changed in place, entries that are not present, odd addresses. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/lesson.h>

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};
static const unsigned commands[] = {MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE};

/* An entry that was refused must read as before, but for what processors set themselves. */
static void assert_entry(const struct guest *guest, mfn_t table, unsigned slot, uint64_t entry)
{
    assert_true(((guest_entry(guest, table, slot) ^ entry) & ~(PTE_A | PTE_D)) == 0);
}

/* A free slot of the live tables of each level; slot 1 of a 32-bit root is emptied for that. */
static unsigned free_slot(const struct lesson *lesson, unsigned level)
{
    static const unsigned slots[] = {0, 7, 100, 100, 300};

    if (lesson->guest->domain->width == WIDTH_64 || level < 3)
        return slots[level];
    assert_int_equal(guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 3), 1, 0), 0);
    return 1;
}

/*
 * ---- 148: superpages.
 */

static void refuse_superpage(const struct lesson *lesson, mfn_t table, unsigned slot, uint64_t entry)
{
    uint64_t old = guest_entry(lesson->guest, table, slot);

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        assert_int_equal(lesson_update(lesson->vcpu, table, slot, entry, commands[i]), -XEN_EINVAL);
        assert_entry(lesson->guest, table, slot, old);
    }
}

static void superpage_in_a_live_table(const struct lesson *lesson, unsigned level)
{
    mfn_t table = lesson_table(lesson->guest, level);
    unsigned slot = lesson_slot(lesson->guest, level, 0), empty = free_slot(lesson, level);
    pfn_t page = lesson_readonly_page(lesson->guest);
    uint64_t old = guest_entry(lesson->guest, table, slot);
    uint64_t other = pte(guest_mfn(lesson->guest, page), PTE_P | PTE_PS);

    refuse_superpage(lesson, table, slot, old | PTE_PS);
    refuse_superpage(lesson, table, slot, (old & ~PTE_RW) | PTE_PS);
    refuse_superpage(lesson, table, slot, old | PTE_PS | PTE_RW);
    refuse_superpage(lesson, table, slot, (old & ~PTE_FRAME) | other);
    refuse_superpage(lesson, table, empty, other);
    refuse_superpage(lesson, table, empty, pte(MFN(0), PTE_TABLE | PTE_PS));
    assert_true(lesson_is_sole(lesson->guest, page));
    guest_page_free(lesson->guest, page);
}

/* A table that is filled before it becomes one, with the entry above an L1, an L2 or an L3 made a superpage. */
static void superpage_in_a_new_table(const struct lesson *lesson, unsigned level)
{
    struct guest *guest = lesson->guest;
    bool root = level == root_level(guest->domain);
    struct guest_leaf leaf = {VADDR(0x40201000), 0};
    struct guest_tree tree;
    unsigned slot = (leaf.vaddr.v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;

    guest_build_tree(guest, lesson->vcpu, level, root ? GUEST_TREE_KERNEL : GUEST_TREE_PLAIN, &leaf, 1, &tree);
    sim_frame_entries(lesson->sim, tree.root)[slot] |= PTE_PS;
    assert_int_equal(guest_pin(lesson->vcpu, tree.root, level), -XEN_EINVAL);
    if (root) {
        assert_int_equal(guest_new_baseptr(lesson->vcpu, tree.root), -XEN_EINVAL);
        assert_true(mfn_equal(lesson->vcpu->kernel_root, guest_root(guest)));
    }
    lesson_tree_return(guest, &tree);
}

/* Shows pte.flags-never. */
static void xsa_148_no_superpage_by_any_path(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 2; level <= root_level(lesson.guest->domain); level++) {
            superpage_in_a_live_table(&lesson, level);
            superpage_in_a_new_table(&lesson, level);
        }
        lesson_end(&lesson);
    }
}

/* Whether @entry is accepted at @slot after @before stood there; the slot is emptied again. */
static int64_t judge(const struct lesson *lesson, mfn_t table, unsigned slot, uint64_t before, uint64_t entry)
{
    int64_t result;

    assert_int_equal(guest_set_entry(lesson->vcpu, table, slot, before), 0);
    result = guest_set_entry(lesson->vcpu, table, slot, entry);
    assert_int_equal(guest_set_entry(lesson->vcpu, table, slot, 0), 0);
    return result;
}

static void judge_each_bit(const struct lesson *lesson, unsigned level)
{
    struct guest *guest = lesson->guest;
    mfn_t table = lesson_table(guest, level);
    unsigned slot = free_slot(lesson, level);
    pfn_t pages[2] = {lesson_readonly_page(guest), lesson_readonly_page(guest)};
    uint64_t flags = level == 1 ? PTE_RO_PAGE : PTE_TABLE & ~PTE_RW;
    uint64_t entry = pte(guest_mfn(guest, pages[0]), flags), other = pte(guest_mfn(guest, pages[1]), flags);

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flipped = entry ^ UINT64_C(1) << bit;
        int64_t fresh = judge(lesson, table, slot, 0, flipped);

        assert_int_equal(judge(lesson, table, slot, entry, flipped), fresh);
        assert_int_equal(judge(lesson, table, slot, other, flipped), fresh);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        assert_true(lesson_is_sole(guest, pages[i]));
        guest_page_free(guest, pages[i]);
    }
}

static void xsa_148_the_old_entry_decides_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 1; level <= root_level(lesson.guest->domain); level++)
            judge_each_bit(&lesson, level);
        lesson_end(&lesson);
    }
}

/*
 * ---- 167: frame numbers beyond the machine.
 */

static void refuse_frame(const struct lesson *lesson, unsigned command, uint64_t mfn, uint64_t from)
{
    const struct mmuext_op op = {.cmd = command, .arg1.mfn = mfn, .arg2.src_mfn = from};
    int64_t result = guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF);
    bool pae = lesson->guest->domain->width == WIDTH_PAE;

    if (command == MMUEXT_MARK_SUPER || command == MMUEXT_UNMARK_SUPER)
        assert_int_equal(result, -XEN_EOPNOTSUPP);
    else if (!pae || command != MMUEXT_PIN_L4_TABLE)
        assert_int_equal(result, -XEN_EINVAL);
}

static void xsa_167_frame_numbers_beyond_the_machine(void **state)
{
    static const unsigned ops[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,     MMUEXT_PIN_L3_TABLE,
                                   MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,      MMUEXT_NEW_BASEPTR,
                                   MMUEXT_CLEAR_PAGE,   MMUEXT_NEW_USER_BASEPTR, MMUEXT_COPY_PAGE,
                                   MMUEXT_UNMARK_SUPER, MMUEXT_MARK_SUPER};
    const struct frame_range hole = {MFN(600), MFN(640)};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;
        struct picture before;

        config.holes = &hole;
        config.nr_holes = 1;
        lesson_begin(&lesson, &config);
        before = lesson_picture(&lesson);
        for (unsigned op = 0; op < ARRAY_SIZE(ops); op++) {
            const uint64_t numbers[] = {~UINT64_C(0),
                                        ~UINT64_C(0) << 9,
                                        lesson.sim->machine.nr_frames,
                                        lesson.sim->machine.nr_frames + 1,
                                        hole.first.v,
                                        (UINT64_C(1) << 52) - 1,
                                        widths[i] == WIDTH_64 ? UINT64_C(1) << 40 : UINT64_C(1) << 31};

            for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++)
                refuse_frame(&lesson, ops[op], numbers[n], guest_mfn(lesson.guest, PFN(0)).v);
        }
        lesson_assert_unchanged(&lesson, &before);
        lesson_end(&lesson);
    }
}

/*
 * ---- 227: an address that is not one of an entry.
 */

static void xsa_227_an_entry_is_a_table_and_an_index(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct table_write write = {.form = WRITE_MOV, .bytes = 8, .operand = 0};
    mfn_t table;
    uint64_t target;

    (void)state;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    table = lesson_table(lesson.guest, 1);
    target = pte(guest_mfn(lesson.guest, lesson_page(lesson.guest)), PTE_RO_PAGE | PTE_US | PTE_KERNEL);
    /* The low bits are a command, and no part of the address. */
    for (unsigned offset = 0; offset < 8; offset++) {
        bool known = offset <= MMU_PT_UPDATE_NO_TRANSLATE;

        assert_int_equal(lesson_update(lesson.vcpu, table, 5, target, offset), known ? 0 : -XEN_ENOSYS);
        assert_true(guest_entry(lesson.guest, table, 6) == 0);
        assert_int_equal(guest_set_entry(lesson.vcpu, table, 5, 0), 0);
    }
    for (unsigned offset = 1; offset < PAGE_SIZE; offset += offset < 16 || offset > PAGE_SIZE - 16 ? 1 : 64) {
        pfn_t pfn = PFN(lesson.guest->root.v + lesson.guest->nr_tables - 1); /* the window's L1 */

        write.vaddr = VADDR(guest_vaddr(lesson.guest, pfn).v + offset);
        assert_int_equal(table_write_emulate(lesson.vcpu, &write), offset % 8 ? -XEN_EINVAL : 0);
        assert_int_equal(guest_update_descriptor(lesson.vcpu, (target & PTE_FRAME) + offset, 0),
                         offset % 8 ? -XEN_EINVAL : 0);
    }
    lesson_end(&lesson);
}

/* A store shorter than an entry changes the bytes that it was aimed at, and no others. */
static void xsa_227_a_short_store_lands_where_it_was_aimed(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct table_write write = {.form = WRITE_MOV};
    vaddr_t entry;
    mfn_t table;

    (void)state;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    table = lesson_table(lesson.guest, 1);
    entry = VADDR(guest_vaddr(lesson.guest, PFN(lesson.guest->root.v + lesson.guest->nr_tables - 1)).v + 5 * 8);
    for (write.bytes = 1; write.bytes <= 8; write.bytes *= 2) {
        for (unsigned offset = 0; offset < 8; offset += write.bytes) {
            /* No byte is odd, so that no entry is present. */
            uint64_t old = UINT64_C(0x1012141618aaacae), mask = ~UINT64_C(0) >> (64 - 8 * write.bytes);

            write.operand = UINT64_C(0x7072747678303234);
            write.vaddr = VADDR(entry.v + offset);
            assert_int_equal(guest_set_entry(lesson.vcpu, table, 5, old), 0);
            assert_int_equal(table_write_emulate(lesson.vcpu, &write), 0);
            old &= ~(mask << (8 * offset));
            assert_true(guest_entry(lesson.guest, table, 5) == (old | (write.operand & mask) << (8 * offset)));
            assert_true(guest_entry(lesson.guest, table, 4) == 0 && guest_entry(lesson.guest, table, 6) == 0);
        }
    }
    assert_int_equal(guest_set_entry(lesson.vcpu, table, 5, 0), 0);
    lesson_end(&lesson);
}

/*
 * ---- 273: entries that are not present, on a processor that looks at them nevertheless.
 */

static void refuse_absent(const struct lesson *lesson, unsigned level, uint64_t entry)
{
    mfn_t table = lesson_table(lesson->guest, level);
    unsigned slot = lesson_slot(lesson->guest, level, 5);
    uint64_t old = guest_entry(lesson->guest, table, slot);

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        assert_int_equal(lesson_update(lesson->vcpu, table, slot, entry, commands[i]), -XEN_EINVAL);
    assert_entry(lesson->guest, table, slot, old);
    if (level == 1) {
        assert_int_equal(guest_update_va_mapping(lesson->vcpu, lesson_window(lesson->guest, 5), entry, UVMF_NONE),
                         -XEN_EINVAL);
        assert_entry(lesson->guest, table, slot, old);
    }
}

/* The frames that the processor must not be shown: the guest's own, another's, the pool's, the hypervisor's. */
static void absent_in_a_live_table(const struct lesson *lesson, unsigned level)
{
    const uint64_t frames[] = {
        guest_mfn(lesson->guest, PFN(3)).v,
        guest_mfn(lesson->other, PFN(3)).v,
        lesson->sim->hypervisor_first.v,
        lesson->sim->machine.nr_frames - 1,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        refuse_absent(lesson, level, pte(MFN(frames[i]), 0));
        refuse_absent(lesson, level, pte(MFN(frames[i]), PTE_RW | PTE_US | PTE_NX));
    }
    for (uint64_t mfn = 1; mfn < LESSON_FRAMES; mfn++) /* frame 0 is nobody's */
        refuse_absent(lesson, level, pte(MFN(mfn), PTE_A));
}

static void absent_in_a_new_table(const struct lesson *lesson, unsigned level)
{
    struct guest *guest = lesson->guest;
    pfn_t table = lesson_readonly_page(guest), page = lesson_page(guest);
    uint64_t *entries = sim_frame_entries(lesson->sim, guest_mfn(guest, table));

    if (level == 1)
        entries[3] = pte(guest_mfn(guest, page), PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    entries[9] = pte(guest_mfn(guest, page), PTE_RW_PAGE & ~PTE_P);
    assert_int_equal(guest_pin(lesson->vcpu, guest_mfn(guest, table), level), -XEN_EINVAL);
    assert_true(lesson_is_sole(guest, table) && lesson_is_sole(guest, page));
    guest_page_free(guest, table);
    guest_page_free(guest, page);
}

/* Clearing the present bit of a live entry leaves its frame number where the processor finds it. */
static void absent_by_emulation(const struct lesson *lesson)
{
    const struct guest *guest = lesson->guest;
    pfn_t l1 = PFN(guest->root.v + guest->nr_tables - 1);
    struct table_write write = {
        .form = WRITE_AND,
        .vaddr = VADDR(guest_vaddr(guest, l1).v + 5 * sizeof(uint64_t)),
        .bytes = 8,
        .operand = ~PTE_P,
    };

    assert_int_equal(lesson_map(lesson->vcpu, 5, guest_mfn(guest, PFN(0)), PTE_RO_PAGE), 0);
    assert_int_equal(table_write_emulate(lesson->vcpu, &write), -XEN_EINVAL);
    assert_true(guest_entry(guest, lesson_table(guest, 1), 5) & PTE_P);
    write.operand = 0;
    assert_int_equal(table_write_emulate(lesson->vcpu, &write), 0);
}

/* Shows pte.absent-l1tf. */
static void xsa_273_absent_entries_name_no_memory(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    config.l1tf = true;
    config.nr_domains = 2;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    for (unsigned level = 1; level <= 4; level++) {
        absent_in_a_live_table(&lesson, level);
        absent_in_a_new_table(&lesson, level);
    }
    absent_by_emulation(&lesson);
    lesson_end(&lesson);
}

/* A superpage that is not present is looked at over its whole length, from an aligned address on, whatever it names. */
static void xsa_273_absent_superpages_name_no_memory(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    const struct frame_range hole = {MFN(512), MFN(520)};
    struct lesson lesson;

    (void)state;
    config.l1tf = true;
    config.holes = &hole;
    config.nr_holes = 1;
    lesson_begin(&lesson, &config);
    for (unsigned level = 2; level <= 3; level++) {
        refuse_absent(&lesson, level, pte(hole.first, PTE_PS));
        refuse_absent(&lesson, level, pte(MFN(lesson.sim->machine.nr_frames), PTE_PS));
    }
    lesson_end(&lesson);
}

/* Shows pte.absent. */
static void xsa_273_absent_entries_are_free_elsewhere(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;

        lesson_begin(&lesson, &config);
        for (unsigned level = 1; level <= root_level(lesson.guest->domain); level++) {
            mfn_t table = lesson_table(lesson.guest, level);
            unsigned slot = free_slot(&lesson, level);

            for (unsigned bit = 1; bit < 64; bit++) {
                uint64_t entry = pte(guest_mfn(lesson.guest, PFN(3)), 0) ^ UINT64_C(1) << bit;

                assert_int_equal(guest_set_entry(lesson.vcpu, table, slot, entry), 0);
                assert_true(guest_entry(lesson.guest, table, slot) == entry);
            }
            assert_int_equal(guest_set_entry(lesson.vcpu, table, slot, 0), 0);
        }
        lesson_end(&lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_148_no_superpage_by_any_path),
        LESSON(xsa_148_the_old_entry_decides_nothing),
        LESSON(xsa_167_frame_numbers_beyond_the_machine),
        LESSON(xsa_227_an_entry_is_a_table_and_an_index),
        LESSON(xsa_227_a_short_store_lands_where_it_was_aimed),
        LESSON(xsa_273_absent_entries_name_no_memory),
        LESSON(xsa_273_absent_superpages_name_no_memory),
        LESSON(xsa_273_absent_entries_are_free_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
