/* SPDX-License-Identifier: MIT */
/* Which processors are flushed and when: the clock, changes of roots, odd addresses. */
#include <abi/mmuext.h>
#include <engine/tlb.h>
#include <tests/lessons/lib/lesson.h>

#define WINDOW 20u

/*
 * ---- 241: the clock over flushes.
 */

/* Let the clock stand at @now, as if all that happened so far had happened at that moment. */
static void set_clock(struct sim *sim, uint64_t now)
{
    sim->machine.tlb.now = now + 1;
    for (unsigned cpu = 0; cpu < sim->nr_cpus; cpu++)
        sim->machine.tlb.flushed[cpu] = now;
    for (uint64_t mfn = 0; mfn < sim->machine.nr_frames; mfn++)
        sim->machine.frames[mfn].epoch = (uint32_t)now;
}

/* The page becomes a table with the write of another processor still possible, as far as that one knows. */
static void become_table(const struct lesson *lesson, pfn_t pfn)
{
    vaddr_t vaddr = lesson_window(lesson->guest, WINDOW);
    mfn_t mfn = guest_mfn(lesson->guest, pfn);
    uint64_t word = 0;

    assert_int_equal(lesson_map(lesson->vcpu, WINDOW, mfn, PTE_RW_PAGE), 0);
    assert_true(guest_write(lesson->second, vaddr, &word, sizeof(word)));
    assert_int_equal(lesson_unmap(lesson->vcpu, WINDOW), 0);
    assert_int_equal(guest_pin(lesson->vcpu, mfn, 1), 0);
    guest_assert_clean(lesson->sim);
    assert_false(guest_write(lesson->second, vaddr, &word, sizeof(word)));
    assert_int_equal(guest_unpin(lesson->vcpu, mfn), 0);
}

static void xsa_241_stamps_go_round(void **state)
{
    static const uint64_t moments[] = {0x7ffffff8, 0xfffffff8, 0x17ffffff8, 0x5fffffff8};
    struct sim_config config = lesson_config(WIDTH_64, 2);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(moments); i++) {
        struct lesson lesson;
        pfn_t pfn;

        lesson_begin(&lesson, &config);
        pfn = lesson_readonly_page(lesson.guest);
        set_clock(lesson.sim, moments[i]);
        for (unsigned n = 0; n < 20; n++)
            become_table(&lesson, pfn);
        assert_true(lesson.sim->machine.tlb.now - moments[i] >= 20);
        lesson_end(&lesson);
    }
}

#define SIXTEENTH (UINT64_C(1) << 28) /* of a stamp's range */

/* A sixteenth of a stamp's range passes in ends of uses, and the first processor alone is flushed meanwhile. */
static void let_time_pass(const struct lesson *lesson)
{
    const struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    struct tlb *tlb = &lesson->sim->machine.tlb;

    tlb->now += SIXTEENTH;
    tlb->flushed[lesson->vcpu->cpu] = tlb->now;
    assert_int_equal(guest_mmuext(lesson->vcpu, &flush, 1, NULL, DOMID_SELF), 0);
}

/*
 * One processor has not been flushed for so long that its last flush seems to lie ahead.  The page is a fresh one each
 * time, since a change of its type would flush.
 */
static void long_since_a_flush(unsigned sixteenths)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    const uint64_t second_only = 2;
    struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_MULTI};
    struct lesson lesson;
    pfn_t pages[3];

    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        pages[i] = lesson_readonly_page(lesson.guest);
    for (unsigned i = 0; i < 3; i++)
        let_time_pass(&lesson);
    flush.arg2.vcpumask = guest_put(lesson.vcpu, &second_only, sizeof(second_only)).v;
    assert_int_equal(guest_mmuext(lesson.vcpu, &flush, 1, NULL, DOMID_SELF), 0);
    for (unsigned i = 0; i < sixteenths; i++)
        let_time_pass(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        become_table(&lesson, pages[i]);
    lesson_end(&lesson);
}

