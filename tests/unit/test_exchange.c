/* SPDX-License-Identifier: MIT */
/* XENMEM_exchange: a chunk is traded wholly or not at all, and memory is conserved whatever fails. */
#include <abi/errno.h>
#include <engine/exchange.h>
#include <engine/reservation.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
}

/* Extents of @order from a reservation that has just been increased: mapped nowhere. */
static void take(struct unit *unit, uint64_t *extents, unsigned count, unsigned order)
{
    for (unsigned i = 0; i < count; i++)
        extents[i] = 0x5000 + i * 64;
    assert_int_equal(guest_reservation(unit->vcpu, XENMEM_populate_physmap, extents, count, order, 0), count);
}

static void give(struct unit *unit, uint64_t *extents, unsigned count, unsigned order)
{
    assert_int_equal(guest_reservation(unit->vcpu, XENMEM_decrease_reservation, extents, count, order, 0), count);
}

/*
 * Small for small, small for large, large for small; the contents of the old are not those of the new.  Shows
 * memory_op.exchange, memory_op.exchange-out.
 */
static void test_orders(void **state)
{
    static const struct {
        unsigned nr_in, in_order, nr_out, out_order;
    } rows[] = {{1, 0, 1, 0}, {4, 0, 4, 0}, {4, 0, 1, 2}, {8, 0, 2, 2}, {1, 2, 4, 0}, {2, 2, 8, 0}, {2, 1, 1, 2}};
    struct unit unit;

    create(&unit, state);
    for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
        uint64_t in[8], out[8], exchanged = 77, pool, frames;

        take(&unit, in, rows[row].nr_in, rows[row].in_order);
        for (unsigned i = 0; i < rows[row].nr_out; i++)
            out[i] = 0x9000 + i * 64;
        pool = sim_pool_count(unit.sim);
        frames = unit.domain->nr_frames;
        assert_int_equal(guest_exchange(unit.vcpu, in, rows[row].nr_in, rows[row].in_order, out, rows[row].nr_out,
                                        rows[row].out_order, 0, &exchanged),
                         0);
        assert_int_equal(exchanged, rows[row].nr_in);
        assert_int_equal(sim_pool_count(unit.sim), pool);
        assert_int_equal(unit.domain->nr_frames, frames);
        for (unsigned i = 0; i < rows[row].nr_out; i++) {
            assert_int_equal(out[i] % (1u << rows[row].out_order), 0);
            for (unsigned j = 0; j < 1u << rows[row].out_order; j++) {
                assert_counts(&unit, MFN(out[i] + j), 1, TYPE_NONE, 0);
                assert_int_equal(unit.machine->m2p[out[i] + j], 0x9000 + i * 64 + j);
            }
        }
        guest_assert_clean(unit.sim);
        give(&unit, out, rows[row].nr_out, rows[row].out_order);
    }
    unit_destroy(&unit);
}

/*
 * A bad frame in each place of a chunk: everything is as it was, the chunks before it are done.  Shows
 * memory_op.exchange-failure, memory_op.exchange-progress, memory_op.exchange-not-owned, memory_op.exchange-in-use.
 */
static void test_bad_frame(void **state)
{
    struct unit unit;
    mfn_t bad[4];

    create(&unit, state);
    bad[0] = unit_page(&unit); /* mapped */
    bad[1] = unit_table(&unit, 1);
    bad[2] = guest_mfn(unit.other, PFN(99));
    bad[3] = MFN(UNIT_HOLE);
    for (unsigned place = 0; place < 8; place++) {
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
            uint64_t in[8], out[2] = {0x9000, 0x9004}, pool, exchanged, saved;
            unsigned done = place / 4;

            take(&unit, in, 8, 0);
            saved = in[place];
            in[place] = bad[i].v;
            pool = sim_pool_count(unit.sim);
            assert_int_equal(guest_exchange(unit.vcpu, in, 8, 0, out, 2, 2, 0, &exchanged), -XEN_EINVAL);
            assert_int_equal(exchanged, done * 4);
            assert_int_equal(unit.sim->last_refusal.reason, i < 2 ? REFUSE_FRAME_IN_USE : REFUSE_NOT_OWNED);
            assert_int_equal(sim_pool_count(unit.sim), pool);
            guest_assert_clean(unit.sim);
            in[place] = saved;
            give(&unit, in + done * 4, 8 - done * 4, 0);
            if (done)
                give(&unit, out, 1, 2);
        }
    }
    assert_int_equal(guest_unpin(unit.vcpu, bad[1]), 0);
    unit_destroy(&unit);
}

