/* SPDX-License-Identifier: MIT */
/* Descriptor tables: audited at each use, by the rules of whoever owns them now, and never beyond their limits. */
#include <tests/lessons/lib/lesson.h>

#define DATA       UINT64_C(0x00cff3000000ffff) /* flat, writable, level 3 */
#define CODE_LONG  UINT64_C(0x00affb000000ffff) /* 64-bit code, level 3 */
#define CODE       UINT64_C(0x00cffb000000ffff) /* 32-bit code, level 3 */
#define TSS        UINT64_C(0x0000890000000067)
#define PER_PAGE   512u
#define WINDOW_LDT 16u

/*
 * ---- 214: what was found good once.
 */

/* Load the page as GDT or LDT of the first vCPU, and drop it again. */
struct table_kind {
    int64_t (*load)(const struct lesson *lesson, pfn_t pfn);
    void (*drop)(const struct lesson *lesson);
};

static int64_t load_gdt(const struct lesson *lesson, pfn_t pfn)
{
    mfn_t mfn = guest_mfn(lesson->guest, pfn);

    return guest_set_gdt(lesson->vcpu, &mfn, 1);
}

static void drop_gdt(const struct lesson *lesson)
{
    assert_int_equal(guest_set_gdt(lesson->vcpu, NULL, 0), 0);
}

static int64_t load_ldt(const struct lesson *lesson, pfn_t pfn)
{
    assert_int_equal(guest_set_ldt(lesson->vcpu, guest_vaddr(lesson->guest, pfn), 1), 0);
    return ldt_fault(lesson->vcpu, 0);
}

static void drop_ldt(const struct lesson *lesson)
{
    assert_int_equal(guest_set_ldt(lesson->vcpu, VADDR(0), 0), 0);
}

static const struct table_kind kinds[] = {{load_gdt, drop_gdt}, {load_ldt, drop_ldt}};

/* Write to a page in every way that a guest has. */
static void write_by_store(const struct lesson *lesson, pfn_t pfn, uint64_t word)
{
    assert_int_equal(guest_unprotect(lesson->vcpu, pfn), 0);
    assert_true(guest_write(lesson->vcpu, guest_vaddr(lesson->guest, pfn), &word, sizeof(word)));
    assert_int_equal(guest_protect(lesson->vcpu, pfn), 0);
}

static void write_by_update(const struct lesson *lesson, pfn_t pfn, uint64_t word)
{
    assert_int_equal(guest_set_entry(lesson->vcpu, guest_mfn(lesson->guest, pfn), 0, word), 0);
}

static void xsa_214_audited_again_at_each_use(void **state)
{
    static void (*const writes[])(const struct lesson *, pfn_t, uint64_t) = {write_by_store, write_by_update};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct sim_config config = lesson_config(i / 4 ? WIDTH_PAE : WIDTH_64, 1);
        const struct table_kind *kind = &kinds[i % 2];
        struct lesson lesson;
        pfn_t pfn;

        lesson_begin(&lesson, &config);
        pfn = lesson_readonly_page(lesson.guest);
        for (unsigned round = 0; round < 3; round++) {
            assert_int_equal(kind->load(&lesson, pfn), 0);
            kind->drop(&lesson);
            writes[i / 2 % 2](&lesson, pfn, TSS);
            assert_int_equal(kind->load(&lesson, pfn), -XEN_EINVAL);
            kind->drop(&lesson);
            writes[i / 2 % 2](&lesson, pfn, DATA);
        }
        assert_true(lesson_is_sole(lesson.guest, pfn));
        lesson_end(&lesson);
    }
}

/*
 * While it is a table nobody writes to it, and one descriptor at a time is audited as well.  Shows
 * segdesc.not-writable.
 */
static void xsa_214_not_written_while_in_use(void **state)
{
    struct sim_config config = lesson_config(WIDTH_PAE, 1);
    struct lesson lesson;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        pfn = lesson_readonly_page(lesson.guest);
        assert_int_equal(kinds[i].load(&lesson, pfn), 0);
        assert_false(lesson_can_be_written(lesson.vcpu, guest_mfn(lesson.guest, pfn)));
        assert_int_equal(guest_set_entry(lesson.vcpu, guest_mfn(lesson.guest, pfn), 0, 0), -XEN_EINVAL);
        assert_int_equal(guest_update_descriptor(lesson.vcpu, lesson_maddr(guest_mfn(lesson.guest, pfn), 0), TSS),
                         -XEN_EINVAL);
        assert_int_equal(guest_update_descriptor(lesson.vcpu, lesson_maddr(guest_mfn(lesson.guest, pfn), 0), CODE_LONG),
                         -XEN_EINVAL);
        assert_true(guest_entry(lesson.guest, guest_mfn(lesson.guest, pfn), 0) == 0);
        assert_int_equal(guest_update_descriptor(lesson.vcpu, lesson_maddr(guest_mfn(lesson.guest, pfn), 0), CODE), 0);
        kinds[i].drop(&lesson);
    }
    lesson_end(&lesson);
}

