/* SPDX-License-Identifier: MIT */
/* Linear tables: what may refer to what, what that holds, and that nothing of it is left. */
#include <stdlib.h>

#include <engine/access.h>
#include <engine/audit.h>
#include <engine/linear.h>
#include <engine/walk.h>

#include <tests/unit/lib/unit.h>

#define LINK  (PTE_P | PTE_US | PTE_A)
#define SLOT  200u
#define TREES 9u /* so many full of links to one table are more than can be counted */

static void begin(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .linear = true});
}

/* The levels on which tables can be pinned and refer to each other: all above 1, but for a 32-bit guest's L3. */
static unsigned top_level(const struct unit *unit)
{
    return unit->domain->width == WIDTH_64 ? 4 : 2;
}

static int64_t link(const struct unit *unit, mfn_t table, unsigned slot, mfn_t target)
{
    return guest_set_entry(unit->vcpu, table, slot, pte(target, LINK));
}

static int64_t clear(const struct unit *unit, mfn_t table, unsigned slot)
{
    return guest_set_entry(unit->vcpu, table, slot, 0);
}

static void assert_links(const struct unit *unit, mfn_t mfn, bool source, unsigned count)
{
    assert_int_equal(linear_count(unit_frame(unit, mfn)), count);
    assert_int_equal(linear_is_source(unit_frame(unit, mfn)), source);
}

/* Shows pte.refer-linear. */
static void test_not_by_default(void **state)
{
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t table = unit_table(&unit, level), other = unit_table(&unit, level);

        assert_refused(&unit, link(&unit, table, SLOT, table), XEN_EINVAL, REFUSE_SELF_MAP);
        assert_refused(&unit, link(&unit, table, SLOT, other), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    }
    unit_destroy(&unit);
}

/* Shows pte.linear-self. */
static void test_self_holds_nothing(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t table = unit_table(&unit, level);

        assert_int_equal(link(&unit, table, SLOT, table), 0);
        assert_int_equal(link(&unit, table, SLOT + 1, table), 0);
        assert_counts(&unit, table, 2, level, 1);
        assert_links(&unit, table, false, 0);
        assert_int_equal(guest_unpin(unit.vcpu, table), 0); /* with both entries there */
        assert_counts(&unit, table, 1, TYPE_NONE, 0);
        assert_int_equal(guest_pin(unit.vcpu, table, level), 0); /* the entries are validated */
        assert_counts(&unit, table, 2, level, 1);
        assert_int_equal(clear(&unit, table, SLOT), 0);
        assert_counts(&unit, table, 2, level, 1);
    }
    unit_destroy(&unit);
}

/* Shows pte.linear-readonly. */
static void test_never_writable(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t table = unit_table(&unit, level), other = unit_table(&unit, level);
        mfn_t targets[] = {table, other};

        for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
            uint64_t writable = pte(targets[i], PTE_TABLE);

            assert_refused(&unit, guest_set_entry(unit.vcpu, table, SLOT, writable), XEN_EINVAL,
                           REFUSE_LINEAR_WRITABLE);
            assert_int_equal(link(&unit, table, SLOT, targets[i]), 0);
            assert_refused(&unit, guest_set_entry(unit.vcpu, table, SLOT, writable), XEN_EINVAL,
                           REFUSE_LINEAR_WRITABLE);
            assert_false(guest_entry(unit.guest, table, SLOT) & PTE_RW);
            assert_int_equal(clear(&unit, table, SLOT), 0);
        }
        assert_int_equal(guest_unpin(unit.vcpu, table), 0);
        unit_entries(&unit, table)[SLOT] = pte(table, PTE_TABLE);
        assert_refused(&unit, guest_pin(unit.vcpu, table, level), XEN_EINVAL, REFUSE_LINEAR_WRITABLE);
        assert_counts(&unit, table, 1, TYPE_NONE, 0);
        unit_entries(&unit, table)[SLOT] = 0;
    }
    unit_destroy(&unit);
}

