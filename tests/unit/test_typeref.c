/* SPDX-License-Identifier: MIT */
/* Conversions: their order against flushes, who waits for whom, who is refused. */
#include <string.h>

#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/mmuext.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
}

static uint64_t flushes(const struct unit *unit, unsigned cpu)
{
    return unit->sim->cpus[cpu].full_flushes;
}

/* ---- Flushes. */

/*
 * A page that another processor can still write through a stale translation becomes a table only after that processor
 * has flushed; while it flushes nobody can use the page as anything, and its contents have not been judged yet; and
 * others may have the domain's lock.
 */
static struct {
    const struct unit *unit;
    mfn_t page;
    unsigned seen;
} watch;

static void see_flush(struct sim *sim, cpumask_t cpus)
{
    struct frame *frame = unit_frame(watch.unit, watch.page);

    if (!(cpus.bits & 2) || type_of(frame->type) != TYPE_L1)
        return;
    watch.seen++;
    if (sim->domains[0].lock_owner)
        sim_fail("others are flushed with the lock held");
    if (!type_is_busy(frame->type) || type_is_validated(frame->type))
        sim_fail("flushed while the frame is neither the one nor the other");
    /* The last chance to write: the contents that are judged must be those. */
    if (!guest_write(guest_vcpu(watch.unit->guest, 1), unit_window(watch.unit, 0),
                     &(uint64_t){pte(MFN(UNIT_HOLE), PTE_P)}, 8))
        sim_fail("the stale translation is gone too early for this test");
}

/* Shows types.flushed. */
static void test_flush_before_validation(void **state)
{
    struct unit unit;
    struct vcpu *peer;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    peer = guest_vcpu(unit.guest, 1);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    assert_true(guest_write(peer, unit_window(&unit, 0), &(uint64_t){0}, 8));
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_window(&unit, 0), 0, UVMF_NONE), 0);
    assert_true(sim_tlb_holds(unit.sim, 1, unit_window(&unit, 0), NULL, NULL));
    watch.unit = &unit, watch.page = page, watch.seen = 0;
    unit.sim->on_flush = see_flush;
    assert_refused(&unit, guest_pin(unit.vcpu, page, 1), XEN_EPERM, REFUSE_NOT_RAM);
    unit.sim->on_flush = NULL;
    assert_int_equal(watch.seen, 1);
    assert_false(sim_tlb_holds(unit.sim, 1, unit_window(&unit, 0), NULL, NULL));
    assert_false(guest_write(peer, unit_window(&unit, 0), &(uint64_t){0}, 8));
    unit_entries(&unit, page)[0] = 0;
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    unit_destroy(&unit);
}

/*
 * Nothing is flushed for a frame that nobody saw, that keeps its type, or since whose last use all have flushed; nor
 * for a table that no entry has led to.
 */
static void test_no_needless_flush(void **state)
{
    struct unit unit;
    uint64_t before;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    before = flushes(&unit, 1);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0); /* as before */
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    assert_int_equal(flushes(&unit, 1), before);
    tlb_flush(unit.machine, unit.machine->tlb.cpus);
    assert_int_equal(guest_pin(unit.vcpu, page, 2), 0); /* another, but all have flushed */
    assert_int_equal(flushes(&unit, 1), before + 1);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    assert_int_equal(flushes(&unit, 1), before + 1);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/*
 * From table to memory, too (XSA-217): of a batch that takes a table out of the running tree and makes it writable, the
 * flush comes between the two.  That with which it ends would be too late.
 */
static void test_unlinked(void **state)
{
    struct mmu_update requests[2];
    struct unit unit;
    mfn_t l1, l2;
    unsigned slot;
    uint64_t before;

    create(&unit, state);
    l1 = unit_table(&unit, 1);
    assert_true(guest_find_entry(unit.guest, guest_root(unit.guest), unit_window(&unit, 0), 2, &l2, &slot));
    assert_int_equal(guest_entry(unit.guest, l2, slot + 1), 0);
    assert_int_equal(guest_set_entry(unit.vcpu, l2, slot + 1, pte(l1, PTE_TABLE)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, l1), 0);
    requests[0] = (struct mmu_update){pte(l2, (slot + 1) * 8), 0};
    requests[1] = (struct mmu_update){pte(unit_window_table(&unit), 0), pte(l1, PTE_RW_PAGE)};
    before = flushes(&unit, 1);
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 2, NULL, DOMID_SELF), 0);
    assert_int_equal(flushes(&unit, 1), before + 2);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/* The same from one level to another, and where there is no other processor to be asked in advance. */