static void xsa_241_a_processor_that_is_never_flushed(void **state)
{
    (void)state;
    for (unsigned sixteenths = 1; sixteenths <= 34; sixteenths++)
        long_since_a_flush(sixteenths);
}

/*
 * A page of the user was written in user mode, and its mapping has gone since.  Translations of global pages outlast a
 * change of modes, so none of those that follow is a flush that would spare one.
 */
static void xsa_241_a_change_of_modes_is_no_flush(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);

    (void)state;
    for (unsigned changes = 1; changes < 8; changes++) {
        struct lesson lesson;
        uint64_t word = 0;
        vaddr_t vaddr;
        mfn_t mfn;

        lesson_begin(&lesson, &config);
        vaddr = lesson_window(lesson.guest, WINDOW);
        mfn = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
        assert_int_equal(guest_new_user_baseptr(lesson.vcpu, guest_root(lesson.guest)), 0);
        assert_int_equal(lesson_map(lesson.vcpu, WINDOW, mfn, PTE_RW_PAGE | PTE_US), 0);
        assert_int_equal(vcpu_enter_user(lesson.vcpu), 0);
        assert_true(guest_write(lesson.vcpu, vaddr, &word, sizeof(word)));
        vcpu_enter_kernel(lesson.vcpu);
        assert_int_equal(lesson_unmap(lesson.vcpu, WINDOW), 0);
        for (unsigned i = 1; i < changes; i++) {
            assert_int_equal(vcpu_enter_user(lesson.vcpu), 0);
            vcpu_enter_kernel(lesson.vcpu);
        }
        assert_true(guest_write(lesson.vcpu, vaddr, &word, sizeof(word)));
        assert_int_equal(guest_pin(lesson.vcpu, mfn, 1), 0);
        guest_assert_clean(lesson.sim);
        assert_false(guest_write(lesson.vcpu, vaddr, &word, sizeof(word)));
        assert_int_equal(guest_unpin(lesson.vcpu, mfn), 0);
        lesson_end(&lesson);
    }
}

/* The use ends between the moment when a flush begins to count and the moment when it is entered as done. */
static void xsa_241_a_use_that_ends_during_a_flush(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    uint64_t word = 0;
    uint64_t began;
    vaddr_t vaddr;
    mfn_t mfn;

    (void)state;
    lesson_begin(&lesson, &config);
    mfn = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
    vaddr = lesson_window(lesson.guest, WINDOW);
    assert_int_equal(lesson_map(lesson.vcpu, WINDOW, mfn, PTE_RW_PAGE), 0);
    began = tlb_flush_begin(&lesson.sim->machine);
    port_tlb_flush(lesson.sim->machine.tlb.cpus);
    assert_true(guest_write(lesson.second, vaddr, &word, sizeof(word)));
    assert_int_equal(lesson_unmap(lesson.vcpu, WINDOW), 0);
    tlb_flush_end(&lesson.sim->machine, lesson.sim->machine.tlb.cpus, began);
    assert_int_equal(guest_pin(lesson.vcpu, mfn, 1), 0);
    guest_assert_clean(lesson.sim);
    assert_false(guest_write(lesson.second, vaddr, &word, sizeof(word)));
    lesson_end(&lesson);
}

/*
 * ---- 292: nothing of the old root is left after a change of roots, of global pages neither.
 */