/* Shows pte.linear-other. */
static void test_link_holds_a_use(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t table = unit_table(&unit, level), other = unit_table(&unit, level);

        assert_int_equal(link(&unit, table, SLOT, other), 0);
        assert_int_equal(link(&unit, table, SLOT + 1, other), 0);
        assert_counts(&unit, other, 4, level, 3);
        assert_links(&unit, table, true, 2);
        assert_links(&unit, other, false, 2);
        assert_int_equal(link(&unit, table, SLOT, table), 0); /* instead */
        assert_counts(&unit, other, 3, level, 2);
        assert_links(&unit, table, true, 1);
        assert_int_equal(clear(&unit, table, SLOT + 1), 0);
        assert_links(&unit, table, false, 0);
        assert_links(&unit, other, false, 0);
        assert_counts(&unit, other, 2, level, 1);
        assert_int_equal(link(&unit, other, SLOT, table), 0); /* the other way round, now that it is none */
        assert_links(&unit, other, true, 1);
    }
    unit_destroy(&unit);
}

/* Shows pte.linear-chain. */
static void test_no_chain(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t first = unit_table(&unit, level), second = unit_table(&unit, level), third = unit_table(&unit, level);

        assert_int_equal(link(&unit, first, SLOT, second), 0);
        assert_refused(&unit, link(&unit, second, SLOT, third), XEN_EINVAL, REFUSE_LINEAR_CHAIN);
        assert_refused(&unit, link(&unit, second, SLOT, first), XEN_EINVAL, REFUSE_LINEAR_CHAIN);
        assert_refused(&unit, link(&unit, third, SLOT, first), XEN_EINVAL, REFUSE_LINEAR_CHAIN);
        assert_int_equal(link(&unit, first, SLOT + 1, first), 0);
        assert_int_equal(link(&unit, second, SLOT, second), 0);
        assert_int_equal(link(&unit, third, SLOT, second), 0);
        assert_links(&unit, second, false, 2);
        assert_links(&unit, third, true, 1);
    }
    unit_destroy(&unit);
}

/* Two tables, one with a link to the other: unpinned in either order, and pinned again meanwhile. */
static void test_teardown_in_any_order(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        for (unsigned order = 0; order < 2; order++) {
            mfn_t tables[2] = {unit_table(&unit, level), unit_table(&unit, level)};

            assert_int_equal(link(&unit, tables[0], SLOT, tables[1]), 0);
            assert_int_equal(link(&unit, tables[1], SLOT, tables[1]), 0);
            assert_int_equal(guest_unpin(unit.vcpu, tables[order]), 0);
            if (order == 1)
                assert_counts(&unit, tables[1], 2, level, 1); /* the link is what is left */
            assert_int_equal(guest_unpin(unit.vcpu, tables[1 - order]), 0);
            for (unsigned i = 0; i < 2; i++) {
                assert_counts(&unit, tables[i], 1, TYPE_NONE, 0);
                assert_links(&unit, tables[i], false, 0);
            }
        }
    }
    unit_destroy(&unit);
}

/* Entries that are there before the table is one: links are to live tables alone, and an error takes them back. */
static void test_validated_with_links(void **state)
{
    struct unit unit;

    begin(&unit, state);
    for (unsigned level = 2; level <= top_level(&unit); level++) {
        mfn_t table = unit_idle_page(&unit), other = unit_table(&unit, level), idle = unit_idle_page(&unit);
        uint64_t *entries = unit_entries(&unit, table);

        entries[3] = pte(table, LINK);
        entries[4] = entries[5] = pte(other, LINK);
        assert_int_equal(guest_pin(unit.vcpu, table, level), 0);
        assert_links(&unit, table, true, 2);
        assert_int_equal(guest_unpin(unit.vcpu, table), 0);
        assert_links(&unit, other, false, 0);
        entries[6] = pte(MFN(UNIT_HOLE), LINK);
        assert_refused(&unit, guest_pin(unit.vcpu, table, level), XEN_EINVAL, REFUSE_NO_SUCH_FRAME);
        assert_links(&unit, table, false, 0);
        assert_counts(&unit, other, 2, level, 1);
        entries[6] = pte(idle, LINK); /* a child, not a link: it has no use yet */
        assert_int_equal(guest_pin(unit.vcpu, table, level), 0);
        assert_counts(&unit, idle, 2, level - 1, 1);
    }
    unit_destroy(&unit);
}

