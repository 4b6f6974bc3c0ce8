/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmu_update: batches, what "done" says, the M2P, other domains. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

#define NOT_WRITTEN UINT32_C(0xffffffff)
#define BATCH       70u /* more than are copied at once */

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .privileged = true});
}

/*
 * A batch whose k-th request fails has done k, says so, and stops there.  Shows mmu_update.done,
 * mmu_update.first-failure, mmu_update.entry-refused, mmu_update.table-entry, mmu_update.normal.
 */
static void test_done(void **state)
{
    struct mmu_update requests[BATCH];
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    for (unsigned bad = 0; bad <= BATCH; bad += 7) {
        unsigned done;

        for (unsigned i = 0; i < BATCH; i++)
            requests[i] = (struct mmu_update){pte(unit_window_table(&unit), i * 8), pte(page, PTE_RW_PAGE)};
        if (bad < BATCH)
            requests[bad].val = pte(MFN(UNIT_HOLE), PTE_P);
        assert_int_equal(guest_mmu_update(unit.vcpu, requests, BATCH, &done, DOMID_SELF), bad < BATCH ? -XEN_EPERM : 0);
        assert_int_equal(done, bad);
        assert_counts(&unit, page, 2 + bad, TYPE_WRITABLE, 1 + bad);
        for (unsigned i = 0; i < BATCH; i++)
            assert_int_equal(unit_map(&unit, i, 0), 0);
    }
    unit_destroy(&unit);
}

/* With the hypervisor's own bit in the count, the number that stands there is added to.  Shows mmu_update.preempted. */
static void test_resumed(void **state)
{
    struct mmu_update requests[2] = {{0, 0}};
    struct unit unit;
    vaddr_t array, done;
    uint32_t *count;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    for (unsigned i = 0; i < 2; i++)
        requests[i] = (struct mmu_update){pte(page, i * 8), i};
    array = guest_put(unit.vcpu, requests, sizeof(requests));
    done = guest_put(unit.vcpu, &(uint32_t){40}, 4);
    count = (uint32_t *)((uint8_t *)unit_entries(&unit, sim_peek(unit.vcpu, done, NULL)) + done.v % PAGE_SIZE);
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_mmu_update, array.v, 2 | MMU_UPDATE_PREEMPTED, done.v,
                                     DOMID_SELF, 0, 0),
                     0);
    assert_int_equal(*count, 42);
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_mmu_update, array.v, 2, done.v, DOMID_SELF, 0, 0), 0);
    assert_int_equal(*count, 2);
    *count = UINT32_MAX; /* the guest's own number: it may wrap */
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_mmu_update, array.v, 1 | MMU_UPDATE_PREEMPTED, done.v,
                                     DOMID_SELF, 0, 0),
                     0);
    assert_int_equal(*count, 0);
    unit_destroy(&unit);
}

/*
 * The array ends in a page that is not there: what comes before is done, also inside what is copied at once.  Shows
 * mmu_update.unreadable, mmu_update.done, mmu_update.plain-memory.
 */
static void test_unreadable_tail(void **state)
{
    struct unit unit;
    mfn_t list, page;

    create(&unit, state);
    list = unit_page(&unit);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(list, PTE_RW_PAGE)), 0);
    for (unsigned readable = 0; readable <= 40; readable += 5) {
        uint64_t *words = unit_entries(&unit, list);
        vaddr_t done = guest_put(unit.vcpu, &(uint32_t){NOT_WRITTEN}, 4);
        uint32_t count;

        for (unsigned i = 0; i < readable; i++) {
            words[ENTRIES_PER_TABLE - 2 * readable + 2 * i] = pte(page, i * 8);
            words[ENTRIES_PER_TABLE - 2 * readable + 2 * i + 1] = readable;
        }
        assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_mmu_update,
                                         unit_window(&unit, 1).v - readable * sizeof(struct mmu_update), readable + 1,
                                         done.v, DOMID_SELF, 0, 0),
                         -XEN_EFAULT);
        assert_true(guest_read(unit.vcpu, done, &count, 4));
        assert_int_equal(count, readable);
        for (unsigned i = 0; i < readable; i++)
            assert_int_equal(unit_entries(&unit, page)[i], readable);
        guest_scratch_reset(unit.vcpu);
    }
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/*
 * "done" is written also where the owner of frames cannot be found, and not where the tables' cannot.  Shows
 * mmu_update.no-table-owner, mmu_update.table-owner-without-vcpu, mmu_update.no-page-owner.
 */
