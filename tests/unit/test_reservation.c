/* SPDX-License-Identifier: MIT */
/* Reservation structures: what they may ask for, and extents given back, each wholly or not at all. */
#include <abi/errno.h>
#include <engine/memory.h>
#include <engine/reservation.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .max_frames = UNIT_PAGES + 20});
}

static int64_t decrease(struct unit *unit, uint64_t *extents, unsigned count, unsigned order)
{
    return guest_reservation(unit->vcpu, XENMEM_decrease_reservation, extents, count, order, 0);
}

/* ---- The structure. */

/*
 * Without an array the guest finds its frames in no list; populate needs one.  Shows memory_op.increase,
 * memory_op.senseless.
 */
static void test_no_array(void **state)
{
    struct unit unit;
    vaddr_t at;

    create(&unit, state);
    at = unit_put_reservation(&unit, 0, 4, 0, 0, DOMID_SELF);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_increase_reservation, at), 4);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES + 3);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 0);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, at), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

/*
 * Reservations that make no sense do nothing: the number of extents done is 0, never an error.  Shows
 * memory_op.senseless, memory_op.address-bits.
 */
static void test_senseless(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    uint64_t limit = wide ? UINT64_MAX : UINT32_MAX;
    struct unit unit;
    uint64_t at;

    create(&unit, state);
    at = unit_window(&unit, 0).v;
    const struct {
        uint64_t extents, count;
        uint32_t order, flags;
        uint16_t domid;
        enum refusal_reason reason;
    } rows[] = {
        {at, 1, 0, 0, 1, REFUSE_NOT_PRIVILEGED},
        {at, 1, 0, 0, 77, REFUSE_NO_SUCH_DOMAIN},
        {at, 1, 10, 0, DOMID_SELF, REFUSE_EXTENT_ORDER},
        {at, 1, UINT32_MAX, 0, DOMID_SELF, REFUSE_EXTENT_ORDER},
        {at, limit, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {at, limit / 4, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {at, wide ? UINT64_C(1) << 32 : limit, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS}, /* more than calls count */
        {wide ? HYPERVISOR_VIRT_START : 0xf5800000, 1, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {at, 1, 0, XENMEMF_address_bits(20), DOMID_SELF, REFUSE_ADDRESS_BITS},
        {at, 1, 0, XENMEMF_address_bits(1), DOMID_SELF, REFUSE_ADDRESS_BITS},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        vaddr_t arg =
            unit_put_reservation(&unit, rows[i].extents, rows[i].count, rows[i].order, rows[i].flags, rows[i].domid);

        assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, arg), 0);
        assert_string_equal(refusal_name(unit.sim->last_refusal.reason), refusal_name(rows[i].reason));
        assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, arg), 0);
        /* What is given back may lie anywhere; but here there is no list of it. */
        assert_string_equal(refusal_name(unit.sim->last_refusal.reason),
                            refusal_name(rows[i].flags ? REFUSE_GUEST_FAULT : rows[i].reason));
    }
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    unit_destroy(&unit);
}

/* Its own number names the domain as DOMID_SELF does. */
static void test_own_number(void **state)
{
    struct unit unit;
    vaddr_t list, arg;
    uint64_t extent = 5;

    create(&unit, state);
    list = guest_put(unit.vcpu, &extent, sizeof(extent));
    arg = unit_put_reservation(&unit, list.v, 1, 0, 0, unit.domain->id.v);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, arg), 1);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, arg), 1);
    unit_destroy(&unit);
}

/*
 * Restrictions of the address width that all frames of the machine meet anyway.  Shows memory_op.address-bits,
 * memory_op.nodes.
 */
static void test_address_bits(void **state)
{
    static const uint32_t flags[] = {XENMEMF_address_bits(64), XENMEMF_address_bits(255), XENMEMF_address_bits(32),
                                     XENMEMF_address_bits(24), XENMEMF_node(0)};
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        uint64_t extent = 5;

        assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, &extent, 1, 0, flags[i]), 1);
        assert_int_equal(decrease(&unit, &extent, 1, 0), 1);
    }
    unit_destroy(&unit);
}

/* ---- An extent given back. */

/* An extent goes wholly or not at all.  Shows memory_op.whole-extents. */
static void test_decrease_whole(void **state)
{
    struct unit unit;
    uint64_t extent = 0x1000, hole, tail;

    create(&unit, state);
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, &extent, 1, 2, 0), 1);
    hole = extent + 2;
    tail = extent + 3;
    assert_int_equal(decrease(&unit, &hole, 1, 0), 1);
    assert_int_equal(decrease(&unit, &extent, 1, 2), 0);
    assert_int_equal(unit.sim->last_refusal.value, hole);
    assert_true(frame_is_sole(unit_frame(&unit, MFN(extent)), unit.domain));
    assert_int_equal(decrease(&unit, &extent, 1, 1), 1);
    assert_int_equal(decrease(&unit, &tail, 1, 0), 1);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    unit_destroy(&unit);
}

/*
 * A frame that is mapped, or a table, lives on until that ends; it is not the reservation's any more.  Shows
 * memory_op.in-use.
 */
static void test_decrease_in_use(void **state)
{
    struct unit unit;
    uint64_t extents[2], pool;
    mfn_t table;

    create(&unit, state);
    table = unit_table(&unit, 1);
    extents[0] = unit_page(&unit).v;
    extents[1] = table.v;
    pool = sim_pool_count(unit.sim);
    assert_int_equal(decrease(&unit, extents, 2, 0), 2);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_counts(&unit, MFN(extents[0]), 1, TYPE_WRITABLE, 1);
    assert_counts(&unit, table, 1, TYPE_L1, 1);
    guest_assert_clean(unit.sim);
    assert_int_equal(decrease(&unit, extents, 1, 0), 0); /* once is enough */
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_ALLOCATED);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_vaddr(&unit, MFN(extents[0])), 0, UVMF_NONE), 0);
    assert_int_equal(sim_pool_count(unit.sim), pool + 2);
    unit_destroy(&unit);
}

/* Shows memory_op.partial. */
static void test_decrease_not_owned(void **state)
{
    struct unit unit;
    uint64_t mfns[4], shared;

    create(&unit, state);
    shared = guest_mfn(unit.guest, unit.guest->shared_info).v;
    assert_int_equal(decrease(&unit, &shared, 1, 0), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_ALLOCATED);
    mfns[0] = guest_mfn(unit.other, PFN(99)).v;
    mfns[1] = UNIT_HOLE;
    mfns[2] = unit.machine->nr_frames;
    mfns[3] = unit.sim->hypervisor_first.v;
    for (unsigned i = 0; i < ARRAY_SIZE(mfns); i++) {
        assert_int_equal(decrease(&unit, &mfns[i], 1, 0), 0);
        assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_OWNED);
        assert_int_equal(unit.sim->last_refusal.value, mfns[i]);
    }
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_no_array),           unit_test_both(test_senseless),
        unit_test_both(test_own_number),         unit_test_both(test_address_bits),
        unit_test_both(test_decrease_whole),     unit_test_both(test_decrease_in_use),
        unit_test_both(test_decrease_not_owned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
