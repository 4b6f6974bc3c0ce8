/* SPDX-License-Identifier: MIT */
/* Tables that are swapped, or become something else, behind the back of whoever remembers the way through them. */
#include <tests/lessons/lib/lesson.h>

#define WINDOW 20u
#define SLOT   200u /* of the live L2 and L3 */

/*
 * Two subtrees of one shape; after the swap an update by virtual address must find the new one: also where the update
 * before it found the old L1 table, which is as good a table as before, because it is pinned.
 */
static void swap_tables(enum width width, unsigned level)
{
    struct sim_config config = lesson_config(width, 2);
    struct lesson lesson;
    struct guest_tree trees[2];
    vaddr_t vaddr = VADDR(0x40201000);
    struct guest_leaf leaf = {vaddr, 0};
    struct multicall_entry calls[3];
    struct mmu_update request;
    mfn_t table, l1[2];
    unsigned slot = (vaddr.v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE, done;
    uint64_t word;
    pfn_t page;

    lesson_begin(&lesson, &config);
    page = lesson_page(lesson.guest);
    for (unsigned i = 0; i < 2; i++) {
        leaf.entry = pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE);
        guest_build_tree(lesson.guest, lesson.vcpu, root_level(lesson.guest->domain), GUEST_TREE_KERNEL, &leaf, 1,
                         &trees[i]);
        assert_true(guest_find_entry(lesson.guest, trees[i].root, vaddr, 1, &l1[i], &done));
    }
    assert_int_equal(guest_new_baseptr(lesson.vcpu, trees[0].root), 0);
    assert_int_equal(guest_new_baseptr(lesson.second, trees[0].root), 0);
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, trees[1].level), 0);
    assert_int_equal(guest_pin(lesson.vcpu, l1[0], 1), 0);
    assert_true(guest_read(lesson.vcpu, vaddr, &word, 8) && guest_read(lesson.second, vaddr, &word, 8));
    assert_true(guest_find_entry(lesson.guest, trees[0].root, vaddr, level, &table, &done));
    request = (struct mmu_update){lesson_maddr(table, slot), 0};
    assert_true(guest_find_entry(lesson.guest, trees[1].root, vaddr, level, &table, &done));
    request.val = guest_entry(lesson.guest, table, slot);
    calls[0] = guest_call_update_va_mapping(lesson.vcpu, vaddr, leaf.entry, 0);
    calls[1] = (struct multicall_entry){
        .op = __HYPERVISOR_mmu_update,
        .args = {guest_put(lesson.vcpu, &request, sizeof(request)).v, 1, 0, DOMID_SELF},
    };
    calls[2] = guest_call_update_va_mapping(lesson.vcpu, vaddr, pte(guest_mfn(lesson.guest, page), PTE_RW_PAGE), 0);
    assert_int_equal(guest_multicall(lesson.vcpu, calls, 3), 0);
    assert_true(calls[0].result == 0 && calls[1].result == 0 && calls[2].result == 0);
    assert_true(mfn_equal(pte_mfn(guest_entry(lesson.guest, l1[1], 1)), guest_mfn(lesson.guest, page)));
    assert_true(mfn_equal(pte_mfn(guest_entry(lesson.guest, l1[0], 1)), guest_mfn(lesson.guest, PFN(0))));
    guest_assert_clean(lesson.sim);
    lesson_end(&lesson);
}

static void xsa_286_an_update_finds_the_table_of_now(void **state)
{
    (void)state;
    for (unsigned level = 2; level <= 4; level++)
        swap_tables(WIDTH_64, level);
    swap_tables(WIDTH_PAE, 2);
    swap_tables(WIDTH_PAE, 3);
}

