/* SPDX-License-Identifier: MIT */
/* Roots: what a vCPU runs on is referenced for as long as it does, in both of its modes. */
#include <abi/errno.h>
#include <engine/level.h>
#include <engine/root.h>
#include <engine/tlb.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, enum width width)
{
    unit_create(unit, &(struct unit_config){.width = width, .nr_vcpus = 2, .nr_guests = 2});
}

static mfn_t loaded(const struct unit *unit)
{
    return sim_vcpu_of(unit->vcpu)->loaded_root;
}

/* A root that the guest can run on, not pinned. */
static mfn_t kernel_tree(struct unit *unit, struct guest_tree *tree)
{
    guest_build_tree(unit->guest, unit->vcpu, root_level(unit->domain), GUEST_TREE_KERNEL, NULL, 0, tree);
    return tree->root;
}

/* Shows mmuext_op.baseptr, mmuext_op.baseptr-unpinned, mmuext_op.baseptr-released, mmuext_op.baseptr-same. */
static void test_new_baseptr(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t boot, root;

    create(&unit, unit_width(state));
    boot = guest_root(unit.guest);
    root = kernel_tree(&unit, &tree);
    assert_int_equal(guest_new_baseptr(unit.vcpu, root), 0);
    assert_int_equal(unit.vcpu->kernel_root.v, root.v);
    assert_int_equal(loaded(&unit).v, root.v);
    assert_counts(&unit, root, 3, (enum frame_type)root_level(unit.domain), 1);
    assert_counts(&unit, boot, 4, (enum frame_type)root_level(unit.domain), 2); /* its pin, and the other vCPU */
    assert_int_equal(guest_new_baseptr(unit.vcpu, root), 0);                    /* once more changes nothing */
    assert_counts(&unit, root, 3, (enum frame_type)root_level(unit.domain), 1);
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_new_baseptr(unit.vcpu, boot), 0);
    assert_counts(&unit, root, 2, TYPE_NONE, 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

static uint64_t points_of_load(struct unit *unit, mfn_t root)
{
    uint64_t points = unit->sim->preempt_points;

    assert_int_equal(guest_new_baseptr(unit->vcpu, root), 0);
    return unit->sim->preempt_points - points;
}

/* Validating passes a preemption point in each table; a pinned root passes none.  Shows mmuext_op.pin-cheap. */
static void test_pinned_root(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t boot, root;

    create(&unit, unit_width(state));
    boot = guest_root(unit.guest);
    root = kernel_tree(&unit, &tree);
    assert_true(points_of_load(&unit, root) > 0);
    assert_int_equal(guest_new_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(guest_pin(unit.vcpu, root, root_level(unit.domain)), 0);
    assert_int_equal(points_of_load(&unit, root), 0);
    assert_int_equal(points_of_load(&unit, boot), 0);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* On an error the vCPU stays where it was.  Shows mmuext_op.baseptr-refused, mmuext_op.baseptr-not-owned. */
static void test_refused(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t root, table;

    create(&unit, unit_width(state));
    root = kernel_tree(&unit, &tree);
    table = unit_table(&unit, 1);
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, table), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, unit_page(&unit)), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, guest_root(unit.other)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, MFN(UNIT_HOLE)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, MFN(UINT32_MAX)), XEN_EINVAL, REFUSE_NOT_OWNED);
    unit_entries(&unit, root)[1] = pte(table, PTE_P); /* no L3, and no L2 either */
    assert_refused(&unit, guest_new_baseptr(unit.vcpu, root), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    unit_entries(&unit, root)[1] = 0;
    assert_int_equal(loaded(&unit).v, guest_root(unit.guest).v);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

static void check_rule(struct sim *sim)
{
    struct sim_finding finding;

    if (sim_check_tlb_rule(sim, &finding))
        return;
    sim_print_finding(&finding);
    sim_fail("the rule is broken while a root is taken apart");
}

/* The processor has left the old root before its references go: no walk ends in a frame that is no table any more. */
static void test_release_after_load(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t root;

    create(&unit, unit_width(state));
    root = kernel_tree(&unit, &tree);
    assert_int_equal(guest_new_baseptr(unit.vcpu, root), 0);
    unit.sim->speculate_per_256 = 256;
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = check_rule;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
        guest_assert_clean(unit.sim);
        assert_int_equal(guest_new_baseptr(unit.vcpu, root), 0);
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    unit.sim->speculate_per_256 = 0;
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* A kernel's own load of cr3: as MMUEXT_NEW_BASEPTR in every respect, without a hypercall.  Shows mmuext_op.baseptr. */
static void test_set_kernel_root(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t boot, root, ldt;

    create(&unit, unit_width(state));
    boot = guest_root(unit.guest);
    root = kernel_tree(&unit, &tree);
    ldt = unit_idle_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(ldt, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), 8), 0);
    assert_int_equal(ldt_fault(unit.vcpu, 0), 0);
    assert_int_equal(vcpu_set_kernel_root(unit.vcpu, root), 0);
    assert_int_equal(unit.vcpu->kernel_root.v, root.v);
    assert_int_equal(loaded(&unit).v, root.v);
    assert_counts(&unit, root, 3, (enum frame_type)root_level(unit.domain), 1);
    assert_counts(&unit, boot, 4, (enum frame_type)root_level(unit.domain), 2);
    assert_counts(&unit, ldt, 2, TYPE_NONE, 0);
    /* Its processor has flushed since the last use ended. */
    assert_int_equal(tlb_stale(unit.machine, NULL, (uint32_t)unit.machine->tlb.now - 1).bits & 1, 0);
    guest_assert_clean(unit.sim);
    assert_refused(&unit, vcpu_set_kernel_root(unit.vcpu, unit_page(&unit)), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_int_equal(unit.sim->last_refusal.call, CALL_CR3_WRITE);
    assert_ptr_equal(unit.sim->last_refusal.vcpu, unit.vcpu);
    assert_refused(&unit, vcpu_set_kernel_root(unit.vcpu, guest_root(unit.other)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, vcpu_set_kernel_root(unit.vcpu, MFN(UNIT_HOLE)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, vcpu_set_kernel_root(unit.vcpu, MFN_NONE), XEN_EINVAL, REFUSE_NOT_OWNED);
    unit.domain->dying = true;
    assert_refused(&unit, vcpu_set_kernel_root(unit.vcpu, boot), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    assert_int_equal(loaded(&unit).v, root.v);
    assert_int_equal(vcpu_set_kernel_root(unit.vcpu, boot), 0);
    assert_counts(&unit, root, 2, TYPE_NONE, 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* A new root drops the LDT's frames, which were found through the old one.  Shows mmuext_op.ldt-dropped. */
static void test_ldt_dropped(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, unit_width(state));
    page = unit_idle_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), 8), 0);
    assert_int_equal(ldt_fault(unit.vcpu, 0), 0);
    assert_counts(&unit, page, 3, TYPE_SEGDESC, 1);
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    assert_counts(&unit, page, 2, TYPE_NONE, 0);
    assert_int_equal(unit.vcpu->ldt_entries, 8); /* it is mapped again when it is needed */
    assert_int_equal(ldt_fault(unit.vcpu, 0), 0);
    unit_destroy(&unit);
}

/* ---- User mode, 64-bit guests only. */

/* Shows mmuext_op.user-kernels, mmuext_op.user-later, mmuext_op.user-same. */
static void test_user_root(void **state)
{
    struct unit unit;
    mfn_t user, boot;

    (void)state;
    create(&unit, WIDTH_64);
    boot = guest_root(unit.guest);
    user = unit_idle_page(&unit);
    assert_refused(&unit, vcpu_enter_user(unit.vcpu), XEN_EINVAL, REFUSE_NO_USER_ROOT);
    assert_false(unit.vcpu->user_mode);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_counts(&unit, user, 2, TYPE_L4, 1);
    assert_int_equal(loaded(&unit).v, boot.v); /* it takes effect when user mode begins */
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    assert_int_equal(loaded(&unit).v, user.v);
    assert_refused(&unit, guest_flush_all(unit.vcpu), XEN_EPERM, REFUSE_USER_MODE);
    guest_assert_clean(unit.sim);
    vcpu_enter_kernel(unit.vcpu);
    assert_int_equal(loaded(&unit).v, boot.v);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_counts(&unit, user, 2, TYPE_L4, 1);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0); /* the kernel's own serves as well */
    assert_counts(&unit, user, 1, TYPE_NONE, 0);
    assert_counts(&unit, boot, 6, TYPE_L4, 4);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, MFN(0)), 0);
    assert_true(mfn_is_none(unit.vcpu->user_root));
    assert_counts(&unit, boot, 5, TYPE_L4, 3);
    unit_destroy(&unit);
}

