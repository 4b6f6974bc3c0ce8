/* SPDX-License-Identifier: MIT */
/* The entry to all hypercalls, and the multicall. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

#define UNOFFERED 127u

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state)});
}

/* ---- Dispatch. */

static int64_t echo(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)vcpu;
    return (int64_t)(number + args[0] + args[1] + args[2] + args[3] + args[4] + args[5]);
}

/* Shows hypercall.unknown. */
static void test_dispatch(void **state)
{
    static const unsigned numbers[] = {3, 11, 17, 29, 63, 64, UNOFFERED, UINT32_MAX};
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        unit.sim->hypercall = NULL;
        assert_int_equal(guest_hypercall(unit.vcpu, numbers[i], 1, 2, 3, 4, 5, 6), -XEN_ENOSYS);
        unit.sim->hypercall = echo;
        if (numbers[i] != UINT32_MAX)
            assert_int_equal(guest_hypercall(unit.vcpu, numbers[i], 1, 2, 3, 4, 5, 6), numbers[i] + 21);
    }
    unit_destroy(&unit);
}

/* A number that does not fit into 32 bits is none, whatever its low half is. */
static void test_wide_number(void **state)
{
    const uint64_t args[6] = {0};
    struct unit unit;

    create(&unit, state);
    assert_int_equal(engine_hypercall(unit.vcpu, UINT64_C(1) << 32 | __HYPERVISOR_mmu_update, args), -XEN_ENOSYS);
    assert_int_equal(engine_hypercall(unit.vcpu, UINT64_C(1) << 63, args), -XEN_ENOSYS);
    unit_destroy(&unit);
}

/*
 * 64-bit arguments of 32-bit guests come in two registers, the low half first.  Shows update_va_mapping.two-halves,
 * hypercall.two-halves.
 */
static void test_pairs(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE) | PTE_NX), 0);
    assert_true(guest_entry(unit.guest, unit_window_table(&unit), 0) & PTE_NX);
    assert_int_equal(guest_update_descriptor(unit.vcpu, pte(page, 0), UINT64_C(0x123456781234567) & ~(1ul << 47)), 0);
    assert_int_equal(unit_entries(&unit, page)[0], UINT64_C(0x123456781234567) & ~(1ul << 47));
    unit_destroy(&unit);
}

/* Shows hypercall.user-mode. */
static void test_user_mode(void **state)
{
    struct unit unit;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64});
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    for (unsigned number = 0; number < 64; number++)
        assert_refused(&unit, guest_hypercall(unit.vcpu, number, 0, 0, 0, 0, 0, 0), XEN_EPERM, REFUSE_USER_MODE);
    vcpu_enter_kernel(unit.vcpu);
    unit_destroy(&unit);
}

/* ---- Multicalls. */

/* Shows multicall.failure, multicall.unknown, multicall.nested, multicall.order, multicall.results. */
static void test_results(void **state)
{
    struct multicall_entry calls[5];
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    calls[0] = guest_call_update_va_mapping(unit.vcpu, unit_window(&unit, 0), pte(page, PTE_RW_PAGE), 0);
    calls[1] = guest_call_update_va_mapping(unit.vcpu, unit_window(&unit, 1), pte(MFN(UNIT_HOLE), PTE_P), 0);
    calls[2] = (struct multicall_entry){.op = UNOFFERED};
    calls[3] = (struct multicall_entry){.op = __HYPERVISOR_multicall};
    calls[4] = guest_call_update_va_mapping(unit.vcpu, unit_window(&unit, 0), 0, 0);
    assert_int_equal(guest_multicall(unit.vcpu, calls, 5), 0);
    assert_int_equal(calls[0].result, 0);
    assert_int_equal((int64_t)calls[1].result, -XEN_EPERM);
    assert_int_equal((int64_t)calls[2].result, -XEN_ENOSYS);
    assert_int_equal((int64_t)calls[3].result, -XEN_EINVAL);
    assert_int_equal(calls[4].result, 0);
    assert_int_equal(unit.sim->refusals[REFUSE_NESTED], 1);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    unit_destroy(&unit);
}