/* Shows pte.linear-many. */
static void test_links_are_counted_for_ever(void **state)
{
    mfn_t target, sources[TREES];
    struct unit unit;

    begin(&unit, state);
    target = unit_table(&unit, 2);
    for (unsigned i = 0; i < TREES; i++) {
        sources[i] = unit_idle_page(&unit);
        for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
            unit_entries(&unit, sources[i])[slot] = pte(target, LINK);
        assert_int_equal(guest_pin(unit.vcpu, sources[i], 2), 0);
    }
    assert_int_equal(linear_count(unit_frame(&unit, target)), LINEAR_COUNT_MAX);
    assert_counts(&unit, target, 2 + TREES * ENTRIES_PER_TABLE, TYPE_L2, 1 + TREES * ENTRIES_PER_TABLE);
    guest_assert_clean(unit.sim);
    for (unsigned i = 0; i < TREES; i++)
        assert_int_equal(guest_unpin(unit.vcpu, sources[i]), 0);
    guest_assert_clean(unit.sim);
    /* There are none any more, but that is not known. */
    assert_int_equal(guest_pin(unit.vcpu, sources[0] = unit_idle_page(&unit), 2), 0);
    assert_refused(&unit, link(&unit, target, SLOT, sources[0]), XEN_EINVAL, REFUSE_LINEAR_CHAIN);
    assert_int_equal(guest_unpin(unit.vcpu, target), 0);
    assert_int_equal(guest_pin(unit.vcpu, target, 2), 0);
    assert_int_equal(link(&unit, target, SLOT, sources[0]), 0);
    unit_destroy(&unit);
}

/* As many references, or uses, as can be counted.  Shows pte.exhausted. */
static void test_exhausted(void **state)
{
    struct unit unit;
    mfn_t table, other;

    begin(&unit, state);
    table = unit_table(&unit, 2);
    other = unit_table(&unit, 2);
    unit_frame(&unit, other)->refs = FRAME_REFS_MAX;
    assert_refused(&unit, link(&unit, table, SLOT, other), XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED);
    unit_frame(&unit, other)->refs = 2;
    unit_frame(&unit, other)->type.v += TYPE_COUNT_MAX - 1;
    assert_refused(&unit, link(&unit, table, SLOT, other), XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED);
    unit_frame(&unit, other)->type.v -= TYPE_COUNT_MAX - 1;
    assert_links(&unit, table, false, 0);
    assert_counts(&unit, other, 2, TYPE_L2, 1);
    unit_destroy(&unit);
}

/* Shows pte.linear-32. */
static void test_pae(void **state)
{
    struct unit unit;
    mfn_t root, top, table, other_top;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE, .linear = true});
    root = unit_pae_root(&unit, &top);
    (void)unit_pae_root(&unit, &other_top);
    table = unit_table(&unit, 2);
    assert_refused(&unit, guest_set_entry(unit.vcpu, root, 2, pte(root, PTE_P)), XEN_EINVAL, REFUSE_SELF_MAP);
    assert_refused(&unit, guest_set_entry(unit.vcpu, root, 2, pte(guest_root(unit.guest), PTE_P)), XEN_EINVAL,
                   REFUSE_TYPE_CONFLICT);
    assert_int_equal(link(&unit, top, SLOT, top), 0);
    assert_int_equal(link(&unit, top, SLOT + 1, table), 0);
    assert_refused(&unit, link(&unit, table, SLOT, top), XEN_EINVAL, REFUSE_TABLE_SHARED);
    assert_refused(&unit, link(&unit, top, SLOT + 2, other_top), XEN_EINVAL, REFUSE_TABLE_SHARED);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    assert_counts(&unit, top, 1, TYPE_NONE, 0);
    assert_counts(&unit, table, 2, TYPE_L2, 1);
    unit_destroy(&unit);
}