static void test_done_written(void **state)
{
    const struct mmu_update request = {0, 0};
    struct unit unit;
    unsigned done;

    create(&unit, state);
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, &done, 7), XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
    assert_int_equal(done, 0);
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, &done, 8 << 16 | DOMID_SELF), XEN_ESRCH,
                   REFUSE_NO_SUCH_DOMAIN);
    assert_int_equal(done, NOT_WRITTEN);
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, &done, 0), XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
    assert_int_equal(done, 0);
    unit.other->domain->nr_vcpus = 0;
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, &done, 2 << 16 | DOMID_SELF), XEN_EINVAL,
                   REFUSE_NO_SUCH_DOMAIN);
    assert_int_equal(done, NOT_WRITTEN);
    unit.other->domain->nr_vcpus = 1;
    unit_destroy(&unit);
}

/* ---- The M2P. */

static int64_t set_m2p(struct unit *unit, mfn_t mfn, uint64_t value, unsigned domid)
{
    const struct mmu_update request = {pte(mfn, 0) | MMU_MACHPHYS_UPDATE, value};

    return guest_mmu_update(unit->vcpu, &request, 1, NULL, domid);
}

/* Shows mmu_update.machphys, mmu_update.machphys-unchecked, mmu_update.not-owned, mmu_update.no-right. */
static void test_m2p(void **state)
{
    static const uint64_t values[] = {0, 5, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1};
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        assert_int_equal(set_m2p(&unit, page, values[i], DOMID_SELF), 0);
        assert_int_equal(unit.machine->m2p[page.v], values[i]);
        assert_int_equal(unit.machine->compat_m2p[page.v], (uint32_t)values[i]);
    }
    assert_int_equal(set_m2p(&unit, guest_mfn(unit.other, PFN(99)), 5, 1), 0); /* with privilege */
    assert_int_equal(unit.machine->m2p[guest_mfn(unit.other, PFN(99)).v], 5);
    assert_refused(&unit, set_m2p(&unit, guest_mfn(unit.other, PFN(99)), 6, DOMID_SELF), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, set_m2p(&unit, page, 6, 1), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, set_m2p(&unit, page, 6, DOMID_IO), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, set_m2p(&unit, MFN(UNIT_HOLE), 6, DOMID_SELF), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, set_m2p(&unit, MFN(unit.machine->nr_frames), 6, DOMID_SELF), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, set_m2p(&unit, page, 6, 2 << 16 | DOMID_SELF), XEN_EPERM, REFUSE_NOT_PRIVILEGED);
    unit_destroy(&unit);
}

/* ---- Tables of another domain. */

static mfn_t window_table_of(const struct guest *guest)
{
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(guest, guest_root(guest), guest->window, 1, &table, &slot))
        sim_fail("a guest has no window");
    return table;
}

/*
 * The other domain's tables and its frames; the adjustments are those of its width.  Shows mmu_update.page-owner,
 * mmu_update.table-owner, mmu_update.not-owned.
 */
static void test_other_tables(void **state)
{
    struct mmu_update request;
    struct unit unit;
    mfn_t table, page;
    bool kernel;

    create(&unit, state);
    table = window_table_of(unit.other);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    kernel = unit.other->domain->width == WIDTH_64;
    request = (struct mmu_update){pte(table, 3 * 8), pte(page, PTE_P | PTE_RW)};
    assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | 1), 0);
    assert_int_equal(guest_entry(unit.other, table, 3), pte(page, PTE_P | PTE_RW | (kernel ? PTE_US | PTE_KERNEL : 0)));
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    guest_assert_clean(unit.sim);
    request.val = pte(unit_page(&unit), PTE_P); /* the caller's own frame in the other's table */
    assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | DOMID_SELF), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    request.val = 0;
    assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | 1), 0);
    /* Frames of the pages' owner are not tables of the tables' owner. */
    request.ptr = pte(unit_window_table(&unit), 0);
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | DOMID_SELF), XEN_EINVAL,
                   REFUSE_NOT_OWNED);
    unit_destroy(&unit);
}

/* A device in another domain's table, asked for as DOMID_IO: both need the right to it.  Shows mmu_update.no-right. */
static void test_other_devices(void **state)
{
    static const struct frame_range range = {{UNIT_HOLE}, {UNIT_HOLE}};
    struct mmu_update request;
    struct unit unit;

    create(&unit, state);
    request = (struct mmu_update){pte(window_table_of(unit.other), 0), pte(range.first, PTE_P)};
    for (unsigned rights = 0; rights < 4; rights++) {
        int64_t expected = rights == 3 ? 0 : -XEN_EPERM;

        unit.domain->iomem = unit.other->domain->iomem = &range;
        unit.domain->nr_iomem = rights & 1;
        unit.other->domain->nr_iomem = rights >> 1;
        assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | DOMID_IO), expected);
        /* Named as the owner's own it is the owner's right alone that counts. */
        assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | 1), rights & 2 ? 0 : -XEN_EPERM);
        request.val = 0;
        assert_int_equal(guest_mmu_update(unit.vcpu, &request, 1, NULL, 2 << 16 | 1), 0);
        request.val = pte(range.first, PTE_P);
    }
    unit.domain->nr_iomem = unit.other->domain->nr_iomem = 0;
    unit_destroy(&unit);
}