static void test_another_level(void **state)
{
    struct mmu_update requests[2];
    unsigned slot, upper_slot;
    struct unit unit;
    mfn_t l1, l2, l3;
    uint64_t before;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64});
    l1 = unit_table(&unit, 1);
    assert_true(guest_find_entry(unit.guest, guest_root(unit.guest), unit_window(&unit, 0), 2, &l2, &slot));
    assert_true(guest_find_entry(unit.guest, guest_root(unit.guest), unit_window(&unit, 0), 3, &l3, &upper_slot));
    assert_int_equal(guest_entry(unit.guest, l2, slot + 1) | guest_entry(unit.guest, l3, upper_slot + 1), 0);
    assert_int_equal(guest_set_entry(unit.vcpu, l2, slot + 1, pte(l1, PTE_TABLE)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, l1), 0);
    requests[0] = (struct mmu_update){pte(l2, (slot + 1) * 8), 0};
    requests[1] = (struct mmu_update){pte(l3, (upper_slot + 1) * 8), pte(l1, PTE_TABLE)};
    before = flushes(&unit, 0);
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 2, NULL, DOMID_SELF), 0);
    assert_int_equal(flushes(&unit, 0), before + 2);
    assert_int_equal(guest_set_entry(unit.vcpu, l3, upper_slot + 1, 0), 0);
    unit_destroy(&unit);
}

/* A root that has been left has been forgotten where it was, and the other processor has never been on it. */
static void test_left_root(void **state)
{
    uint64_t own, others;
    struct unit unit;
    mfn_t root;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64, .nr_vcpus = 2});
    root = unit_idle_page(&unit);
    memcpy(unit_entries(&unit, root), unit_entries(&unit, guest_root(unit.guest)), PAGE_SIZE);
    assert_int_equal(guest_pin(unit.vcpu, root, 4), 0);
    assert_int_equal(guest_new_baseptr(unit.vcpu, root), 0);
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    own = flushes(&unit, 0);
    others = flushes(&unit, 1);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    assert_int_equal(unit_map(&unit, 0, pte(root, PTE_RW_PAGE)), 0);
    assert_int_equal(flushes(&unit, 0), own);
    assert_int_equal(flushes(&unit, 1), others);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/* ---- Conflicts. */

