/* SPDX-License-Identifier: MIT */
/*
 * Ways out: each error of each call that names a frame, over and over, after which the frame must be as free as before.
 * And each such call with frame numbers that mean nothing.
 */
#include <abi/mmuext.h>
#include <tests/lessons/lib/lesson.h>

#define ROUNDS 4u

/* A way to fail.  @page is a page of zeroes that nothing but its own allocation holds, and that is mapped nowhere. */
struct branch {
    int64_t (*run)(const struct lesson *lesson, mfn_t page);
    int expected;
};

/*
 * ---- Entries and the M2P.
 */

static int64_t m2p_of_another(const struct lesson *lesson, mfn_t page)
{
    const struct mmu_update request = {lesson_maddr(guest_mfn(lesson->other, PFN(5)), 0) | MMU_MACHPHYS_UPDATE, 0};

    (void)page;
    return guest_mmu_update(lesson->vcpu, &request, 1, NULL, DOMID_SELF);
}

static int64_t m2p_for_another(const struct lesson *lesson, mfn_t page)
{
    const struct mmu_update request = {lesson_maddr(page, 0) | MMU_MACHPHYS_UPDATE, 0};

    return guest_mmu_update(lesson->vcpu, &request, 1, NULL, 2u << 16 | DOMID_SELF);
}

static int64_t map_uncached(const struct lesson *lesson, mfn_t page)
{
    return lesson_map(lesson->vcpu, 1, page, PTE_RW_PAGE | PTE_PCD);
}

static int64_t map_for_another(const struct lesson *lesson, mfn_t page)
{
    return lesson_map(lesson->other_vcpu, 1, page, PTE_RO_PAGE);
}

static int64_t map_with_bad_flush(const struct lesson *lesson, mfn_t page)
{
    vaddr_t vaddr = lesson_window(lesson->guest, 1);
    uint64_t nowhere = lesson_window(lesson->guest, 2).v;
    int64_t result =
        guest_update_va_mapping(lesson->vcpu, vaddr, pte(page, PTE_RW_PAGE), UVMF_INVLPG | UVMF_MULTI | nowhere);

    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    return result;
}

static int64_t map_a_table_writable(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 2), 0);
    result = lesson_map(lesson->vcpu, 1, page, PTE_RW_PAGE);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t emulate_a_bad_entry(const struct lesson *lesson, mfn_t page)
{
    const struct guest *guest = lesson->guest;
    struct table_write write = {
        .form = WRITE_MOV,
        .vaddr = guest_vaddr(guest, PFN(guest->root.v + guest->nr_tables - 1)),
        .bytes = 8,
        .operand = pte(page, PTE_RW_PAGE),
    };
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 1), 0);
    result = table_write_emulate(lesson->vcpu, &write);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t link_with_bad_flags(const struct lesson *lesson, mfn_t page)
{
    return guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 2), 100, pte(page, PTE_TABLE | PTE_G));
}

static int64_t link_in_a_hypervisor_slot(const struct lesson *lesson, mfn_t page)
{
    return guest_set_entry(lesson->vcpu, guest_root(lesson->guest), HYPERVISOR_L4_SLOT, pte(page, PTE_TABLE));
}

static int64_t link_what_is_written(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(lesson_map(lesson->vcpu, 1, page, PTE_RW_PAGE), 0);
    result = guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 2), 100, pte(page, PTE_TABLE));
    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    return result;
}

static int64_t link_with_a_bad_entry_inside(const struct lesson *lesson, mfn_t page)
{
    uint64_t *entries = sim_frame_entries(lesson->sim, page);
    int64_t result;

    entries[0] = pte(guest_mfn(lesson->guest, PFN(0)), PTE_RO_PAGE | PTE_US | PTE_KERNEL);
    entries[511] = pte(guest_root(lesson->guest), PTE_RW_PAGE);
    result = guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 2), 100, pte(page, PTE_TABLE));
    entries[0] = entries[511] = 0;
    return result;
}