/* Shows pte.linear-owner. */
static void test_own_tables_only(void **state)
{
    struct unit unit;
    mfn_t table, foreign;
    unsigned slot;

    (void)state;
    unit_create(&unit, &(struct unit_config){.linear = true, .privileged = true, .nr_guests = 2});
    table = unit_table(&unit, 2);
    assert_true(guest_find_entry(unit.other, guest_root(unit.other), VADDR(0), 2, &foreign, &slot));
    assert_refused(&unit, link(&unit, table, SLOT, foreign), XEN_EINVAL, REFUSE_NOT_OWNED);
    unit_destroy(&unit);
}

/* ---- What is seen through them. */

/* Where the entry at @slot of a root shows the root itself, as a page. */
static vaddr_t window_of(const struct unit *unit, unsigned slot)
{
    uint64_t vaddr = 0;

    for (unsigned level = root_level(unit->domain); level > 0; level--)
        vaddr |= (uint64_t)slot << (PAGE_SHIFT + 9 * (level - 1));
    return VADDR(vaddr);
}

/* Shows pte.linear-window. */
static void test_window(void **state)
{
    uint64_t seen[ENTRIES_PER_TABLE], word = 0;
    struct frame *table;
    struct unit unit;
    unsigned index;
    vaddr_t window;
    mfn_t root;

    (void)state;
    unit_create(&unit, &(struct unit_config){.linear = true});
    root = guest_root(unit.guest);
    window = window_of(&unit, SLOT);
    assert_int_equal(link(&unit, root, SLOT, root), 0);
    assert_true(guest_read(unit.vcpu, window, seen, sizeof(seen)));
    assert_int_equal(pte_mfn(seen[SLOT]).v, root.v);
    assert_false(guest_write(unit.vcpu, window, &word, sizeof(word)));
    assert_refused(&unit, guest_update_va_mapping(unit.vcpu, window, 0, 0), XEN_EINVAL, REFUSE_NO_L1_ENTRY);
    /* Through an entry of the hypervisor's, on each level that the walk can meet one. */
    for (unsigned level = 1; level < 4; level++) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        vaddr_t vaddr = VADDR((window.v & ~(UINT64_C(511) << shift)) | UINT64_C(256) << shift);

        assert_false(walk_find_l1(unit.vcpu, vaddr, &table, &index));
        assert_refused(&unit, guest_update_va_mapping(unit.vcpu, vaddr, 0, 0), XEN_EINVAL, REFUSE_NO_L1_ENTRY);
    }
    guest_assert_clean(unit.sim);
    unit_destroy(&unit);
}

/* ---- The audit. */

static uint64_t flushes(const struct unit *unit)
{
    return unit->sim->cpus[0].full_flushes * 0x100 + unit->sim->cpus[1].full_flushes;
}

/*
 * The hypervisor touches nothing behind a slot of L4s that has ever led to an L4.  Before the first one is there, all
 * processors of the domain have flushed.  Shows pte.linear-arguments.
 */
static void test_arguments(void **state)
{
    const vaddr_t slot = VADDR((uint64_t)SLOT << 39), next = VADDR((uint64_t)(SLOT + 1) << 39);
    struct domain *domain;
    struct unit unit;
    uint64_t before;
    mfn_t table, other, upper, lower;

    (void)state;
    unit_create(&unit, &(struct unit_config){.linear = true, .nr_vcpus = 2});
    domain = unit.domain;
    table = unit_table(&unit, 4);
    other = unit_table(&unit, 4);
    upper = unit_table(&unit, 3);
    lower = unit_table(&unit, 2);
    before = flushes(&unit);
    assert_refused(&unit, guest_set_entry(unit.vcpu, table, SLOT, pte(table, LINK | PTE_RW)), XEN_EINVAL,
                   REFUSE_LINEAR_WRITABLE);
    assert_int_equal(link(&unit, upper, SLOT, lower), 0);
    assert_true(access_touch_ok(domain, slot, 8));
    assert_int_equal(flushes(&unit), before);
    assert_int_equal(link(&unit, table, SLOT, table), 0);
    assert_int_equal(flushes(&unit), before + 0x101);
    assert_int_equal(clear(&unit, table, SLOT), 0);
    before = flushes(&unit);
    assert_int_equal(link(&unit, other, SLOT, table), 0);
    assert_int_equal(flushes(&unit), before);
    assert_true(access_range_ok(domain, slot, 8) && !access_touch_ok(domain, slot, 8));
    assert_false(access_touch_ok(domain, VADDR(next.v - 1), 1));
    assert_false(access_touch_ok(domain, VADDR(next.v - 4), 8));
    assert_false(access_touch_ok(domain, VADDR(slot.v - 4), 8));
    assert_true(access_touch_ok(domain, VADDR(slot.v - 8), 8));
    assert_true(access_touch_ok(domain, next, 8));
    assert_true(access_touch_ok(domain, slot, 0));
    unit_destroy(&unit);
}

