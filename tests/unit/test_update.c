/* SPDX-License-Identifier: MIT */
/* Single updates: of live tables, of memory, of frames that are changing; and the flush after them. */
#include <abi/errno.h>
#include <engine/level.h>
#include <engine/update.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
}

/* ---- Plain memory. */

/* Shows mmu_update.plain-memory. */
static void test_plain(void **state)
{
    struct unit unit;
    mfn_t idle, page;

    create(&unit, state);
    idle = unit_idle_page(&unit);
    page = unit_page(&unit);
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot += 73) {
        assert_int_equal(guest_set_entry(unit.vcpu, idle, slot, ~UINT64_C(0)), 0);
        assert_int_equal(unit_entries(&unit, idle)[slot], ~UINT64_C(0));
        assert_int_equal(guest_set_entry(unit.vcpu, page, slot, slot), 0);
        assert_int_equal(unit_entries(&unit, page)[slot], slot);
    }
    assert_counts(&unit, idle, 1, TYPE_NONE, 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    /* In memory there are no accessed and dirty bits to keep. */
    const struct mmu_update request = {pte(idle, 8) | MMU_PT_UPDATE_PRESERVE_AD, 0x1000};

    unit_entries(&unit, idle)[1] = PTE_A | PTE_D;
    assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, DOMID_SELF), 0);
    assert_int_equal(unit_entries(&unit, idle)[1], 0x1000);
    unit_destroy(&unit);
}

/*
 * A frame that was a descriptor table is memory again only after a flush; one whose uses cannot be counted is not
 * written.  Shows mmu_update.plain-exhausted.
 */
static void test_plain_conversion(void **state)
{
    struct unit unit;
    uint64_t flushes;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &page, 8), 0);
    assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    flushes = unit.sim->cpus[1].full_flushes;
    assert_int_equal(guest_set_entry(unit.vcpu, page, 0, 0x77), 0);
    assert_int_equal(unit.sim->cpus[1].full_flushes, flushes + 1);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    assert_refused(&unit, guest_set_entry(unit.vcpu, page, 0, 0x99), XEN_EBUSY, REFUSE_TYPE_COUNT_EXHAUSTED);
    assert_int_equal(unit_entries(&unit, page)[0], 0x77);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, 0);
    unit_destroy(&unit);
}

/* Shows mmu_update.descriptor-table. */
static void test_descriptor_table(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &page, 8), 0);
    assert_refused(&unit, guest_set_entry(unit.vcpu, page, 0, 0), XEN_EINVAL, REFUSE_NOT_A_TABLE);
    assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    assert_int_equal(guest_set_entry(unit.vcpu, page, 0, 0), 0);
    unit_destroy(&unit);
}

/* ---- Conditional updates, as the write emulation makes them. */