static uint64_t m2p_slot(struct unit *unit, mfn_t root)
{
    return frame_entries(unit->machine, frame_find(unit->machine, root))[256];
}

/*
 * With m2p_strict user mode's root does without the M2P, unless it is the kernel's as well.  Shows layout.m2p-user,
 * vm_assist.m2p-strict, vm_assist.m2p-strict-later.
 */
static void test_m2p_strict(void **state)
{
    struct unit unit;
    mfn_t user, boot;
    uint64_t shown;

    (void)state;
    create(&unit, WIDTH_64);
    boot = guest_root(unit.guest);
    user = unit_idle_page(&unit);
    shown = unit.machine->root_slots[0];
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_int_equal(m2p_slot(&unit, user), shown);
    unit.domain->m2p_strict = true;
    assert_int_equal(m2p_slot(&unit, user), shown); /* not before it is loaded again */
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_int_equal(m2p_slot(&unit, user), 0);
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(m2p_slot(&unit, boot) & ENTRY_PRESENT, ENTRY_PRESENT);
    assert_int_equal(guest_pin(unit.vcpu, user, 4), 0);
    assert_int_equal(m2p_slot(&unit, user), shown); /* no vCPU's root of user mode any more */
    assert_int_equal(vcpu_set_roots(unit.vcpu, boot, user), 0);
    assert_int_equal(m2p_slot(&unit, user), 0);
    assert_int_equal(m2p_slot(&unit, boot) & ENTRY_PRESENT, ENTRY_PRESENT);
    guest_assert_clean(unit.sim);
    unit_destroy(&unit);
}