/*
 * ---- Pins and roots.
 */

static int64_t pin_what_is_written(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(lesson_map(lesson->vcpu, 1, page, PTE_RW_PAGE), 0);
    result = guest_pin(lesson->vcpu, page, 1);
    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    return result;
}

static int64_t pin_twice(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 3), 0);
    result = guest_pin(lesson->vcpu, page, 3);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t pin_as_two_levels(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 3), 0);
    result = guest_pin(lesson->vcpu, page, 2);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t pin_for_another(const struct lesson *lesson, mfn_t page)
{
    return guest_pin(lesson->other_vcpu, page, 1);
}

static int64_t unpin_what_is_not(const struct lesson *lesson, mfn_t page)
{
    return guest_unpin(lesson->vcpu, page);
}

static int64_t load_a_lower_table(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 3), 0);
    result = guest_new_baseptr(lesson->vcpu, page);
    assert_int_equal(guest_new_user_baseptr(lesson->vcpu, page), result);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t load_for_another(const struct lesson *lesson, mfn_t page)
{
    return guest_new_user_baseptr(lesson->other_vcpu, page);
}

/*
 * ---- Pages and descriptors.
 */

static int64_t copy_to_a_table(const struct lesson *lesson, mfn_t page)
{
    const struct mmuext_op op = {
        .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = guest_root(lesson->guest).v, .arg2.src_mfn = page.v};

    return guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF);
}

static int64_t copy_from_another(const struct lesson *lesson, mfn_t page)
{
    const struct mmuext_op op = {
        .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = page.v, .arg2.src_mfn = guest_mfn(lesson->other, PFN(5)).v};

    return guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF);
}

static int64_t clear_a_table(const struct lesson *lesson, mfn_t page)
{
    const struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = page.v};
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 1), 0);
    result = guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t gdt_with_a_table(const struct lesson *lesson, mfn_t page)
{
    const mfn_t frames[] = {page, page, guest_root(lesson->guest)};

    return guest_set_gdt(lesson->vcpu, frames, 3 * 512);
}

static int64_t gdt_with_a_bad_descriptor(const struct lesson *lesson, mfn_t page)
{
    uint64_t *last = &sim_frame_entries(lesson->sim, page)[511];
    int64_t result;

    *last = UINT64_C(0x0000890000000067); /* a TSS */
    result = guest_set_gdt(lesson->vcpu, &page, 1);
    *last = 0;
    return result;
}

static int64_t descriptor_in_a_table(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(guest_pin(lesson->vcpu, page, 4), 0);
    result = guest_update_descriptor(lesson->vcpu, lesson_maddr(page, 0), 0);
    assert_int_equal(guest_unpin(lesson->vcpu, page), 0);
    return result;
}

static int64_t ldt_in_what_is_written(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(lesson_map(lesson->vcpu, 1, page, PTE_RW_PAGE), 0);
    assert_int_equal(guest_set_ldt(lesson->vcpu, lesson_window(lesson->guest, 1), 8), 0);
    result = ldt_fault(lesson->vcpu, 0);
    assert_int_equal(guest_set_ldt(lesson->vcpu, VADDR(0), 0), 0);
    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    return result;
}

/*
 * ---- Memory.
 */

static int64_t exchange(const struct lesson *lesson, mfn_t page)
{
    uint64_t in = page.v, out = 7;

    return guest_exchange(lesson->vcpu, &in, 1, 0, &out, 1, 0, 0, NULL);
}

static int64_t exchange_what_is_mapped(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    assert_int_equal(lesson_map(lesson->vcpu, 1, page, PTE_RO_PAGE), 0);
    result = exchange(lesson, page);
    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    return result;
}

static int64_t exchange_without_memory(const struct lesson *lesson, mfn_t page)
{
    int64_t result;

    lesson->sim->pool_fail_after = 0;
    result = exchange(lesson, page);
    lesson->sim->pool_fail_after = UINT64_MAX;
    return result;
}