static unsigned nr_seen;

static int64_t see(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    assert_non_null(vcpu->entry);
    assert_int_equal(vcpu->entry->op, number);
    assert_int_equal(vcpu->entry->args[5], args[5]);
    assert_int_equal(vcpu->entry_index, args[5]);
    nr_seen++;
    return 0;
}

/* Which of the calls is carried out is known meanwhile, and no longer. */
static void test_entry(void **state)
{
    struct multicall_entry calls[] = {{.op = UNOFFERED}, {.op = __HYPERVISOR_mmu_update}, {.op = 3, .args[5] = 2}};
    struct unit unit;

    create(&unit, state);
    unit.sim->hypercall = see;
    nr_seen = 0;
    assert_int_equal(guest_multicall(unit.vcpu, calls, ARRAY_SIZE(calls)), 0);
    assert_int_equal(nr_seen, 2);
    assert_null(unit.vcpu->entry);
    unit_destroy(&unit);
}

/*
 * Only the result is written, in the width of the guest; the rest of the entry is the guest's.  Shows
 * multicall.results, multicall.arguments.
 */
static void test_layout(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    const struct multicall_entry call = {.op = UNOFFERED, .result = 5, .args = {1, 2, 3, 4, 5, 6}};
    const struct compat_multicall_entry narrow = {.op = UNOFFERED, .result = 5, .args = {1, 2, 3, 4, 5, 6}};
    struct compat_multicall_entry narrow_after;
    struct multicall_entry after;
    struct unit unit;
    vaddr_t at;

    create(&unit, state);
    unit.sim->hypercall = echo;
    at = wide ? guest_put(unit.vcpu, &call, sizeof(call)) : guest_put(unit.vcpu, &narrow, sizeof(narrow));
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_multicall, at.v, 1, 0, 0, 0, 0), 0);
    assert_true(guest_read(unit.vcpu, at, &after, sizeof(after)));
    assert_true(guest_read(unit.vcpu, at, &narrow_after, sizeof(narrow_after)));
    if (wide) {
        assert_int_equal(after.op, UNOFFERED);
        assert_int_equal(after.result, UNOFFERED + 21);
        assert_memory_equal(after.args, call.args, sizeof(call.args));
    } else {
        assert_int_equal(narrow_after.op, UNOFFERED);
        assert_int_equal(narrow_after.result, UNOFFERED + 21);
        assert_memory_equal(narrow_after.args, narrow.args, sizeof(narrow.args));
    }
    unit_destroy(&unit);
}

/* The list is unreadable from some entry on, or read-only: what came before is done.  Shows multicall.unreadable. */
static void test_bad_list(void **state)
{
    size_t size =
        unit_width(state) == WIDTH_64 ? sizeof(struct multicall_entry) : sizeof(struct compat_multicall_entry);
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    unit.sim->hypercall = echo;
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        unit_entries(&unit, page)[i] = unit_width(state) == WIDTH_64 ? UNOFFERED : UNOFFERED | UINT64_C(1) << 32;
    assert_refused(
        &unit, guest_hypercall(unit.vcpu, __HYPERVISOR_multicall, unit_window(&unit, 1).v - 2 * size, 3, 0, 0, 0, 0),
        XEN_EFAULT, REFUSE_GUEST_FAULT);
    assert_int_equal(unit.sim->last_refusal.index, 2);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_multicall, unit_window(&unit, 0).v, 3, 0, 0, 0, 0),
                   XEN_EFAULT, REFUSE_GUEST_FAULT);
    assert_int_equal(unit.sim->last_refusal.index, 0);
    unit_destroy(&unit);
}

/* A call that takes the vCPU out of kernel mode ends the list: the rest would run with the wrong root (XSA-213). */
static int64_t leave(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)args;
    if (number == __HYPERVISOR_iret && vcpu_enter_user(vcpu))
        sim_fail("user mode cannot be entered");
    return 0x1234;
}