/* What a vCPU runs on changes with its mode: the root of the other mode is noted, and not loaded. */
static void test_other_mode(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    struct op op;
    mfn_t user, root;

    (void)state;
    create(&unit, WIDTH_64);
    user = unit_table(&unit, 4);
    root = kernel_tree(&unit, &tree);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    op = unit_begin(&unit);
    assert_int_equal(root_set_kernel(&op, root), 0);
    assert_int_equal(loaded(&unit).v, user.v);
    assert_int_equal(root_set_user(&op, root), 0);
    assert_int_equal(loaded(&unit).v, root.v);
    unit_end(&op);
    vcpu_enter_kernel(unit.vcpu);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, MFN(0)), 0);
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, user), 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* While a root is loaded the others may have the lock, and nobody lets go of it where there are none. */
static void test_load_and_lock(void **state)
{
    struct unit unit;
    struct op op;
    cpumask_t all;
    mfn_t root;

    create(&unit, unit_width(state));
    root = guest_root(unit.guest);
    all = unit.machine->tlb.cpus;
    op = unit_begin(&unit);
    assert_int_equal(op.unlocks, 0);
    assert_int_equal(root_set_kernel(&op, root), 0);
    assert_int_equal(op.unlocks, 1);
    assert_int_equal(loaded(&unit).v, root.v);
    unit.machine->tlb.cpus = cpumask_of(unit.vcpu->cpu);
    assert_int_equal(root_set_kernel(&op, root), 0);
    assert_int_equal(op.unlocks, 1);
    unit.machine->tlb.cpus = all;
    unit.domain->nr_vcpus = 1;
    assert_int_equal(root_set_kernel(&op, root), 0);
    assert_int_equal(op.unlocks, 1);
    unit.domain->nr_vcpus = 2;
    unit_end(&op);
    guest_assert_clean(unit.sim);
    unit_destroy(&unit);
}

/* A tree with a page of the user's that no other tree has, loaded as user mode's root. */
static vaddr_t user_tree(struct unit *unit, struct guest_tree *tree)
{
    struct guest_leaf leaf = {VADDR(0x40201000), pte(unit_idle_page(unit), PTE_RO_PAGE | PTE_US)};

    guest_build_tree(unit->guest, unit->vcpu, 4, GUEST_TREE_PLAIN, &leaf, 1, tree);
    assert_int_equal(guest_new_user_baseptr(unit->vcpu, tree->root), 0);
    return leaf.vaddr;
}

static bool reads(const struct unit *unit, vaddr_t vaddr)
{
    uint64_t word;

    return guest_read(unit->vcpu, vaddr, &word, sizeof(word));
}

/*
 * A page of the user stays in the TLB after a return to the kernel, whose root has nothing there; not after a new root
 * of either mode.  Shows pte.global-modes, mmuext_op.user-flush.
 */