/* Shows mmuext_op.pin-not-writable, mmuext_op.pin-conflict, types.no-writable-table, types.changes-unused. */
static void test_conflicts(void **state)
{
    struct unit unit;
    mfn_t page, table;

    create(&unit, state);
    page = unit_page(&unit);
    table = unit_table(&unit, 1);
    assert_refused(&unit, guest_pin(unit.vcpu, page, 1), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_int_equal(unit.sim->last_refusal.frame.v, page.v);
    assert_int_equal(unit.sim->last_refusal.type.v, type_word(TYPE_WRITABLE, 0, 1).v);
    assert_int_equal(unit.sim->last_refusal.owner.v, 0);
    assert_refused(&unit, guest_pin(unit.vcpu, table, 2), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, unit_map(&unit, 0, pte(table, PTE_RW_PAGE)), XEN_EBUSY, REFUSE_TYPE_CONFLICT);
    assert_true(type_is_pinned(unit.sim->last_refusal.type));
    assert_int_equal(unit.sim->last_refusal.slot.table.v, unit_window_table(&unit).v);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, table, 2, TYPE_L1, 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

static void test_top_shared(void **state)
{
    struct unit unit;
    mfn_t root, second, top;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    root = unit_pae_root(&unit, &top);
    second = unit_idle_page(&unit);
    unit_entries(&unit, second)[3] = pte(top, PTE_P);
    assert_refused(&unit, guest_pin(unit.vcpu, second, 3), XEN_EINVAL, REFUSE_TABLE_SHARED);
    unit_entries(&unit, second)[3] = pte(unit_idle_page(&unit), PTE_P);
    assert_int_equal(guest_pin(unit.vcpu, second, 3), 0);
    assert_int_equal(guest_unpin(unit.vcpu, second), 0);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    unit_destroy(&unit);
}

/* ---- Two operations on one frame. */

struct actor {
    struct unit *unit;
    mfn_t page;
    unsigned level; /* 0: map it writable */
    int64_t result;
    bool keep;
};

static void act(struct vcpu *vcpu, void *arg)
{
    struct actor *actor = arg;

    if (actor->level > 0)
        actor->result = guest_pin(vcpu, actor->page, actor->level);
    else
        actor->result = guest_update_va_mapping(vcpu, unit_window(actor->unit, 0), pte(actor->page, PTE_RW_PAGE), 0);
    if (actor->result == 0 && actor->level > 0 && !actor->keep)
        actor->result = guest_unpin(vcpu, actor->page);
}

static void run_pair(struct unit *unit, struct actor *one, struct actor *two)
{
    unit->sim->preemption = SIM_PREEMPT_ALWAYS;
    sim_spawn(unit->sim, guest_vcpu(unit->guest, 0), act, one);
    sim_spawn(unit->sim, guest_vcpu(unit->guest, 1), act, two);
    sim_run(unit->sim);
    unit->sim->preemption = SIM_PREEMPT_NEVER;
    guest_assert_clean(unit->sim);
}

/*
 * Who wants the same type waits for the conversion, and finds the frame pinned; nobody resumes another's work.  Shows
 * types.converting.
 */
static void test_wait_same(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    for (unsigned round = 0; round < 20; round++) {
        struct actor one = {&unit, page, 1, 1, true}, two = {&unit, page, 1, 1, true};

        run_pair(&unit, &one, &two);
        assert_int_equal(one.result + two.result, -XEN_EINVAL); /* one of them was the second */
        assert_counts(&unit, page, 2, TYPE_L1, 1);
        assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    }
    assert_int_equal(unit.sim->refusals[REFUSE_ALREADY_PINNED], 20);
    assert_int_equal(unit.sim->nr_refusals, 20);
    unit_destroy(&unit);
}

/* The same through demotions: pin and unpin against pin and unpin. */
static void test_wait_demotion(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    for (unsigned round = 0; round < 20; round++) {
        struct actor one = {&unit, page, 1, 1, false}, two = {&unit, page, 1, 1, false};

        run_pair(&unit, &one, &two);
        assert_true(one.result == 0 || one.result == -XEN_EINVAL);
        assert_true(two.result == 0 || two.result == -XEN_EINVAL);
        assert_true(one.result == 0 || two.result == 0);
        assert_counts(&unit, page, 1, TYPE_NONE, 0);
    }
    assert_int_equal(unit.sim->refusals[REFUSE_TYPE_UNDER_CONVERSION], 0);
    unit_destroy(&unit);
}

/* Who wants another type is refused at once, and told why.  Shows types.converting. */
static void test_refused_under_conversion(void **state)
{
    struct unit unit;
    uint64_t under_conversion;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    under_conversion = unit.sim->refusals[REFUSE_TYPE_UNDER_CONVERSION];
    for (unsigned round = 0; round < 40; round++) {
        struct actor one = {&unit, page, 1, 1, false}, two = {&unit, page, round % 2 ? 2 : 0, 1, false};
        int64_t refused = round % 2 ? -XEN_EINVAL : -XEN_EBUSY;

        run_pair(&unit, &one, &two);
        assert_true(one.result == 0 || one.result == -XEN_EINVAL);
        assert_true(two.result == 0 || two.result == refused);
        assert_true(one.result == 0 || two.result == 0);
        assert_int_equal(unit_map(&unit, 0, 0), 0);
        assert_counts(&unit, page, 1, TYPE_NONE, 0);
    }
    assert_true(unit.sim->refusals[REFUSE_TYPE_UNDER_CONVERSION] > under_conversion);
    unit_destroy(&unit);
}

/* ---- References that are not the first or the last. */

/* Shows types.counted. */
static void test_counting(void **state)
{
    struct unit unit;
    struct frame *frame;
    struct op op;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    frame = unit_frame(&unit, page);
    op = unit_begin(&unit);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(typeref_get(&op, NOWHERE, frame, TYPE_L1), 0);
        assert_int_equal(type_count(frame->type), i);
    }
    assert_true(type_live_get(&frame->type));
    for (unsigned i = 6; i > 0; i--) {
        assert_int_equal(type_count(frame->type), i);
        typeref_put(&op, frame);
    }
    assert_int_equal(frame->type.v, type_word(TYPE_L1, 0, 0).v); /* retired: what it was is remembered */
    assert_int_equal(typeref_get(&op, NOWHERE, frame, TYPE_SEGDESC), 0);
    assert_int_equal(frame->type.v, type_word(TYPE_SEGDESC, TYPE_VALIDATED, 1).v);
    typeref_put(&op, frame);
    assert_int_equal(typeref_get_writable(&op, NOWHERE, frame), 0);
    assert_int_equal(typeref_get_writable(&op, NOWHERE, frame), 0);
    typeref_put_writable(unit.machine, frame);
    typeref_put_writable(unit.machine, frame);
    assert_int_equal(frame->epoch, unit.machine->tlb.now - 1);
    assert_int_equal(frame->type.v, type_word(TYPE_WRITABLE, 0, 0).v);
    unit_end(&op);
    unit_destroy(&unit);
}

/* ---- What the machine hears. */

static struct {
    unsigned count;
    struct op op; /* the last of them, and what it found */
    const struct frame *frame;
    struct type_word type;
} promoted;

static void hear(struct sim *sim, const struct op *op, const struct frame *frame)
{
    (void)sim;
    promoted.count++;
    promoted.op = *op;
    promoted.frame = frame;
    promoted.type = frame->type;
}

/* Each conversion to a table is told once, by whom, when it has come about; a further use is none. */
static void test_promoted(void **state)
{
    struct unit unit;
    mfn_t page, upper;

    create(&unit, state);
    page = unit_idle_page(&unit);
    upper = unit_idle_page(&unit);
    promoted.count = 0;
    unit.sim->on_promoted = hear;
    unit_entries(&unit, page)[0] = pte(MFN(UNIT_HOLE), PTE_P);
    assert_refused(&unit, guest_pin(unit.vcpu, page, 1), XEN_EPERM, REFUSE_NOT_RAM);
    assert_int_equal(promoted.count, 0);
    unit_entries(&unit, page)[0] = 0;
    unit_entries(&unit, upper)[0] = pte(page, PTE_RW_PAGE);
    unit_entries(&unit, upper)[1] = pte(page, PTE_RW_PAGE);
    assert_int_equal(guest_pin(unit.vcpu, upper, 2), 0);
    assert_int_equal(promoted.count, 2); /* the L1 first, once */
    assert_ptr_equal(promoted.frame, unit_frame(&unit, upper));
    assert_int_equal(promoted.type.v, type_word(TYPE_L2, TYPE_VALIDATED, 1).v);
    assert_ptr_equal(promoted.op.vcpu, unit.vcpu);
    assert_int_equal(promoted.op.call, __HYPERVISOR_mmuext_op);
    assert_int_equal(promoted.op.command, MMUEXT_PIN_L2_TABLE);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(unit_map(&unit, 0, pte(unit_idle_page(&unit), PTE_RW_PAGE)), 0);
    assert_int_equal(promoted.count, 2);
    unit.sim->on_promoted = NULL;
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    assert_int_equal(guest_unpin(unit.vcpu, upper), 0);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_flush_before_validation),
        unit_test_both(test_no_needless_flush),
        unit_test_both(test_unlinked),
        cmocka_unit_test(test_another_level),
        cmocka_unit_test(test_left_root),
        unit_test_both(test_conflicts),
        cmocka_unit_test(test_top_shared),
        unit_test_both(test_wait_same),
        unit_test_both(test_wait_demotion),
        unit_test_both(test_refused_under_conversion),
        unit_test_both(test_counting),
        unit_test_both(test_promoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