static void test_expect(void **state)
{
    struct update update = {.kind = UPDATE_EXPECT};
    struct unit unit;
    struct frame *table;
    struct op op;
    mfn_t page, other;

    create(&unit, state);
    page = unit_page(&unit);
    other = unit_page(&unit);
    table = unit_frame(&unit, unit_window_table(&unit));
    assert_int_equal(unit_map(&unit, 7, pte(page, PTE_RW_PAGE | PTE_US | PTE_KERNEL)), 0);
    op = unit_begin(&unit);
    /* Another entry than expected stands there: nothing is written, whether references would change or not. */
    update.expected = pte(page, PTE_RO_PAGE);
    update.value = pte(other, PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    assert_int_equal(update_entry(&op, table, 7, &update), -XEN_EAGAIN);
    update.value = pte(page, PTE_P | PTE_RW | PTE_US | PTE_KERNEL);
    assert_int_equal(update_entry(&op, table, 7, &update), -XEN_EAGAIN);
    assert_int_equal(guest_entry(unit.guest, unit_window_table(&unit), 7),
                     pte(page, PTE_RW_PAGE | PTE_US | PTE_KERNEL));
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_counts(&unit, other, 2, TYPE_WRITABLE, 1);
    update.expected = pte(page, PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    update.value = pte(other, PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    assert_int_equal(update_entry(&op, table, 7, &update), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, other, 3, TYPE_WRITABLE, 2);
    unit_end(&op);
    assert_int_equal(unit_map(&unit, 7, 0), 0);
    unit_destroy(&unit);
}

/* ---- Upper tables: the operation keeps the table as it is while it waits, which takes references. */

/* Shows mmu_update.upper-exhausted. */
static void test_upper_limits(void **state)
{
    struct unit unit;
    struct frame *frame;
    mfn_t table;

    create(&unit, state);
    table = unit_table(&unit, 2);
    frame = unit_frame(&unit, table);
    frame->refs = FRAME_REFS_MAX;
    assert_refused(&unit, guest_set_entry(unit.vcpu, table, 0, 0), XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED);
    frame->refs = 2;
    frame->type = type_word(TYPE_L2, TYPE_VALIDATED | TYPE_PINNED, TYPE_COUNT_MAX);
    assert_refused(&unit, guest_set_entry(unit.vcpu, table, 0, 0), XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED);
    assert_counts(&unit, table, 2, TYPE_L2, TYPE_COUNT_MAX);
    frame->type = type_word(TYPE_L2, TYPE_VALIDATED | TYPE_PINNED, 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

static void need_no_lock(struct sim *sim, cpumask_t cpus)
{
    (void)cpus;
    if (sim->domains[0].lock_owner)
        sim_fail("a batch ends with a flush of others, and the lock held");
}

/*
 * Replacing a present entry above level 1 flushes every processor of the domain, once a batch, without the lock;
 * nothing else does.  Shows mmu_update.flush-upper, mmu_update.no-flush-leaf.
 */
static void test_flush(void **state)
{
    struct mmu_update requests[3];
    struct unit unit;
    mfn_t table, l1, page;
    uint64_t before;

    create(&unit, state);
    table = unit_table(&unit, 2);
    l1 = unit_table(&unit, 1);
    page = unit_page(&unit);
    tlb_flush(unit.machine, unit.machine->tlb.cpus);
    before = unit.sim->cpus[1].full_flushes;
    assert_int_equal(guest_set_entry(unit.vcpu, table, 3, pte(l1, PTE_TABLE)), 0); /* nothing stood there */
    assert_int_equal(guest_set_entry(unit.vcpu, l1, 3, pte(page, PTE_RW_PAGE)), 0);
    assert_int_equal(guest_set_entry(unit.vcpu, l1, 3, 0), 0); /* level 1 */
    assert_int_equal(unit.sim->cpus[1].full_flushes, before);
    assert_int_equal(guest_set_entry(unit.vcpu, table, 3, pte(l1, PTE_TABLE | PTE_NX)), 0); /* the same table */
    assert_int_equal(unit.sim->cpus[1].full_flushes, ++before);
    for (unsigned i = 0; i < 3; i++)
        requests[i] = (struct mmu_update){pte(table, 3 * 8), i == 1 ? pte(l1, PTE_TABLE) : 0};
    unit.sim->on_flush = need_no_lock;
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 3, NULL, DOMID_SELF), 0);
    unit.sim->on_flush = NULL;
    assert_int_equal(unit.sim->cpus[0].full_flushes, unit.sim->cpus[1].full_flushes);
    assert_int_equal(unit.sim->cpus[1].full_flushes, before + 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    assert_int_equal(guest_unpin(unit.vcpu, l1), 0);
    unit_destroy(&unit);
}

/* A batch that fails half way flushes for what it has done. */
static void test_flush_after_error(void **state)
{
    struct mmu_update requests[2];
    struct unit unit;
    mfn_t table, l1;
    uint64_t before;
    unsigned done;

    create(&unit, state);
    table = unit_table(&unit, 2);
    l1 = unit_table(&unit, 1);
    assert_int_equal(guest_set_entry(unit.vcpu, table, 3, pte(l1, PTE_TABLE)), 0);
    before = unit.sim->cpus[1].full_flushes;
    requests[0] = (struct mmu_update){pte(table, 3 * 8), 0};
    requests[1] = (struct mmu_update){pte(table, 4 * 8), pte(table, PTE_TABLE)};
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 2, &done, DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(done, 1);
    assert_int_equal(unit.sim->cpus[1].full_flushes, before + 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    assert_int_equal(guest_unpin(unit.vcpu, l1), 0);
    unit_destroy(&unit);
}

/* ---- Bits that change nothing but themselves do not touch the counts, not even at their maximum. */

static void test_inert(void **state)
{
    static const uint64_t inert[] = {PTE_A,  PTE_D,  PTE_G,     UINT64_C(1) << 9, UINT64_C(1) << 11, UINT64_C(1) << 53,
                                     PTE_NX, PTE_US, PTE_KERNEL};
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P | PTE_RW)), 0);
    unit_frame(&unit, page)->refs = FRAME_REFS_MAX;
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    for (unsigned i = 0; i < ARRAY_SIZE(inert); i++) {
        assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P | PTE_RW | inert[i])), 0);
        assert_counts(&unit, page, FRAME_REFS_MAX, TYPE_WRITABLE, TYPE_COUNT_MAX);
    }
    /* Rights are not inert: for as long as it takes, both entries have their references. */
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P)), -XEN_EBUSY);
    assert_counts(&unit, page, FRAME_REFS_MAX, TYPE_WRITABLE, TYPE_COUNT_MAX);
    unit_frame(&unit, page)->refs--;
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P)), 0);
    assert_counts(&unit, page, FRAME_REFS_MAX - 1, TYPE_WRITABLE, TYPE_COUNT_MAX - 1);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P | PTE_RW)), 0);
    assert_counts(&unit, page, FRAME_REFS_MAX - 1, TYPE_WRITABLE, TYPE_COUNT_MAX);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P)), 0);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_P | PTE_RW)), -XEN_EBUSY);
    unit_frame(&unit, page)->refs = 3;
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, 1);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/* ---- A frame under conversion is waited for; it may be gone when the wait is over. */