/*
 * Upper entries, of live tables, are never changed for two domains at once, not even to nothing.  Shows
 * mmu_update.upper-foreign.
 */
static void test_upper_foreign(void **state)
{
    struct mmu_update request;
    struct unit unit;

    create(&unit, state);
    request = (struct mmu_update){pte(unit_table(&unit, 2), 0), 0};
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, NULL, 1), XEN_EINVAL, REFUSE_FOREIGN_TABLE);
    assert_refused(&unit, guest_mmu_update(unit.vcpu, &request, 1, NULL, DOMID_IO), XEN_EINVAL, REFUSE_FOREIGN_TABLE);
    assert_int_equal(guest_unpin(unit.vcpu, pte_mfn(request.ptr)), 0);
    unit_destroy(&unit);
}

/* ---- Runs of requests to one table, which may cease to be one wherever the batch lets others run. */

struct batch {
    struct unit *unit;
    mfn_t table, page;
    int64_t result;
    unsigned done;
};

static void write_run(struct vcpu *vcpu, void *arg)
{
    struct mmu_update requests[BATCH];
    struct batch *batch = arg;

    for (unsigned i = 0; i < BATCH; i++)
        requests[i] = (struct mmu_update){pte(batch->table, i * 8), pte(batch->page, PTE_RW_PAGE)};
    batch->result = guest_mmu_update(vcpu, requests, BATCH, &batch->done, DOMID_SELF);
}

static void retype(struct vcpu *vcpu, void *arg)
{
    struct batch *batch = arg;

    if (guest_unpin(vcpu, batch->table))
        sim_fail("the table cannot be unpinned");
    batch->unit->sim->preemption = SIM_PREEMPT_NEVER;
}

/* Entries written while the table was one held references, which its end has dropped; the others are memory. */
static void test_run_ends(void **state)
{
    struct unit unit;

    create(&unit, state);
    for (unsigned round = 0; round < 20; round++) {
        struct batch batch = {&unit, unit_table(&unit, 1), unit_page(&unit), 1, 0};

        unit.sim->preemption = SIM_PREEMPT_ALWAYS;
        sim_spawn(unit.sim, unit.vcpu, write_run, &batch);
        sim_spawn(unit.sim, unit.vcpu, retype, &batch);
        sim_run(unit.sim);
        assert_int_equal(batch.result, 0);
        assert_int_equal(batch.done, BATCH);
        assert_counts(&unit, batch.page, 2, TYPE_WRITABLE, 1);
        assert_counts(&unit, batch.table, 1, TYPE_NONE, 0);
        for (unsigned i = 0; i < BATCH; i++)
            assert_int_equal(pte_mfn(unit_entries(&unit, batch.table)[i]).v, batch.page.v);
        guest_assert_clean(unit.sim);
    }
    unit_destroy(&unit);
}

/*
 * Within one batch: a table is written, demoted by its parent's entry, written as memory, and linked again.  Shows
 * mmu_update.order, mmu_update.plain-memory.
 */
static void test_run_interrupted(void **state)
{
    struct mmu_update requests[6];
    struct unit unit;
    mfn_t parent, table, page;

    create(&unit, state);
    parent = unit_table(&unit, 2);
    table = unit_idle_page(&unit);
    page = unit_page(&unit);
    assert_int_equal(guest_set_entry(unit.vcpu, parent, 0, pte(table, PTE_TABLE)), 0);
    requests[0] = (struct mmu_update){pte(table, 0), pte(page, PTE_RW_PAGE)};
    requests[1] = (struct mmu_update){pte(table, 8), pte(page, PTE_RW_PAGE)};
    requests[2] = (struct mmu_update){pte(parent, 0), 0};
    requests[3] = (struct mmu_update){pte(table, 8), pte(MFN(UNIT_HOLE), PTE_P)}; /* memory now: anything */
    requests[4] = (struct mmu_update){pte(table, 8), 0};
    requests[5] = (struct mmu_update){pte(parent, 0), pte(table, PTE_TABLE)};
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 6, NULL, DOMID_SELF), 0);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_counts(&unit, table, 2, TYPE_L1, 1);
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_unpin(unit.vcpu, parent), 0);
    unit_destroy(&unit);
}

/*
 * Within one batch: memory is written, loses its only mapping, becomes a table, and is written as one.  Accessed and
 * dirty bits are kept in a table alone.
 */