static int64_t exchange_the_same_twice(const struct lesson *lesson, mfn_t page)
{
    uint64_t in[2] = {page.v, page.v}, out = 7;

    return guest_exchange(lesson->vcpu, in, 2, 0, &out, 1, 1, 0, NULL);
}

static int64_t release_for_another(const struct lesson *lesson, mfn_t page)
{
    return guest_reservation(lesson->other_vcpu, XENMEM_decrease_reservation, &page.v, 1, 0, 0);
}

static const struct branch branches[] = {
    {m2p_of_another, -XEN_EINVAL},
    {m2p_for_another, -XEN_EPERM},
    {map_uncached, -XEN_EINVAL},
    {map_for_another, -XEN_EBUSY},
    {map_with_bad_flush, -XEN_EFAULT},
    {map_a_table_writable, -XEN_EBUSY},
    {emulate_a_bad_entry, -XEN_EBUSY},
    {link_with_bad_flags, -XEN_EINVAL},
    {link_in_a_hypervisor_slot, -XEN_EINVAL},
    {link_what_is_written, -XEN_EINVAL},
    {link_with_a_bad_entry_inside, -XEN_EBUSY},
    {pin_what_is_written, -XEN_EINVAL},
    {pin_twice, -XEN_EINVAL},
    {pin_as_two_levels, -XEN_EINVAL},
    {pin_for_another, -XEN_EINVAL},
    {unpin_what_is_not, -XEN_EINVAL},
    {load_a_lower_table, -XEN_EINVAL},
    {load_for_another, -XEN_EINVAL},
    {copy_to_a_table, -XEN_EINVAL},
    {copy_from_another, -XEN_EINVAL},
    {clear_a_table, -XEN_EINVAL},
    {gdt_with_a_table, -XEN_EINVAL},
    {gdt_with_a_bad_descriptor, -XEN_EINVAL},
    {descriptor_in_a_table, -XEN_EINVAL},
    {ldt_in_what_is_written, -XEN_EINVAL},
    {exchange_what_is_mapped, -XEN_EINVAL},
    {exchange_without_memory, -XEN_ENOMEM},
    {exchange_the_same_twice, -XEN_EINVAL},
    {release_for_another, 0},
};

static void xsa_113_every_way_to_fail_leaves_no_reference(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    config.nr_domains = 2;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(branches); i++) {
        pfn_t pfn = lesson_unmapped_page(lesson.guest);
        mfn_t page = guest_mfn(lesson.guest, pfn);

        for (unsigned round = 0; round < ROUNDS; round++)
            assert_int_equal(branches[i].run(&lesson, page), branches[i].expected);
        assert_true(lesson_can_be_table(lesson.vcpu, page));
        assert_true(lesson_can_be_written(lesson.vcpu, page));
        assert_true(lesson_is_sole(lesson.guest, pfn));
        guest_page_free(lesson.guest, pfn);
    }
    lesson_end(&lesson);
}

/*
 * An emulated store that is tried again, because another processor marked the entry as accessed in between.  That one
 * remembers the way to the table, which has this entry alone.
 */
static void store_again_and_again(struct lesson *lesson, pfn_t pfn)
{
    const struct guest *guest = lesson->guest;
    struct table_write write = {.form = WRITE_MOV, .bytes = 8};
    uint64_t word;

    write.vaddr = guest_vaddr(guest, PFN(guest->root.v + guest->nr_tables - 1));
    write.operand = pte(guest_mfn(guest, PFN(0)), PTE_P);
    assert_int_equal(table_write_emulate(lesson->vcpu, &write), 0);
    assert_true(guest_read(lesson->second, guest->window, &word, sizeof(word)));
    lesson->sim->speculate_per_256 = 255;
    for (unsigned i = 0; i < 50; i++) {
        write.operand = pte(guest_mfn(guest, i % 3 ? pfn : PFN(0)), i % 2 ? PTE_P : PTE_P | PTE_RW);
        assert_int_equal(table_write_emulate(lesson->vcpu, &write), 0);
    }
    write.operand = 0;
    assert_int_equal(table_write_emulate(lesson->vcpu, &write), 0);
    lesson->sim->speculate_per_256 = 0;
}