/* The same for a store that is carried out for the guest: it goes where memory says now. */
static void xsa_286_an_emulated_store_finds_the_table_of_now(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct table_write write = {.form = WRITE_MOV, .bytes = 8};
    mfn_t tables[2];
    uint64_t word;

    (void)state;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    write.vaddr = lesson_window(lesson.guest, WINDOW);
    write.operand = pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE);
    for (unsigned i = 0; i < 2; i++) {
        tables[i] = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
        assert_int_equal(guest_pin(lesson.vcpu, tables[i], 1), 0);
    }
    assert_int_equal(lesson_map(lesson.vcpu, WINDOW, tables[0], PTE_RO_PAGE), 0);
    assert_true(guest_read(lesson.vcpu, write.vaddr, &word, sizeof(word)));
    assert_int_equal(lesson_map(lesson.vcpu, WINDOW, tables[1], PTE_RO_PAGE), 0);
    assert_int_equal(table_write_emulate(lesson.vcpu, &write), 0);
    assert_true(guest_entry(lesson.guest, tables[0], 0) == 0);
    assert_true(guest_entry(lesson.guest, tables[1], 0) & PTE_P);
    lesson_end(&lesson);
}

/*
 * A list that takes a table out of the tree and makes something else of it at once, before the flush at the end of the
 * list: the other processor still walks through it.
 */
static void check_rule(struct sim *sim)
{
    struct sim_finding finding;

    if (!sim_check_tlb_rule(sim, &finding))
        sim_fail("rule: %s", finding.rule);
}

static void check_before_flush(struct sim *sim, cpumask_t cpus)
{
    (void)cpus;
    check_rule(sim);
}

static void xsa_286_a_list_that_makes_memory_of_a_table(void **state)
{
    (void)state;
    for (unsigned plain = 0; plain < 2; plain++) {
        struct sim_config config = lesson_config(WIDTH_64, 2);
        struct mmu_update requests[2];
        struct lesson lesson;
        vaddr_t vaddr;
        uint64_t word;
        mfn_t l1;

        lesson_begin(&lesson, &config);
        l1 = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
        sim_frame_entries(lesson.sim, l1)[0] = pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE | PTE_US | PTE_KERNEL);
        requests[0] = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 2), SLOT), pte(l1, PTE_TABLE)};
        assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 1, NULL, DOMID_SELF), 0);
        vaddr = VADDR(lesson.guest->base.v + ((uint64_t)SLOT << 21));
        assert_true(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        requests[0].val = 0;
        requests[1] = plain ? (struct mmu_update){lesson_maddr(l1, 0), pte(guest_root(lesson.guest), PTE_RW_PAGE)}
                            : (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 1), 0), pte(l1, PTE_RW_PAGE)};
        lesson.sim->on_flush = check_before_flush;
        assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 2, NULL, DOMID_SELF), 0);
        lesson.sim->on_flush = NULL;
        guest_assert_clean(lesson.sim);
        assert_false(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        lesson_end(&lesson);
    }
}

/* The same where it becomes a table of another level: the rule is checked while that is under way. */
static void xsa_286_a_list_that_moves_a_table_up(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct mmu_update requests[2];
    struct lesson lesson;
    vaddr_t vaddr;
    uint64_t word;
    mfn_t table;

    (void)state;
    lesson_begin(&lesson, &config);
    table = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
    requests[0] = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 2), SLOT), pte(table, PTE_TABLE)};
    assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 1, NULL, DOMID_SELF), 0);
    vaddr = VADDR(lesson.guest->base.v + ((uint64_t)SLOT << 21));
    assert_false(guest_read(lesson.second, vaddr, &word, sizeof(word)));
    assert_int_equal(guest_set_entry(lesson.vcpu, table, 0, pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE)), 0);
    assert_true(guest_read(lesson.second, vaddr, &word, sizeof(word)));
    assert_int_equal(guest_set_entry(lesson.vcpu, table, 0, 0), 0);
    requests[0].val = 0;
    requests[1] = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 3), SLOT), pte(table, PTE_TABLE)};
    lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
    lesson.sim->on_preempt = check_rule;
    assert_int_equal(guest_mmu_update(lesson.vcpu, requests, 2, NULL, DOMID_SELF), 0);
    lesson.sim->on_preempt = NULL;
    lesson.sim->preemption = SIM_PREEMPT_NEVER;
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_286_an_update_finds_the_table_of_now),
        LESSON(xsa_286_an_emulated_store_finds_the_table_of_now),
        LESSON(xsa_286_a_list_that_makes_memory_of_a_table),
        LESSON(xsa_286_a_list_that_moves_a_table_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
