/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_memory_op: frames that come and go, and questions about them. */
#include <abi/errno.h>
#include <engine/memory.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .max_frames = UNIT_PAGES + 20});
}

static int64_t decrease(struct unit *unit, uint64_t *extents, unsigned count, unsigned order)
{
    return guest_reservation(unit->vcpu, XENMEM_decrease_reservation, extents, count, order, 0);
}

/* ---- Increase and populate. */

static void test_increase(void **state)
{
    uint64_t extents[3] = {0};
    struct unit unit;

    create(&unit, state);
    for (unsigned order = 0; order <= 2; order++) {
        assert_int_equal(guest_reservation(unit.vcpu, XENMEM_increase_reservation, extents, 3, order, 0), 3);
        assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1 + (3u << order));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(extents[i] % (1u << order), 0);
            for (unsigned j = 0; j < 1u << order; j++) {
                assert_counts(&unit, MFN(extents[i] + j), 1, TYPE_NONE, 0);
                assert_int_equal(unit.machine->m2p[extents[i] + j], MACH2PHYS_INVALID); /* no pfn was given */
            }
        }
        guest_assert_clean(unit.sim);
        assert_int_equal(decrease(&unit, extents, 3, order), 3);
        assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    }
    unit_destroy(&unit);
}

static void test_populate(void **state)
{
    uint64_t extents[2] = {0x1000, 0x2000};
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, extents, 2, 1, 0), 2);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(unit.machine->m2p[extents[i / 2] + i % 2], 0x1000 * (i / 2 + 1) + i % 2);
        assert_int_equal(unit.machine->compat_m2p[extents[i / 2] + i % 2], 0x1000 * (i / 2 + 1) + i % 2);
    }
    assert_int_equal(decrease(&unit, extents, 2, 1), 2);
    unit_destroy(&unit);
}

/* As many as fit. */
static void test_partial(void **state)
{
    uint64_t extents[32];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < 32; i++)
        extents[i] = 0x1000 + i;
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, extents, 32, 0, 0), 21);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NO_MEMORY);
    assert_int_equal(unit.sim->last_refusal.index, 21);
    assert_int_equal(extents[21], 0x1015);
    assert_int_equal(decrease(&unit, extents, 32, 0), 21);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_OWNED);
    unit.sim->pool_fail_after = 3;
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_increase_reservation, extents, 32, 0, 0), 3);
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_int_equal(decrease(&unit, extents, 3, 0), 3);
    unit_destroy(&unit);
}

/* A reservation structure with the numbers given, in the layout of the guest. */
static vaddr_t put_reservation(struct unit *unit, uint64_t extents, uint64_t count, uint32_t order, uint32_t flags,
                               uint16_t domid)
{
    const struct xen_memory_reservation wide = {extents, count, order, flags, domid, {0}};
    const struct compat_xen_memory_reservation narrow = {(uint32_t)extents, (uint32_t)count, order, flags, domid, 0};

    return unit->domain->width == WIDTH_64 ? guest_put(unit->vcpu, &wide, sizeof(wide))
                                           : guest_put(unit->vcpu, &narrow, sizeof(narrow));
}

/* Without an array the guest finds its frames in no list; populate needs one. */
static void test_no_array(void **state)
{
    struct unit unit;
    vaddr_t at;

    create(&unit, state);
    at = put_reservation(&unit, 0, 4, 0, 0, DOMID_SELF);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_increase_reservation, at), 4);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES + 3);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 0);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, at), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

/* The array can be read but not written: the frames that nobody has heard of are given back at once. */
static void test_unwritable_array(void **state)
{
    struct unit unit;
    uint64_t pool;
    mfn_t page;
    vaddr_t at;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    at = put_reservation(&unit, unit_window(&unit, 0).v, 4, 1, 0, DOMID_SELF);
    pool = sim_pool_count(unit.sim);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 0);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_increase_reservation, at), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_GUEST_FAULT);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    unit_destroy(&unit);
}

/* Reservations that make no sense do nothing: the number of extents done is 0, never an error. */
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
        {at, 1, 0, 0, 1, REFUSE_NO_SUCH_DOMAIN},
        {at, 1, 10, 0, DOMID_SELF, REFUSE_EXTENT_ORDER},
        {at, 1, UINT32_MAX, 0, DOMID_SELF, REFUSE_EXTENT_ORDER},
        {at, limit, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {at, limit / 4, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {wide ? HYPERVISOR_VIRT_START : 0xf5800000, 1, 0, 0, DOMID_SELF, REFUSE_GUEST_ADDRESS},
        {at, 1, 0, XENMEMF_address_bits(20), DOMID_SELF, REFUSE_ADDRESS_BITS},
        {at, 1, 0, XENMEMF_address_bits(1), DOMID_SELF, REFUSE_ADDRESS_BITS},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        vaddr_t arg =
            put_reservation(&unit, rows[i].extents, rows[i].count, rows[i].order, rows[i].flags, rows[i].domid);

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
    arg = put_reservation(&unit, list.v, 1, 0, 0, unit.domain->id.v);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, arg), 1);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, arg), 1);
    unit_destroy(&unit);
}