/* Shows multicall.leaves-kernel. */
static void test_leaves_kernel(void **state)
{
    struct multicall_entry calls[3];
    struct unit unit;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64});
    unit.sim->hypercall = leave;
    page = unit_page(&unit);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    calls[0] = (struct multicall_entry){.op = UNOFFERED};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = 77};
    calls[2] = guest_call_update_va_mapping(unit.vcpu, unit_window(&unit, 0), pte(page, PTE_RW_PAGE), 0);
    calls[2].result = 77;
    assert_int_equal(guest_multicall(unit.vcpu, calls, 3), 0);
    assert_true(unit.vcpu->user_mode);
    assert_int_equal(calls[0].result, 0x1234);
    assert_int_equal(calls[1].result, 77);
    assert_int_equal(calls[2].result, 77);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    vcpu_enter_kernel(unit.vcpu);
    unit_destroy(&unit);
}

/* A call that sends the guest elsewhere, in kernel mode too, ends the list: what follows is not that code's. */
static int64_t divert(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)args;
    vcpu->diverted = number == __HYPERVISOR_iret;
    return 0x1234;
}

/* Shows multicall.leaves-kernel. */
static void test_diverted(void **state)
{
    struct multicall_entry calls[3];
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    unit.sim->hypercall = divert;
    page = unit_page(&unit);
    calls[0] = (struct multicall_entry){.op = UNOFFERED};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = 77};
    calls[2] = guest_call_update_va_mapping(unit.vcpu, unit_window(&unit, 0), pte(page, PTE_RW_PAGE), 0);
    calls[2].result = 77;
    assert_int_equal(guest_multicall(unit.vcpu, calls, 3), 0);
    assert_true(unit.vcpu->diverted); /* for the machine to see */
    assert_false(unit.vcpu->user_mode);
    assert_int_equal(calls[0].result, 0x1234);
    assert_int_equal(calls[1].result, 77);
    assert_int_equal(calls[2].result, 77);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    /* The next call begins anew, whosever it is. */
    assert_int_equal(guest_multicall(unit.vcpu, &calls[2], 1), 0);
    assert_false(unit.vcpu->diverted);
    assert_int_equal(calls[2].result, 0);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_int_equal(guest_hypercall(unit.vcpu, __HYPERVISOR_iret, 0, 0, 0, 0, 0, 0), 0x1234);
    assert_true(unit.vcpu->diverted);
    assert_int_equal(guest_flush_all(unit.vcpu), 0);
    assert_false(unit.vcpu->diverted);
    unit_destroy(&unit);
}

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

#define MANY 17u

/* Shows multicall.dying, multicall.interrupted: others may run before each eighth call but the first. */
static void test_points(void **state)
{
    struct multicall_entry calls[MANY];
    struct unit unit;
    uint64_t before;

    for (unsigned i = 0; i < MANY; i++)
        calls[i] = (struct multicall_entry){.op = UNOFFERED};
    create(&unit, state);
    before = unit.sim->preempt_points;
    assert_int_equal(guest_multicall(unit.vcpu, calls, MANY), 0);
    assert_int_equal(unit.sim->preempt_points, before + 2);
    assert_int_equal(guest_multicall(unit.vcpu, calls, 8), 0);
    assert_int_equal(unit.sim->preempt_points, before + 2);
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_refused(&unit, guest_multicall(unit.vcpu, calls, MANY), XEN_ESRCH, REFUSE_DYING);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_dispatch),    unit_test_both(test_wide_number),     unit_test_both(test_pairs),
        cmocka_unit_test(test_user_mode), unit_test_both(test_results),         unit_test_both(test_layout),
        unit_test_both(test_bad_list),    cmocka_unit_test(test_leaves_kernel), unit_test_both(test_points),
        unit_test_both(test_diverted),    unit_test_both(test_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