static void xsa_113_a_store_that_is_tried_again(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);

    (void)state;
    config.domains[0].writable_tables = true;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct lesson lesson;
        pfn_t pfn;

        config.seed = seed;
        lesson_begin(&lesson, &config);
        pfn = lesson_unmapped_page(lesson.guest);
        store_again_and_again(&lesson, pfn);
        guest_assert_clean(lesson.sim);
        assert_true(lesson_is_sole(lesson.guest, pfn));
        lesson_end(&lesson);
    }
}

/*
 * ---- 32: frame numbers that mean nothing.
 */

#define NUMBERS 9u

static void try_number(const struct lesson *lesson, uint64_t mfn)
{
    const uint64_t entry = (mfn << PAGE_SHIFT & PTE_FRAME) | PTE_RO_PAGE;
    const struct mmu_update requests[] = {
        {mfn << PAGE_SHIFT, 0},
        {mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0},
        {lesson_maddr(lesson_table(lesson->guest, 1), 3), entry},
        {lesson_maddr(lesson_table(lesson->guest, 1), 3), entry | PTE_RW},
        {lesson_maddr(lesson_table(lesson->guest, 2), 100), entry},
        {lesson_maddr(lesson_table(lesson->guest, 3), 1), entry},
        {lesson_maddr(guest_root(lesson->guest), 2), entry},
    };
    mfn_t frame = MFN(mfn);
    uint64_t in = mfn, out = 5;

    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
        assert_true(guest_mmu_update(lesson->vcpu, &requests[i], 1, NULL, DOMID_SELF) < 0);
    assert_true(lesson_map(lesson->vcpu, 1, MFN(mfn & PTE_FRAME >> PAGE_SHIFT), PTE_RO_PAGE) < 0);
    assert_int_equal(guest_set_gdt(lesson->vcpu, &frame, 1), -XEN_EINVAL);
    assert_int_equal(guest_update_descriptor(lesson->vcpu, mfn << PAGE_SHIFT, 0), -XEN_EINVAL);
    assert_int_equal(guest_exchange(lesson->vcpu, &in, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(guest_exchange(lesson->vcpu, &in, 1, 1, (uint64_t[]){5, 6}, 2, 0, 0, NULL), -XEN_EINVAL);
    for (unsigned order = 0; order <= 9; order++)
        assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, &in, 1, order, 0), 0);
}

static void xsa_32_frame_numbers_in_every_call(void **state)
{
    const struct frame_range hole = {MFN(600), MFN(640)};
    const enum width widths[] = {WIDTH_64, WIDTH_PAE};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct sim_config config = lesson_config(widths[i], 1);
        struct lesson lesson;
        struct picture before;

        config.holes = &hole;
        config.nr_holes = 1;
        lesson_begin(&lesson, &config);
        before = lesson_picture(&lesson);
        const uint64_t numbers[NUMBERS] = {
            hole.first.v,
            hole.last.v,
            lesson.sim->hypervisor_first.v,
            lesson.sim->machine.nr_frames - 1,
            lesson.sim->machine.nr_frames,
            lesson.sim->machine.nr_frames + 1,
            UINT64_C(1) << 31,
            widths[i] == WIDTH_64 ? UINT64_C(1) << 39 : UINT32_MAX - 1,
            widths[i] == WIDTH_64 ? (UINT64_C(1) << 52) - 1 : UINT32_MAX,
        };
        for (unsigned n = 0; n < NUMBERS; n++)
            try_number(&lesson, numbers[n]);
        lesson_assert_unchanged(&lesson, &before);
        lesson_end(&lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_32_frame_numbers_in_every_call),
        LESSON(xsa_113_every_way_to_fail_leaves_no_reference),
        LESSON(xsa_113_a_store_that_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