static void xsa_292_a_change_of_roots_forgets_the_old_one(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct guest_leaf leaf = {VADDR(0x40201000), 0};

    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct guest_tree tree;
        struct lesson lesson;
        uint64_t word = 0;
        pfn_t page;

        config.seed = seed;
        lesson_begin(&lesson, &config);
        page = lesson_readonly_page(lesson.guest);
        leaf.entry = pte(guest_mfn(lesson.guest, page), seed % 2 ? PTE_RW_PAGE : PTE_RW_PAGE | PTE_US);
        guest_build_tree(lesson.guest, lesson.vcpu, 4, GUEST_TREE_KERNEL, &leaf, 1, &tree);
        assert_int_equal(guest_new_baseptr(lesson.vcpu, tree.root), 0);
        lesson.sim->speculate_per_256 = 128;
        assert_true(guest_write(lesson.vcpu, leaf.vaddr, &word, sizeof(word)));
        assert_int_equal(guest_new_baseptr(lesson.vcpu, guest_root(lesson.guest)), 0);
        assert_false(guest_read(lesson.vcpu, leaf.vaddr, &word, sizeof(word)));
        assert_int_equal(guest_pin(lesson.vcpu, guest_mfn(lesson.guest, page), 1), 0);
        guest_assert_clean(lesson.sim);
        assert_int_equal(guest_unpin(lesson.vcpu, guest_mfn(lesson.guest, page)), 0);
        lesson.sim->speculate_per_256 = 0;
        lesson_tree_return(lesson.guest, &tree);
        lesson_end(&lesson);
    }
}

/*
 * ---- 279: flushes of addresses that are none, and after updates that were not made.
 */

static uint64_t page_flushes(const struct sim *sim)
{
    return sim->cpus[0].page_flushes + sim->cpus[1].page_flushes;
}

static void try_address(const struct lesson *lesson, uint64_t address)
{
    static const unsigned commands[] = {MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_MULTI, MMUEXT_INVLPG_ALL};
    static const uint64_t where[] = {UVMF_LOCAL, UVMF_ALL};
    const uint64_t everybody = 3;
    uint64_t mask = guest_put(lesson->vcpu, &everybody, sizeof(everybody)).v, before = page_flushes(lesson->sim);

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct mmuext_op op = {.cmd = commands[i], .arg1.linear_addr = address, .arg2.vcpumask = mask};

        assert_int_equal(guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF), 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(where); i++)
        assert_int_equal(guest_update_va_mapping(lesson->vcpu, VADDR(address), 0, UVMF_INVLPG | where[i]), -XEN_EINVAL);
    assert_int_equal(guest_update_va_mapping(lesson->vcpu, VADDR(address), 0, UVMF_INVLPG | mask), -XEN_EINVAL);
    assert_true(page_flushes(lesson->sim) == before);
    guest_scratch_reset(lesson->vcpu);
}

static void xsa_279_addresses_that_are_none(void **state)
{
    static const uint64_t wide[] = {UINT64_C(1) << 63,  UINT64_C(1) << 47,        0x00008000deadb000,
                                    0xffff7ffffffff000, HYPERVISOR_VIRT_START,    HYPERVISOR_VIRT_END - 1,
                                    0xffff830000000000, MACH2PHYS_VIRT_START + 8, UINT64_C(0x8000000000000fff)};
    static const uint64_t narrow[] = {COMPAT_HYPERVISOR_VIRT_START, 0xfffff000, 0xffffffff, 0xffe00000};
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    uint64_t before;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
        try_address(&lesson, wide[i]);
    /* Nor is there a flush where the update itself was refused. */
    before = page_flushes(lesson.sim);
    assert_int_equal(guest_update_va_mapping(lesson.vcpu, lesson_window(lesson.guest, 1),
                                             pte(guest_root(lesson.guest), PTE_RW_PAGE), UVMF_INVLPG | UVMF_ALL),
                     -XEN_EBUSY);
    assert_true(page_flushes(lesson.sim) == before);
    lesson_end(&lesson);
    config = lesson_config(WIDTH_PAE, 2);
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < ARRAY_SIZE(narrow); i++)
        try_address(&lesson, narrow[i]);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_241_stamps_go_round),
        LESSON(xsa_241_a_processor_that_is_never_flushed),
        LESSON(xsa_241_a_change_of_modes_is_no_flush),
        LESSON(xsa_241_a_use_that_ends_during_a_flush),
        LESSON(xsa_279_addresses_that_are_none),
        LESSON(xsa_292_a_change_of_roots_forgets_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
