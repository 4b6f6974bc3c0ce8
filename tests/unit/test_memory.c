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

/* Shows memory_op.extents, memory_op.increase, memory_op.decrease, memory_op.result. */
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

/* Shows memory_op.populate. */
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

/* As many as fit.  Shows memory_op.partial. */
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

/*
 * The array can be read but not written: the frames that nobody has heard of are given back at once.  Shows
 * memory_op.senseless.
 */
static void test_unwritable_array(void **state)
{
    struct unit unit;
    uint64_t pool;
    mfn_t page;
    vaddr_t at;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    at = unit_put_reservation(&unit, unit_window(&unit, 0).v, 4, 1, 0, DOMID_SELF);
    pool = sim_pool_count(unit.sim);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 0);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_increase_reservation, at), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_GUEST_FAULT);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    unit_destroy(&unit);
}

/* ---- Questions. */

/*
 * Shows memory_op.current, memory_op.maximum, memory_op.maximum-ram-page, memory_op.no-domain, memory_op.no-right,
 * memory_op.unreadable, memory_op.result.
 */
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

/* A privileged caller changes another's reservation, within that one's limit; the array is the caller's own. */
static void test_of_another(void **state)
{
    static const uint64_t pfns[2] = {0x2000, 0x2000}; /* two words of a 64-bit guest, four of a 32-bit one */
    struct domain *other;
    uint64_t pool, frame = 0;
    struct unit unit;
    vaddr_t array, at;

    create(&unit, state);
    other = sim_domain(unit.sim, 1);
    array = guest_put(unit.vcpu, pfns, sizeof(pfns));
    at = unit_put_reservation(&unit, array.v, 2, 0, 0, 1);
    pool = sim_pool_count(unit.sim);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 0);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_NOT_PRIVILEGED);
    unit.domain->privileged = true;
    other->max_frames = other->nr_frames + 1;
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_populate_physmap, at), 1);
    assert_int_equal(other->nr_frames, other->max_frames);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    assert_true(guest_read(unit.vcpu, array, &frame, access_word_size(unit.domain)));
    assert_int_equal(unit_frame(&unit, MFN(frame))->owner, 1);
    assert_int_equal(unit.machine->m2p[frame], 0x2000);
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_memory_op(unit.vcpu, XENMEM_decrease_reservation, at), 1);
    assert_int_equal(other->nr_frames, other->max_frames - 1);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    unit_destroy(&unit);
}

/* Shows memory_op.machphys-mapping, memory_op.unreadable. */
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
static int64_t machine_answers(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)vcpu;
    return (int64_t)(number * 1000 + args[0]);
}

/* Shows memory_op.unknown-command. */
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
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_populate_physmap, extents, 4, 0, 0), 1);
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
        unit_test_both(test_increase),         unit_test_both(test_populate),   unit_test_both(test_partial),
        unit_test_both(test_unwritable_array), unit_test_both(test_questions),  unit_test_both(test_machphys_mapping),
        unit_test_both(test_machine_answers),  unit_test_both(test_of_another), unit_test_both(test_dying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