static void test_memory_run_interrupted(void **state)
{
    struct mmu_update requests[] = {{0, 0}, {0, 0x77000}, {0, 0x5000}, {0, 0},
                                    {0, 0}, {0, 0},       {0, 0},      {0, pte(MFN(UNIT_HOLE), PTE_P)}};
    struct unit unit;
    mfn_t parent, page, leaf;
    unsigned done;

    create(&unit, state);
    parent = unit_table(&unit, 2);
    page = unit_idle_page(&unit);
    leaf = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 3, pte(page, PTE_RW_PAGE)), 0);
    unit_entries(&unit, page)[1] = PTE_A | PTE_D;
    for (unsigned i = 0; i < 3; i++)
        requests[i].ptr = pte(page, i * 8);
    requests[1].ptr |= MMU_PT_UPDATE_PRESERVE_AD;
    requests[2].ptr |= MMU_PT_UPDATE_NO_TRANSLATE;
    requests[3] = (struct mmu_update){pte(page, 8), 0};
    requests[4] = (struct mmu_update){pte(page, 16), pte(leaf, PTE_RW_PAGE)};
    requests[5] = (struct mmu_update){pte(unit_window_table(&unit), 3 * 8), 0};
    requests[6] = (struct mmu_update){pte(parent, 0), pte(page, PTE_TABLE)};
    requests[7].ptr = pte(page, 8);
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 3, &done, DOMID_SELF), 0);
    assert_int_equal(unit_entries(&unit, page)[1], 0x77000);
    assert_int_equal(unit_entries(&unit, page)[2], 0x5000);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(guest_mmu_update(unit.vcpu, requests, 8, &done, DOMID_SELF), -XEN_EPERM);
    assert_int_equal(done, 7);
    assert_int_equal(unit_entries(&unit, page)[1], 0);
    assert_counts(&unit, page, 2, TYPE_L1, 1);
    assert_counts(&unit, leaf, 3, TYPE_WRITABLE, 2);
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_unpin(unit.vcpu, parent), 0);
    unit_destroy(&unit);
}

/* Rights to a page that stays, each from each, alone and in a batch: one reference, and uses as the entries say. */
static void test_rights(void **state)
{
    static const uint64_t rights[] = {PTE_P | PTE_US, PTE_P | PTE_US | PTE_RW, PTE_P | PTE_US | PTE_RW | PTE_NX};
    static const unsigned commands[] = {MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE};
    struct unit unit;
    uint64_t *entry;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    entry = &unit_entries(&unit, unit_window_table(&unit))[5];
    assert_int_equal(unit_map(&unit, 5, pte(page, rights[0])), 0);
    for (unsigned i = 0; i < 2 * 3 * 3 * 3; i++) {
        unsigned to = i / 2 % 3, command = commands[i / 6 % 3];
        struct mmu_update requests[2];

        requests[0] = (struct mmu_update){pte(unit_window_table(&unit), 5 * 8) | command, pte(page, rights[i / 18])};
        requests[1] = (struct mmu_update){pte(unit_window_table(&unit), 5 * 8) | command, pte(page, rights[to])};
        *entry |= PTE_A;
        assert_int_equal(guest_mmu_update(unit.vcpu, requests, 1 + i % 2, NULL, DOMID_SELF), 0);
        to = i % 2 ? to : i / 18;
        assert_counts(&unit, page, 3, TYPE_WRITABLE, to ? 2 : 1);
        assert_int_equal(*entry & PTE_A, command == MMU_PT_UPDATE_PRESERVE_AD ? PTE_A : 0);
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(unit_map(&unit, 5, 0), 0);
    unit_destroy(&unit);
}

/* ---- The end of the domain under a batch. */

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

/* Shows mmu_update.dying. */
static void test_dying(void **state)
{
    struct mmu_update requests[BATCH];
    struct unit unit;
    unsigned done;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    for (unsigned i = 0; i < BATCH; i++)
        requests[i] = (struct mmu_update){pte(page, i * 8), 1};
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_refused(&unit, guest_mmu_update(unit.vcpu, requests, BATCH, &done, DOMID_SELF), XEN_ESRCH, REFUSE_DYING);
    assert_true(done < BATCH);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_refused(&unit, guest_mmu_update(unit.vcpu, requests, 1, &done, DOMID_SELF), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_done),
        unit_test_both(test_resumed),
        unit_test_both(test_unreadable_tail),
        unit_test_both(test_done_written),
        unit_test_both(test_m2p),
        unit_test_both(test_other_tables),
        unit_test_both(test_other_devices),
        unit_test_both(test_upper_foreign),
        unit_test_both(test_run_ends),
        unit_test_both(test_run_interrupted),
        unit_test_both(test_memory_run_interrupted),
        unit_test_both(test_rights),
        unit_test_both(test_dying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