static void test_global_page(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    vaddr_t vaddr;

    (void)state;
    create(&unit, WIDTH_64);
    vaddr = user_tree(&unit, &tree);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
        assert_true(reads(&unit, vaddr));
        vcpu_enter_kernel(unit.vcpu);
        assert_true(reads(&unit, vaddr));
        if (i == 0)
            assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
        else
            assert_int_equal(guest_new_user_baseptr(unit.vcpu, MFN(0)), 0);
        assert_false(reads(&unit, vaddr));
    }
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* For a new root of user mode the processor forgets what it has of the old one, once, and only if there is any. */
static void test_user_cached(void **state)
{
    struct unit unit;
    uint64_t loads;
    mfn_t boot;

    (void)state;
    create(&unit, WIDTH_64);
    boot = guest_root(unit.guest);
    loads = unit.sim->cpus[0].root_loads;
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(unit.sim->cpus[0].root_loads, loads);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    vcpu_enter_kernel(unit.vcpu);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(unit.sim->cpus[0].root_loads, loads + 1);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    vcpu_enter_kernel(unit.vcpu);
    assert_int_equal(guest_new_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, boot), 0);
    assert_int_equal(unit.sim->cpus[0].root_loads, loads + 2);
    unit_destroy(&unit);
}

/* Shows mmuext_op.user-refused, mmuext_op.user-not-owned. */
static void test_user_refused(void **state)
{
    struct unit unit;
    mfn_t user;

    (void)state;
    create(&unit, WIDTH_64);
    user = unit_table(&unit, 4);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, user), 0);
    assert_refused(&unit, guest_new_user_baseptr(unit.vcpu, unit_page(&unit)), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_new_user_baseptr(unit.vcpu, MFN(UNIT_HOLE)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_int_equal(unit.vcpu->user_root.v, user.v);
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, MFN(0)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, user), 0);
    unit_destroy(&unit);
}

/* Shows mmuext_op.user-32. */
static void test_user_pae(void **state)
{
    struct unit unit;

    (void)state;
    create(&unit, WIDTH_PAE);
    assert_refused(&unit, guest_new_user_baseptr(unit.vcpu, guest_root(unit.guest)), XEN_EINVAL, REFUSE_WIDTH);
    unit_destroy(&unit);
}

/* ---- The builder's way. */

/* Shows vcpu_op.initialise-dying. */
static void test_set_roots(void **state)
{
    struct guest_tree tree;
    struct unit unit;
    mfn_t boot, root;

    (void)state;
    create(&unit, WIDTH_64);
    boot = guest_root(unit.guest);
    root = kernel_tree(&unit, &tree);
    assert_int_equal(vcpu_set_roots(unit.vcpu, root, boot), 0);
    assert_int_equal(unit.vcpu->kernel_root.v, root.v);
    assert_int_equal(unit.vcpu->user_root.v, boot.v);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    /* The second is refused: the first is not kept either, and the vCPU goes on as it was. */
    assert_refused(&unit, vcpu_set_roots(unit.vcpu, boot, unit_page(&unit)), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, vcpu_set_roots(unit.vcpu, MFN_NONE, boot), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_true(unit.vcpu->user_mode);
    assert_int_equal(unit.vcpu->kernel_root.v, root.v);
    guest_assert_clean(unit.sim);
    assert_int_equal(vcpu_set_roots(unit.vcpu, boot, MFN_NONE), 0);
    assert_false(unit.vcpu->user_mode);
    assert_int_equal(loaded(&unit).v, boot.v);
    assert_counts(&unit, root, 2, TYPE_NONE, 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit.domain->dying = true;
    assert_refused(&unit, vcpu_set_roots(unit.vcpu, boot, MFN_NONE), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_new_baseptr),    unit_test_both(test_refused),
        unit_test_both(test_pinned_root),    unit_test_both(test_release_after_load),
        unit_test_both(test_ldt_dropped),    cmocka_unit_test(test_user_root),
        cmocka_unit_test(test_m2p_strict),   cmocka_unit_test(test_other_mode),
        unit_test_both(test_load_and_lock),  unit_test_both(test_set_kernel_root),
        cmocka_unit_test(test_user_refused), cmocka_unit_test(test_user_pae),
        cmocka_unit_test(test_set_roots),    cmocka_unit_test(test_global_page),
        cmocka_unit_test(test_user_cached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
