/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_set_trap_table. */
#include <abi/errno.h>
#include <abi/trap.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
}

/*
 * Shows set_trap_table.ended, set_trap_table.null, set_trap_table.own-vcpu, set_trap_table.others-stay,
 * set_trap_table.selector, hypercall.rings.
 */
static void test_install(void **state)
{
    struct trap_info traps[] = {
        {.vector = 0, .flags = 0, .cs = 0x10, .address = 0x1000},
        {.vector = 14, .flags = 4, .cs = 0xe019, .address = 0x2000},
        {.vector = 255, .flags = 0xff, .cs = 0x09, .address = 0xc0003000},
        {.vector = 14, .flags = 3, .cs = 0x0b, .address = 0x4000}, /* again: the last one counts */
    };
    bool wide = unit_width(state) == WIDTH_64;
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_set_trap_table(unit.vcpu, traps, ARRAY_SIZE(traps)), 0);
    assert_int_equal(unit.vcpu->traps[0].address, 0x1000);
    assert_int_equal(unit.vcpu->traps[0].cs, wide ? 0x13 : 0x11); /* never ring 0 */
    assert_int_equal(unit.vcpu->traps[14].address, 0x4000);
    assert_int_equal(unit.vcpu->traps[14].flags, 3);
    assert_int_equal(unit.vcpu->traps[14].cs, wide ? 0x0b : 0x09); /* nor ring 3 of a 32-bit guest */
    assert_int_equal(unit.vcpu->traps[255].address, 0xc0003000);
    assert_int_equal(unit.vcpu->traps[255].flags, 7); /* the bits that mean something */
    assert_int_equal(unit.vcpu->traps[255].cs, wide ? 0x0b : 0x09);
    for (unsigned i = 1; i < TRAP_VECTORS - 1; i++)
        assert_true(i == 14 || unit.vcpu->traps[i].address == 0);
    assert_int_equal(guest_vcpu(unit.guest, 1)->traps[0].address, 0); /* the caller's alone */
    /* What is not named stays; NULL clears everything. */
    assert_int_equal(guest_set_trap_table(unit.vcpu, traps, 1), 0);
    assert_int_equal(unit.vcpu->traps[14].address, 0x4000);
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_set_trap_table, 0, 0, 0, 0, 0, 0), 0);
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        assert_int_equal(unit.vcpu->traps[i].address | unit.vcpu->traps[i].cs | unit.vcpu->traps[i].flags, 0);
    unit_destroy(&unit);
}

/* Shows set_trap_table.ended. */
static void test_all_vectors(void **state)
{
    struct trap_info traps[TRAP_VECTORS];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        traps[i] = (struct trap_info){.vector = (uint8_t)i, .cs = 0x1b, .address = 0x1000 + i};
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    assert_int_equal(guest_set_trap_table(unit.vcpu, traps, TRAP_VECTORS), 0);
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        assert_int_equal(unit.vcpu->traps[i].address, 0x1000 + i);
    unit_destroy(&unit);
}

/* The entries before a bad one have been taken.  Shows set_trap_table.nowhere, set_trap_table.before-stay. */
static void test_not_canonical(void **state)
{
    static const uint64_t bad[] = {0x800000000000, HYPERVISOR_VIRT_START - 1, HYPERVISOR_VIRT_START, 1ul << 63};
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        const struct trap_info traps[] = {{.vector = 1, .address = 0x1000 + i}, {.vector = 2, .address = bad[i]}};

        assert_refused(&unit, guest_set_trap_table(unit.vcpu, traps, 2), XEN_EINVAL, REFUSE_NOT_CANONICAL);
        assert_int_equal(unit.vcpu->traps[1].address, 0x1000 + i);
        assert_int_equal(unit.vcpu->traps[2].address, 0);
    }
    unit_destroy(&unit);
}