/* A frame cannot be given twice.  Shows memory_op.exchange-in-use. */
static void test_twice(void **state)
{
    uint64_t in[4], out[1] = {0x9000};
    struct unit unit;

    create(&unit, state);
    take(&unit, in, 4, 0);
    in[3] = in[0];
    assert_int_equal(guest_exchange(unit.vcpu, in, 4, 0, out, 1, 2, 0, NULL), -XEN_EINVAL);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_FRAME_IN_USE);
    guest_assert_clean(unit.sim);
    unit_destroy(&unit);
}

/* The pool has no such frames: nothing is lost.  Shows memory_op.exchange-no-memory, memory_op.exchange-failure. */
static void test_no_memory(void **state)
{
    uint64_t in[4], out[4] = {1, 2, 3, 4}, exchanged;
    struct unit unit;

    create(&unit, state);
    take(&unit, in, 4, 0);
    for (unsigned after = 0; after < 4; after++) {
        uint64_t large = in[0];

        unit.sim->pool_fail_after = after;
        assert_int_equal(guest_exchange(unit.vcpu, in, 4, 0, out, 4, 0, 0, &exchanged), -XEN_ENOMEM);
        assert_int_equal(exchanged, after);
        unit.sim->pool_fail_after = UINT64_MAX;
        guest_assert_clean(unit.sim);
        give(&unit, in + after, 4 - after, 0);
        give(&unit, out, after, 0);
        take(&unit, &large, 1, 2); /* and one large extent for small ones, which fails half way */
        unit.sim->pool_fail_after = after;
        assert_int_equal(guest_exchange(unit.vcpu, &large, 1, 2, out, 4, 0, 0, &exchanged), -XEN_ENOMEM);
        assert_int_equal(exchanged, 0);
        unit.sim->pool_fail_after = UINT64_MAX;
        guest_assert_clean(unit.sim);
        give(&unit, &large, 1, 2);
        take(&unit, in, 4, 0);
    }
    unit_destroy(&unit);
}

/* ---- The structure itself. */

struct side {
    uint64_t extents, count;
    uint32_t order, flags;
    uint16_t domid;
};

static vaddr_t put_exchange(struct unit *unit, const struct side *in, const struct side *out, uint64_t done)
{
    const struct xen_memory_exchange wide = {
        {in->extents, in->count, in->order, in->flags, in->domid, {0}},
        {out->extents, out->count, out->order, out->flags, out->domid, {0}},
        done,
    };
    const struct compat_xen_memory_exchange narrow = {
        {(uint32_t)in->extents, (uint32_t)in->count, in->order, in->flags, in->domid, 0},
        {(uint32_t)out->extents, (uint32_t)out->count, out->order, out->flags, out->domid, 0},
        (uint32_t)done,
    };

    return unit->domain->width == WIDTH_64 ? guest_put(unit->vcpu, &wide, sizeof(wide))
                                           : guest_put(unit->vcpu, &narrow, sizeof(narrow));
}

/*
 * Shows memory_op.exchange-unreadable, memory_op.exchange-order, memory_op.exchange-counts, memory_op.exchange-nowhere,
 * memory_op.exchange-domain, memory_op.exchange-bits, memory_op.exchange-array.
 */