/* Nor the lists of calls, each of whose entries is read by itself.  Shows pte.linear-arguments. */
static void test_lists(void **state)
{
    static const unsigned calls[] = {__HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op, __HYPERVISOR_multicall};
    struct unit unit;
    uint64_t table;

    (void)state;
    unit_create(&unit, &(struct unit_config){.linear = true});
    assert_int_equal(link(&unit, guest_root(unit.guest), SLOT, guest_root(unit.guest)), 0);
    /* Where the link shows the L1 table of the window, whose entries serve as a list. */
    table = (uint64_t)SLOT << 39 | ((unit.guest->window.v >> 9) & 0x7ffffff000);
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        assert_refused(&unit, guest_hypercall(unit.vcpu, calls[i], table, 1, 0, DOMID_SELF, 0, 0), XEN_EFAULT,
                       REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

static bool audit(const struct unit *unit, struct audit_finding *finding)
{
    struct audit_counts *counts = calloc(unit->machine->nr_frames, sizeof(counts[0]));
    bool holds;

    assert_non_null(counts);
    holds = audit_machine(unit->machine, counts, finding);
    free(counts);
    return holds;
}

static void assert_found(const struct unit *unit, mfn_t mfn, const char *invariant)
{
    struct audit_finding finding;

    assert_false(audit(unit, &finding));
    assert_string_equal(finding.invariant, invariant);
    assert_int_equal(finding.frame.v, mfn.v);
}

static void test_audit(void **state)
{
    struct audit_finding finding;
    struct unit unit;
    mfn_t table, other;
    uint16_t *flags;

    begin(&unit, state);
    table = unit_table(&unit, 2);
    other = unit_table(&unit, 2);
    assert_int_equal(link(&unit, table, SLOT, other), 0);
    assert_int_equal(link(&unit, table, SLOT + 1, table), 0);
    assert_true(audit(&unit, &finding));
    for (unsigned i = 0; i < 2; i++) {
        flags = &unit_frame(&unit, i ? other : table)->flags;
        *flags ^= LINEAR_SOURCE;
        assert_found(&unit, i ? other : table, "inv_links");
        *flags ^= LINEAR_SOURCE;
        *flags = (uint16_t)(*flags + (1u << LINEAR_COUNT_SHIFT));
        assert_found(&unit, i ? other : table, "inv_links");
        *flags = (uint16_t)(*flags - (1u << LINEAR_COUNT_SHIFT));
    }
    for (unsigned i = 0; i < 2; i++) {
        unit_entries(&unit, table)[SLOT + i] |= PTE_RW;
        assert_found(&unit, table, "inv_entries");
        unit_entries(&unit, table)[SLOT + i] &= ~PTE_RW;
    }
    unit.domain->linear_tables = false;
    assert_found(&unit, table, "inv_entries");
    unit.domain->linear_tables = true;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_not_by_default),
        unit_test_both(test_self_holds_nothing),
        unit_test_both(test_never_writable),
        unit_test_both(test_link_holds_a_use),
        unit_test_both(test_no_chain),
        unit_test_both(test_teardown_in_any_order),
        unit_test_both(test_validated_with_links),
        unit_test_both(test_links_are_counted_for_ever),
        unit_test_both(test_exhausted),
        unit_test_both(test_audit),
        cmocka_unit_test(test_pae),
        cmocka_unit_test(test_own_tables_only),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