/* A frame that was a 64-bit guest's table becomes a 32-bit one's: nothing is remembered in its favour. */
static void xsa_214_a_new_owner_starts_anew(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    uint64_t mfn, extents[LESSON_FRAMES];
    struct lesson lesson;
    const struct frame *frame;
    unsigned left;
    pfn_t pfn;

    (void)state;
    config.nr_domains = 2;
    config.domains[1].width = WIDTH_PAE;
    lesson_begin(&lesson, &config);
    pfn = lesson_readonly_page(lesson.guest);
    mfn = guest_mfn(lesson.guest, pfn).v;
    write_by_store(&lesson, pfn, CODE_LONG);
    assert_int_equal(load_ldt(&lesson, pfn), 0);
    drop_ldt(&lesson);
    assert_int_equal(guest_update_va_mapping(lesson.vcpu, guest_vaddr(lesson.guest, pfn), 0, UVMF_NONE), 0);
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &mfn, 1, 0, 0), 1);
    left = (unsigned)sim_pool_count(lesson.sim);
    for (unsigned i = 0; i < left; i++)
        extents[i] = 1000 + i;
    assert_int_equal(guest_reservation(lesson.other_vcpu, XENMEM_populate_physmap, extents, left, 0, 0), left);
    frame = lesson_frame(&lesson, MFN(mfn));
    assert_int_equal(frame->owner, 1);
    assert_true(type_word_legal(frame->type) && type_of(frame->type) == TYPE_NONE);
    assert_true(guest_entry(lesson.other, MFN(mfn), 0) == 0);
    assert_int_equal(guest_set_entry(lesson.other_vcpu, MFN(mfn), 0, CODE_LONG), 0);
    assert_int_equal(guest_set_gdt(lesson.other_vcpu, &MFN(mfn), 1), -XEN_EINVAL);
    assert_int_equal(guest_set_entry(lesson.other_vcpu, MFN(mfn), 0, CODE), 0);
    assert_int_equal(guest_set_gdt(lesson.other_vcpu, &MFN(mfn), 1), 0);
    lesson_end(&lesson);
}

/*
 * ---- 298: limits.
 */

/* Pages 0 to @count - 1 of the window are mapped read-only, to be an LDT. */
static void map_ldt(const struct lesson *lesson, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mfn_t mfn = guest_mfn(lesson->guest, lesson_unmapped_page(lesson->guest));

        assert_int_equal(lesson_map(lesson->vcpu, i, mfn, PTE_RO_PAGE), 0);
    }
}

static mfn_t mapped(const struct lesson *lesson, unsigned page)
{
    return sim_peek(lesson->vcpu, lesson_window(lesson->guest, page), NULL);
}

static void xsa_298_nothing_beyond_the_limit(void **state)
{
    static const unsigned limits[] = {1, 2, 511, 512, 513, 1023, 1024, 1025, 8191, 8192};
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    map_ldt(&lesson, LDT_FRAMES + 1);
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
        assert_int_equal(guest_set_ldt(lesson.vcpu, lesson.guest->window, limits[i]), 0);
        for (unsigned page = 0; page <= LDT_FRAMES; page++) {
            bool within = page * PER_PAGE < limits[i];

            assert_int_equal(ldt_fault(lesson.vcpu, page), within ? 0 : -XEN_EINVAL);
            assert_int_equal(lesson_can_be_written(lesson.vcpu, mapped(&lesson, page)), !within);
            if (page < LDT_FRAMES)
                assert_int_equal(mfn_is_none(sim_vcpu_of(lesson.vcpu)->windows[WINDOW_LDT + page]), !within);
        }
        guest_assert_clean(lesson.sim);
    }
    assert_int_equal(guest_set_ldt(lesson.vcpu, lesson.guest->window, 8193), -XEN_EINVAL);
    lesson_end(&lesson);
}