static void test_senseless(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    uint64_t hole = wide ? HYPERVISOR_VIRT_START : 0xf5800000;
    struct unit unit;
    uint64_t at;

    create(&unit, state);
    at = unit_window(&unit, 0).v;
    const struct {
        struct side in, out;
        uint64_t done;
        int error;
        enum refusal_reason reason;
    } rows[] = {
        {{at, 4, 0, 0, DOMID_SELF}, {at, 1, 1, 0, DOMID_SELF}, 0, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 3, 0, 0, DOMID_SELF}, 0, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 4, 0, 0, DOMID_SELF}, 5, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 0, 0, DOMID_SELF},
         {at, 4, 0, 0, DOMID_SELF},
         wide ? UINT64_MAX : UINT32_MAX,
         XEN_EINVAL,
         REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 1, 2, 0, DOMID_SELF}, 2, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 10, 0, DOMID_SELF}, {at, 4, 10, 0, DOMID_SELF}, 0, XEN_EPERM, REFUSE_EXTENT_ORDER},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 4, UINT32_MAX, 0, DOMID_SELF}, 0, XEN_EPERM, REFUSE_EXTENT_ORDER},
        {{at, 4, 0, 0, 1}, {at, 4, 0, 0, 1}, 0, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 4, 0, 0, 0}, 0, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        /* Several things wrong at once: the first that is looked at. */
        {{hole, 4, 0, 0, 1}, {at, 3, 10, 0, 1}, 5, XEN_EPERM, REFUSE_EXTENT_ORDER},
        {{hole, 4, 0, 0, 1}, {at, 3, 0, 0, 1}, 0, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS},
        {{at, 4, 0, 0, 1}, {hole, 4, 0, 0, 1}, 0, XEN_EFAULT, REFUSE_GUEST_ADDRESS},
        {{at, 4, 0, 12, 1}, {at, 4, 0, 12, 1}, 0, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN},
        /* Its own number names the domain, too. */
        {{at, 4, 0, 0, 0}, {at, 4, 0, 0, 0}, 0, XEN_EFAULT, REFUSE_GUEST_FAULT},
        {{hole, 4, 0, 0, DOMID_SELF}, {at, 4, 0, 0, DOMID_SELF}, 0, XEN_EFAULT, REFUSE_GUEST_ADDRESS},
        {{at, 4, 0, 0, DOMID_SELF}, {hole, 4, 0, 0, DOMID_SELF}, 0, XEN_EFAULT, REFUSE_GUEST_ADDRESS},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 4, 0, 12, DOMID_SELF}, 0, XEN_ENOMEM, REFUSE_ADDRESS_BITS},
        {{at, 4, 0, 0, DOMID_SELF}, {at, 4, 0, 0, DOMID_SELF}, 0, XEN_EFAULT, REFUSE_GUEST_FAULT},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        vaddr_t arg = put_exchange(&unit, &rows[i].in, &rows[i].out, rows[i].done);

        assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, arg), rows[i].error, rows[i].reason);
    }
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, unit_window(&unit, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

/* Numbers whose product does not fit. */
static void test_overflow(void **state)
{
    struct unit unit;
    struct side in, out;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64});
    in = (struct side){unit_window(&unit, 0).v, UINT64_C(1) << 55, 9, 0, DOMID_SELF};
    out = (struct side){unit_window(&unit, 0).v, 0, 9, 0, DOMID_SELF};
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, put_exchange(&unit, &in, &out, 0)), XEN_EFAULT,
                   REFUSE_GUEST_ADDRESS);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, put_exchange(&unit, &out, &in, 0)), XEN_EFAULT,
                   REFUSE_GUEST_ADDRESS);
    unit_destroy(&unit);
}

/* What was done before is not done again, and the number says so.  Shows memory_op.exchange-progress. */
static void test_progress(void **state)
{
    uint64_t in[4], list[4] = {0x9000, 0x9001, 0x9002, 0x9003};
    bool wide = unit_width(state) == WIDTH_64;
    struct side sides[2];
    struct unit unit;
    uint32_t words[8];
    vaddr_t arg;

    create(&unit, state);
    take(&unit, in, 4, 0);
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 4; i++)
            words[i] = (uint32_t)(side ? list[i] : in[i]);
        sides[side] =
            (struct side){wide ? guest_put(unit.vcpu, side ? list : in, 32).v : guest_put(unit.vcpu, words, 16).v, 4, 0,
                          0, DOMID_SELF};
    }
    arg = put_exchange(&unit, &sides[0], &sides[1], 3);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_exchange, arg), 0);
    assert_true(frame_is_sole(unit_frame(&unit, MFN(in[2])), unit.domain));
    assert_int_equal(unit_frame(&unit, MFN(in[3]))->owner, OWNER_NONE);
    unit_destroy(&unit);
}