/* The list runs into a page that is not there.  Shows set_trap_table.unreadable, set_trap_table.before-stay. */
static void test_unreadable(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    unit_entries(&unit, page)[511] = wide ? 0x1234 : UINT64_C(0x1234) << 32 | 9;
    unit_entries(&unit, page)[510] = 9;
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_refused(&unit,
                   guest_hypercall(unit.vcpu, __HYPERVISOR_set_trap_table, unit_window(&unit, 1).v - (wide ? 16 : 8), 0,
                                   0, 0, 0, 0),
                   XEN_EFAULT, REFUSE_GUEST_FAULT);
    assert_int_equal(unit.vcpu->traps[9].address, 0x1234);
    unit_destroy(&unit);
}

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

/* A list without an end, in a loop of mappings, stops when its domain does.  Shows set_trap_table.dying. */
static void test_dying(void **state)
{
    struct trap_info traps[4];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < 4; i++)
        traps[i] = (struct trap_info){.vector = (uint8_t)i, .address = 0x1000};
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_refused(&unit, guest_set_trap_table(unit.vcpu, traps, 4), XEN_ESRCH, REFUSE_DYING);
    assert_int_equal(unit.vcpu->traps[0].address, 0x1000);
    assert_int_equal(unit.vcpu->traps[1].address, 0);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* ---- Single handlers, for a vCPU that does not run. */

static void test_set_trap(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    struct vcpu *second;
    struct unit unit;

    create(&unit, state);
    second = guest_vcpu(unit.guest, 1);
    assert_int_equal(vcpu_set_trap(second, 0, 0x1000, 0x10, 0), 0);
    assert_int_equal(vcpu_set_trap(second, 255, 0xffffffff, 0xe00b, 0xff), 0);
    assert_int_equal(second->traps[0].address, 0x1000);
    assert_int_equal(second->traps[0].cs, wide ? 0x13 : 0x11);
    assert_int_equal(second->traps[0].flags, 0);
    assert_int_equal(second->traps[255].address, 0xffffffff);
    assert_int_equal(second->traps[255].cs, wide ? 0xe00b : 0xe009);
    assert_int_equal(second->traps[255].flags, 7);
    assert_int_equal(unit.vcpu->traps[0].address, 0); /* the other one's are not touched */
    assert_int_equal(vcpu_set_trap(second, 255, 0, 0xe00b, 0xff), 0);
    assert_int_equal(second->traps[255].address | second->traps[255].cs | second->traps[255].flags, 0);
    assert_int_equal(second->traps[0].address, 0x1000);
    unit_destroy(&unit);
}

static void test_set_trap_refused(void **state)
{
    static const uint64_t bad[] = {0x800000000000, HYPERVISOR_VIRT_START - 1, HYPERVISOR_VIRT_START,
                                   HYPERVISOR_VIRT_END - 1, 1ul << 63};
    struct unit unit;

    create(&unit, state);
    assert_int_equal(vcpu_set_trap(unit.vcpu, 3, 0x1000, 0x13, 1), 0);
    assert_refused(&unit, vcpu_set_trap(unit.vcpu, TRAP_VECTORS, 0x2000, 0x13, 0), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, vcpu_set_trap(unit.vcpu, TRAP_VECTORS + 3, 0x2000, 0x13, 0), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, vcpu_set_trap(unit.vcpu, UINT32_MAX, 0, 0, 0), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_refused(&unit, vcpu_set_trap(unit.vcpu, 3, bad[i], 0x23, 0), XEN_EINVAL, REFUSE_NOT_CANONICAL);
    if (unit_width(state) == WIDTH_PAE)
        assert_refused(&unit, vcpu_set_trap(unit.vcpu, 3, UINT64_C(1) << 32, 0x23, 0), XEN_EINVAL,
                       REFUSE_NOT_CANONICAL);
    else
        assert_int_equal(vcpu_set_trap(unit.vcpu, 4, HYPERVISOR_VIRT_END, 0x23, 0), 0);
    assert_int_equal(unit.vcpu->traps[3].address, 0x1000);
    unit_destroy(&unit);
}

int main(void)
{
    static enum width wide = WIDTH_64;
    const struct CMUnitTest tests[] = {
        unit_test_both(test_install),
        unit_test_both(test_all_vectors),
        {"test_not_canonical", test_not_canonical, NULL, NULL, &wide},
        unit_test_both(test_unreadable),
        unit_test_both(test_dying),
        unit_test_both(test_set_trap),
        unit_test_both(test_set_trap_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