struct actor {
    struct unit *unit;
    mfn_t page;
    int64_t result;
};

static void unpin(struct vcpu *vcpu, void *arg)
{
    struct actor *actor = arg;

    actor->result = guest_unpin(vcpu, actor->page);
}

static void write(struct vcpu *vcpu, void *arg)
{
    struct actor *actor = arg;

    actor->result = guest_set_entry(vcpu, actor->page, 5, 0x1000);
}

static void test_wait(void **state)
{
    struct unit unit;
    unsigned written = 0, gone = 0;

    create(&unit, state);
    for (unsigned round = 0; round < 40; round++) {
        uint64_t extent = unit_table(&unit, 2).v;
        struct actor one = {&unit, MFN(extent), 1}, two = one;

        /* With its allocation given back the pin is the last that keeps it: unpinned, it leaves. */
        if (round % 2)
            assert_int_equal(guest_reservation(unit.vcpu, XENMEM_decrease_reservation, &extent, 1, 0, 0), 1);
        unit.sim->preemption = SIM_PREEMPT_ALWAYS;
        sim_spawn(unit.sim, guest_vcpu(unit.guest, 0), unpin, &one);
        sim_spawn(unit.sim, guest_vcpu(unit.guest, 1), write, &two);
        sim_run(unit.sim);
        unit.sim->preemption = SIM_PREEMPT_NEVER;
        assert_int_equal(one.result, 0);
        if (two.result == 0) {
            written++;
        } else {
            assert_int_equal(two.result, -XEN_EINVAL);
            assert_int_equal(round % 2, 1);
            assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_OWNED);
            gone++;
        }
        guest_assert_clean(unit.sim);
    }
    assert_true(written >= 20);
    assert_true(gone > 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_plain),
        unit_test_both(test_plain_conversion),
        unit_test_both(test_descriptor_table),
        unit_test_both(test_expect),
        unit_test_both(test_upper_limits),
        unit_test_both(test_flush),
        unit_test_both(test_flush_after_error),
        unit_test_both(test_inert),
        unit_test_both(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