/* Restrictions of the address width that all frames of the machine meet anyway. */
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

/* ---- Decrease. */

/* An extent goes wholly or not at all. */
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

/* A frame that is mapped, or a table, lives on until that ends; it is not the reservation's any more. */
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
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_vaddr(&unit, MFN(extents[0])), 0, UVMF_NONE), 0);
    assert_int_equal(sim_pool_count(unit.sim), pool + 2);
    unit_destroy(&unit);
}

static void test_decrease_not_owned(void **state)
{
    struct unit unit;
    uint64_t mfns[5];

    create(&unit, state);
    mfns[0] = guest_mfn(unit.other, PFN(99)).v;
    mfns[1] = UNIT_HOLE;
    mfns[2] = unit.machine->nr_frames;
    mfns[3] = guest_mfn(unit.guest, unit.guest->shared_info).v;
    mfns[4] = unit.sim->hypervisor_first.v;
    for (unsigned i = 0; i < ARRAY_SIZE(mfns); i++) {
        assert_int_equal(decrease(&unit, &mfns[i], 1, 0), 0);
        assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_OWNED);
        assert_int_equal(unit.sim->last_refusal.value, mfns[i]);
    }
    unit_destroy(&unit);
}

/* ---- Questions. */

static void test_questions(void **state)
{
    struct unit unit;
    vaddr_t self, other, nobody, io;

    create(&unit, state);
    self = guest_put(unit.vcpu, &(struct xen_memory_domain){DOMID_SELF}, 2);
    other = guest_put(unit.vcpu, &(struct xen_memory_domain){1}, 2);
    nobody = guest_put(unit.vcpu, &(struct xen_memory_domain){7}, 2);
    io = guest_put(unit.vcpu, &(struct xen_memory_domain){DOMID_IO}, 2);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_current_reservation, self), UNIT_PAGES - 1);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_maximum_reservation, self), UNIT_PAGES + 20);
    self = guest_put(unit.vcpu, &(struct xen_memory_domain){0}, 2); /* its own number is a name here */
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_current_reservation, self), UNIT_PAGES - 1);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_maximum_ram_page, VADDR(0)), unit.machine->nr_frames);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_current_reservation, nobody), XEN_ESRCH,
                   REFUSE_NO_SUCH_DOMAIN);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_current_reservation, io), XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_current_reservation, other), XEN_EPERM,
                   REFUSE_NOT_PRIVILEGED);
    unit.domain->privileged = true;
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_current_reservation, other), UNIT_PAGES - 1);
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_current_reservation, unit_window(&unit, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

static void test_machphys_mapping(void **state)
{
    struct xen_machphys_mapping wide = {0};
    struct compat_xen_machphys_mapping narrow = {0};
    struct unit unit;
    vaddr_t at;

    create(&unit, state);
    at = guest_put(unit.vcpu, &wide, sizeof(wide));
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_machphys_mapping, at), 0);
    if (unit_width(state) == WIDTH_64) {
        assert_true(guest_read(unit.vcpu, at, &wide, sizeof(wide)));
        assert_int_equal(wide.v_start, 0xffff800000000000);
        assert_int_equal(wide.v_end, 0xffff804000000000);
        assert_int_equal(wide.max_mfn, (wide.v_end - wide.v_start) / 8 - 1);
    } else {
        assert_true(guest_read(unit.vcpu, at, &narrow, sizeof(narrow)));
        assert_int_equal(narrow.v_start, 0xf5800000);
        assert_int_equal(narrow.v_end, 0xffe00000);
        assert_int_equal(narrow.max_mfn, (narrow.v_end - narrow.v_start) / 4 - 1);
    }
    assert_refused(&unit, guest_memory_op(unit.vcpu, XENMEM_machphys_mapping, unit_window(&unit, 0)), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

/* What the engine does not answer goes to the machine. */
static int64_t machine_answers(struct vcpu *vcpu, unsigned number, const uint64_t args[6])
{
    (void)vcpu;
    return (int64_t)(number * 1000 + args[0]);
}

static void test_machine_answers(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_memory_map, VADDR(0)), -XEN_ENOSYS);
    unit.sim->hypercall = machine_answers;
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_memory_map, VADDR(0)), __HYPERVISOR_memory_op * 1000 + 9);
    unit_destroy(&unit);
}

/* ---- The end of the domain. */

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

static void test_dying(void **state)
{
    uint64_t extents[4] = {1, 2, 3, 4};
    struct unit unit;

    create(&unit, state);
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, extents, 4, 0, 0), 0);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, extents, 4, 0, 0), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_increase),
        unit_test_both(test_populate),
        unit_test_both(test_partial),
        unit_test_both(test_no_array),
        unit_test_both(test_unwritable_array),
        unit_test_both(test_senseless),
        unit_test_both(test_own_number),
        unit_test_both(test_address_bits),
        unit_test_both(test_decrease_in_use),
        unit_test_both(test_decrease_whole),
        unit_test_both(test_decrease_not_owned),
        unit_test_both(test_questions),
        unit_test_both(test_machphys_mapping),
        unit_test_both(test_machine_answers),
        unit_test_both(test_dying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