/* The same for the GDT: its last descriptor before the hypervisor's, and the first of those. */
static void xsa_298_nor_beyond_that_of_the_gdt(void **state)
{
    static const unsigned entries[] = {7169, 7680, 7681, 8192, 65536, UINT32_MAX};
    struct sim_config config = lesson_config(WIDTH_64, 1);
    uint64_t frames[GDT_FRAMES + 2];
    struct picture before;
    struct lesson lesson;
    vaddr_t list;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest)).v;
    list = guest_put(lesson.vcpu, frames, sizeof(frames));
    before = lesson_picture(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
        assert_int_equal(guest_hypercall(lesson.vcpu, __HYPERVISOR_set_gdt, list.v, entries[i], 0, 0, 0, 0),
                         -XEN_EINVAL);
        lesson_assert_unchanged(&lesson, &before);
    }
    assert_int_equal(guest_hypercall(lesson.vcpu, __HYPERVISOR_set_gdt, list.v, 7168, 0, 0, 0, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        assert_int_equal(lesson_can_be_written(lesson.vcpu, MFN(frames[i])), i >= GDT_FRAMES);
    lesson_end(&lesson);
}

/* Without an LDT there is no page of it, not even at address 0, where a base that was never set would be. */
static void xsa_298_no_table_no_pages(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct guest_leaf leaf = {VADDR(0), 0};
    struct guest_tree tree;
    struct lesson lesson;
    pfn_t page;

    (void)state;
    lesson_begin(&lesson, &config);
    page = lesson_unmapped_page(lesson.guest);
    leaf.entry = pte(guest_mfn(lesson.guest, page), PTE_RO_PAGE);
    guest_build_tree(lesson.guest, lesson.vcpu, 4, GUEST_TREE_KERNEL, &leaf, 1, &tree);
    assert_int_equal(guest_new_baseptr(lesson.vcpu, tree.root), 0);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned n = 0; n <= LDT_FRAMES; n++)
            assert_int_equal(ldt_fault(lesson.vcpu, n), -XEN_EINVAL);
        assert_int_equal(ldt_fault(lesson.vcpu, ~0u), -XEN_EINVAL);
        assert_true(lesson_can_be_written(lesson.vcpu, guest_mfn(lesson.guest, page)));
        assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(0), 1), 0);
        assert_int_equal(ldt_fault(lesson.vcpu, 0), 0);
        assert_false(lesson_can_be_written(lesson.vcpu, guest_mfn(lesson.guest, page)));
        assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(0), 0), 0);
    }
    assert_int_equal(guest_new_baseptr(lesson.vcpu, guest_root(lesson.guest)), 0);
    lesson_tree_return(lesson.guest, &tree);
    lesson_end(&lesson);
}

/* The pages were found through the old tables: with other tables they are to be found anew. */
static void xsa_298_new_tables_new_pages(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct guest_tree tree;
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    map_ldt(&lesson, 2);
    guest_build_tree(lesson.guest, lesson.vcpu, 4, GUEST_TREE_KERNEL, NULL, 0, &tree);
    assert_int_equal(guest_set_ldt(lesson.vcpu, lesson.guest->window, 600), 0);
    assert_int_equal(ldt_fault(lesson.vcpu, 0) | ldt_fault(lesson.vcpu, 1), 0);
    assert_int_equal(guest_new_baseptr(lesson.vcpu, tree.root), 0);
    for (unsigned page = 0; page < 2; page++) {
        assert_true(mfn_is_none(sim_vcpu_of(lesson.vcpu)->windows[WINDOW_LDT + page]));
        assert_true(lesson_can_be_written(lesson.vcpu, mapped(&lesson, page)));
    }
    assert_int_equal(ldt_fault(lesson.vcpu, 1), 0);
    lesson_end(&lesson);
}

/*
 * ---- 7, 193: addresses that the processor would trip over later, refused when they are registered.
 */

static const uint64_t not_addresses[] = {
    0x0000800000000000,    0xffff7fffffffffff,         UINT64_C(1) << 63,       0x8000000000001000,
    HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 4096, HYPERVISOR_VIRT_END - 1,
};

static void xsa_193_an_ldt_that_is_nowhere(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct picture before;
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    map_ldt(&lesson, 1);
    assert_int_equal(guest_set_ldt(lesson.vcpu, lesson.guest->window, 8), 0);
    assert_int_equal(ldt_fault(lesson.vcpu, 0), 0);
    before = lesson_picture(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(not_addresses); i++) {
        assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(not_addresses[i]), 8), -XEN_EINVAL);
        assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(not_addresses[i] & ~UINT64_C(0xfff)), 8192), -XEN_EINVAL);
    }
    /* One that begins well and runs into the hole, or that is not at the start of a page. */
    assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(0x00007ffffffff000), 513), -XEN_EINVAL);
    assert_int_equal(guest_set_ldt(lesson.vcpu, VADDR(lesson.guest->window.v + 8), 8), -XEN_EINVAL);
    lesson_assert_unchanged(&lesson, &before);
    lesson_end(&lesson);
}

static void xsa_7_a_handler_that_is_nowhere(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(not_addresses); i++) {
        const struct trap_info traps[] = {
            {.vector = 3, .flags = 0, .cs = 0, .address = 0x1000},
            {.vector = 14, .flags = 0, .cs = 0, .address = not_addresses[i]},
            {.vector = 15, .flags = 0, .cs = 0, .address = 0x3000},
        };

        assert_int_equal(guest_set_trap_table(lesson.vcpu, traps, ARRAY_SIZE(traps)), -XEN_EINVAL);
        assert_true(lesson.vcpu->traps[3].address == 0x1000 && lesson.vcpu->traps[14].address == 0 &&
                    lesson.vcpu->traps[15].address == 0);
        assert_int_equal(lesson.vcpu->traps[3].cs & 3, 3); /* and never in ring 0 */
    }
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_7_a_handler_that_is_nowhere),    LESSON(xsa_193_an_ldt_that_is_nowhere),
        LESSON(xsa_214_audited_again_at_each_use),  LESSON(xsa_214_not_written_while_in_use),
        LESSON(xsa_214_a_new_owner_starts_anew),    LESSON(xsa_298_nothing_beyond_the_limit),
        LESSON(xsa_298_nor_beyond_that_of_the_gdt), LESSON(xsa_298_no_table_no_pages),
        LESSON(xsa_298_new_tables_new_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