/*
 * The list of new extents cannot be written, or the structure cannot.  Shows memory_op.exchange-list,
 * memory_op.exchange-unwritable.
 */
static void test_unwritable(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    struct side in, out;
    uint64_t mfn, pool;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    take(&unit, &mfn, 1, 0);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    in = (struct side){guest_put(unit.vcpu, &mfn, 8).v, 1, 0, 0, DOMID_SELF};
    out = (struct side){unit_window(&unit, 0).v, 1, 0, 0, DOMID_SELF};
    pool = sim_pool_count(unit.sim);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, put_exchange(&unit, &in, &out, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_true(frame_is_sole(unit_frame(&unit, MFN(mfn)), unit.domain));
    guest_assert_clean(unit.sim);

    /* The structure itself lies in a page that can only be read: it is noticed when the trade is done. */
    out.extents = guest_put(unit.vcpu, &(uint64_t){0x9000}, 8).v;
    if (wide)
        *(struct xen_memory_exchange *)(void *)unit_entries(&unit, page) = (struct xen_memory_exchange){
            {in.extents, 1, 0, 0, DOMID_SELF, {0}}, {out.extents, 1, 0, 0, DOMID_SELF, {0}}, 0};
    else
        *(struct compat_xen_memory_exchange *)(void *)unit_entries(&unit, page) = (struct compat_xen_memory_exchange){
            {(uint32_t)in.extents, 1, 0, 0, DOMID_SELF, 0}, {(uint32_t)out.extents, 1, 0, 0, DOMID_SELF, 0}, 0};
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, unit_window(&unit, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    assert_int_equal(unit_frame(&unit, MFN(mfn))->owner, OWNER_NONE);
    guest_assert_clean(unit.sim);
    /* Once more: the frame is gone, which is the error that counts. */
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, unit_window(&unit, 0)), XEN_EINVAL,
                   REFUSE_NOT_OWNED);
    unit_destroy(&unit);
}

/*
 * The second half of a chunk of new extents cannot be read: the first half is given back.  Shows
 * memory_op.exchange-out-unreadable.
 */
static void test_unreadable_tail(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    uint64_t mfn, pool;
    struct side in, out;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    take(&unit, &mfn, 1, 2);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    in = (struct side){guest_put(unit.vcpu, &mfn, 8).v, 1, 2, 0, DOMID_SELF};
    out = (struct side){unit_window(&unit, 1).v - 2 * (wide ? 8u : 4u), 4, 0, 0, DOMID_SELF};
    pool = sim_pool_count(unit.sim);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_exchange, put_exchange(&unit, &in, &out, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    for (unsigned i = 0; i < 4; i++)
        assert_true(frame_is_sole(unit_frame(&unit, MFN(mfn + i)), unit.domain));
    unit_destroy(&unit);
}

/* ---- The end of the domain under it. */

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

/* Shows memory_op.exchange-dying. */
static void test_dying(void **state)
{
    uint64_t in[2], out[2] = {1, 2}, exchanged;
    struct unit unit;

    create(&unit, state);
    take(&unit, in, 2, 0);
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_refused(&unit, guest_exchange(unit.vcpu, in, 2, 0, out, 2, 0, 0, &exchanged), XEN_ESRCH, REFUSE_DYING);
    assert_int_equal(exchanged, 0);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_refused(&unit, guest_exchange(unit.vcpu, in, 2, 0, out, 2, 0, 0, &exchanged), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_orders),    unit_test_both(test_bad_frame),  unit_test_both(test_twice),
        unit_test_both(test_no_memory), unit_test_both(test_senseless),  cmocka_unit_test(test_overflow),
        unit_test_both(test_progress),  unit_test_both(test_unwritable), unit_test_both(test_unreadable_tail),
        unit_test_both(test_dying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
