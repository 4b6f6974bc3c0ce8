/* SPDX-License-Identifier: MIT */
/* Machines, domains and vCPUs: what they begin with, what a builder does, and that nothing is left of them. */
#include <string.h>

#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

/* ---- Making. */

/* Shows startofday.nothing-set. */
static void test_init(void **state)
{
    const struct sim_config config = {.nr_frames = 64, .nr_domains = 1};
    struct sim *sim = sim_create(&config);
    struct domain domain = {.nr_frames = 5, .operations = 3, .dying = true, .max_frames = 9, .nr_holds = 2};
    struct vcpu vcpu;

    (void)state;
    memset(&vcpu, 0x55, sizeof(vcpu));
    domain_init(&domain);
    vcpu_init(&vcpu);
    assert_int_equal(domain.nr_frames + domain.operations + domain.dying + domain.nr_holds, 0);
    assert_int_equal(domain.max_frames, 9); /* its owner's */
    assert_true(mfn_is_none(vcpu.kernel_root) && mfn_is_none(vcpu.user_root) && !vcpu.user_mode && !vcpu.diverted);
    assert_int_equal(vcpu.gdt_entries + vcpu.ldt_entries, 0);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        assert_true(mfn_is_none(vcpu.gdt[i]));
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        assert_true(mfn_is_none(vcpu.ldt[i]));
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        assert_int_equal(vcpu.traps[i].address, 0);
    sim_destroy(sim);
}

/* Frames that nobody declared are no RAM; those that were are nobody's; nothing is in the M2P. */
static void test_machine(void **state)
{
    static const struct frame_range reserved = {{10}, {19}}, holes = {{50}, {59}};
    const struct sim_config config = {
        .nr_frames = 64, .nr_domains = 1, .reserved = &reserved, .nr_reserved = 1, .holes = &holes, .nr_holes = 1};
    struct sim *sim = sim_create(&config);

    (void)state;
    for (uint64_t i = 0; i < 64; i++) {
        const struct frame *frame = frame_find(&sim->machine, MFN(i));
        unsigned owner = i >= 10 && i < 20 ? DOMID_XEN : i >= 50 && i < 60 ? DOMID_IO : OWNER_NONE;

        assert_int_equal(frame->owner, owner);
        assert_int_equal(frame->refs | frame->type.v, 0);
        assert_int_equal(frame_is_ram(frame), owner != DOMID_IO);
        assert_int_equal(sim->machine.m2p[i], MACH2PHYS_INVALID);
    }
    assert_null(frame_find(&sim->machine, MFN(sim->machine.nr_frames)));
    assert_null(frame_find(&sim->machine, MFN_NONE));
    sim_destroy(sim);
}

static void declare_twice(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    machine_add_ram(arg, MFN(3), 1);
}

static void declare_beyond(struct vcpu *vcpu, void *arg)
{
    struct machine *machine = arg;

    (void)vcpu;
    machine_reserve(machine, MFN(machine->nr_frames - 1), 2);
}

static void bad_address_lines(struct vcpu *vcpu, void *arg)
{
    struct machine *machine = arg;

    (void)vcpu;
    machine->phys_bits = 53;
    machine_init(machine);
}

static void too_few_address_lines(struct vcpu *vcpu, void *arg)
{
    struct machine *machine = arg;

    (void)vcpu;
    machine->phys_bits = 35;
    machine_init(machine);
}

static void too_many_domains(struct vcpu *vcpu, void *arg)
{
    struct machine *machine = arg;

    (void)vcpu;
    machine->nr_domains = DOMID_FIRST_RESERVED + 1;
    machine_init(machine);
}

/* A machine that is set up wrongly does not run. */
static void test_bad_machine(void **state)
{
    static sim_task_fn *const mistakes[] = {declare_twice, declare_beyond, bad_address_lines, too_few_address_lines,
                                            too_many_domains};
    const struct sim_config config = {.nr_frames = 64, .nr_domains = 1};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct sim *sim = sim_create(&config);

        assert_true(sim_fails(sim, mistakes[i], NULL, &sim->machine));
        sim_destroy(sim);
    }
}

/* ---- Building. */

static void test_populate(void **state)
{
    struct unit unit;
    mfn_t mfn = MFN_NONE;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .max_frames = UNIT_PAGES});
    assert_int_equal(domain_populate(unit.domain, PFN(0x777), &mfn), 0);
    assert_counts(&unit, mfn, 1, TYPE_NONE, 0);
    assert_int_equal(unit.machine->m2p[mfn.v], 0x777);
    assert_int_equal(domain_populate(unit.domain, PFN(0x778), &mfn), -XEN_ENOMEM);
    unit.domain->dying = true;
    assert_refused(&unit, domain_populate(unit.domain, PFN(0x778), &mfn), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* Frames in a row have names in a row; where there is no whole extent, or no room for one, nothing changes. */
static void test_populate_extent(void **state)
{
    struct unit unit;
    mfn_t first = MFN_NONE;
    uint64_t frames;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .max_frames = UNIT_PAGES + 8});
    assert_int_equal(domain_populate_extent(unit.domain, PFN(0x800), 3, &first), 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_counts(&unit, MFN(first.v + i), 1, TYPE_NONE, 0);
        assert_int_equal(unit.machine->m2p[first.v + i], 0x800 + i);
    }
    frames = unit.domain->nr_frames;
    assert_int_equal(domain_populate_extent(unit.domain, PFN(0x900), 1, &first), -XEN_ENOMEM);
    assert_int_equal(unit.domain->nr_frames, frames);
    unit_destroy(&unit);
}

/* Frames anywhere have names in a row; where there are not so many, nothing changes. */
static void test_populate_some(void **state)
{
    struct unit unit;
    mfn_t mfns[8];

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .max_frames = UNIT_PAGES + 8});
    assert_int_equal(domain_populate_some(unit.domain, PFN(0x800), 8, mfns), 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_counts(&unit, mfns[i], 1, TYPE_NONE, 0);
        assert_int_equal(unit.machine->m2p[mfns[i].v], 0x800 + i);
        assert_int_equal(unit.machine->compat_m2p[mfns[i].v], 0x800 + i);
    }
    assert_int_equal(domain_populate_some(unit.domain, PFN(0x900), 2, mfns), -XEN_ENOMEM);
    assert_int_equal(unit.machine->m2p[mfns[0].v], 0x800);
    unit.domain->dying = true;
    assert_refused(&unit, domain_populate_some(unit.domain, PFN(0x778), 1, mfns), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* Where a domain's frames have an end, none lies behind it, of whatever kind.  Shows startofday.described-32. */
static void test_populate_below(void **state)
{
    const uint64_t end = 600;
    struct unit unit;
    mfn_t mfn, mfns[3];

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    unit.domain->frames_end = MFN(end);
    assert_int_equal(domain_share_new(unit.domain, &mfn), 0);
    assert_in_range(mfn.v, 0, end - 1);
    for (unsigned i = 0; i < 20 && !domain_populate_extent(unit.domain, PFN(0x800), 2, &mfn); i++)
        assert_in_range(mfn.v, 0, end - 4);
    while (!domain_populate_some(unit.domain, PFN(0x900), 3, mfns)) {
        for (unsigned i = 0; i < 3; i++)
            assert_in_range(mfns[i].v, 0, end - 1);
    }
    while (!domain_populate(unit.domain, PFN(0x777), &mfn))
        assert_in_range(mfn.v, 0, end - 1);
    assert_int_equal(domain_share_new(unit.domain, &mfn), -XEN_ENOMEM);
    assert_true(sim_pool_count(unit.sim) > 0);
    unit.domain->frames_end = MFN(0);
    assert_int_equal(domain_populate(unit.domain, PFN(0x777), &mfn), 0);
    unit_destroy(&unit);
}

/* The reservation may be full: what is shared does not count for it. */
static void test_share_new(void **state)
{
    struct unit unit;
    uint64_t frames, pooled;
    mfn_t shared;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    frames = unit.domain->max_frames = unit.domain->nr_frames;
    pooled = sim_pool_count(unit.sim);
    assert_int_equal(domain_share_new(unit.domain, &shared), 0);
    assert_counts(&unit, shared, 1, TYPE_WRITABLE, 1);
    assert_int_equal(unit.machine->m2p[shared.v], MACH2PHYS_SHARED);
    assert_int_equal(unit.domain->nr_frames, frames);
    assert_int_equal(unit.domain->max_frames, frames);
    assert_int_equal(sim_pool_count(unit.sim), pooled - 1);
    guest_assert_clean(unit.sim);
    unit.sim->pool_fail_after = 0;
    assert_int_equal(domain_share_new(unit.domain, &shared), -XEN_ENOMEM);
    assert_int_equal(unit.domain->max_frames, frames);
    unit.sim->pool_fail_after = UINT64_MAX;
    unit.domain->dying = true;
    assert_refused(&unit, domain_share_new(unit.domain, &shared), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

static void test_share(void **state)
{
    struct unit unit;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_idle_page(&unit);
    assert_int_equal(domain_share(unit.domain, page), 0);
    assert_int_equal(domain_share(unit.domain, page), -XEN_EINVAL);
    assert_int_equal(domain_share(unit.domain, MFN(UNIT_HOLE)), -XEN_EINVAL);
    assert_int_equal(domain_share(unit.domain, MFN(unit.machine->nr_frames)), -XEN_EINVAL);
    domain_unshare(unit.domain, page);
    assert_counts(&unit, page, 1, TYPE_WRITABLE, 0);
    unit.domain->dying = true;
    assert_refused(&unit, domain_share(unit.domain, page), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* A builder's mistake is found by the same rules as a guest's. */
static void test_pin(void **state)
{
    struct unit unit;
    mfn_t table;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    table = unit_idle_page(&unit);
    assert_refused(&unit, domain_pin(unit.domain, unit_page(&unit), 1), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_null(unit.sim->last_refusal.vcpu); /* nobody asked for it */
    assert_int_equal(domain_pin(unit.domain, table, 2), 0);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit.domain->dying = true;
    assert_refused(&unit, domain_pin(unit.domain, table, 2), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* ---- The end. */

static void test_vcpu_destroy(void **state)
{
    struct unit unit;
    struct vcpu *vcpu;
    mfn_t gdt, ldt;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
    vcpu = guest_vcpu(unit.guest, 1);
    gdt = unit_idle_page(&unit);
    ldt = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(vcpu, &gdt, 8), 0);
    assert_int_equal(unit_map(&unit, 0, pte(ldt, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(vcpu, unit_window(&unit, 0), 8), 0);
    assert_int_equal(ldt_fault(vcpu, 0), 0);
    assert_int_equal(guest_set_trap_table(vcpu, &(struct trap_info){.vector = 3, .address = 0x1000}, 1), 0);
    if (unit_width(state) == WIDTH_64) {
        assert_int_equal(guest_new_user_baseptr(vcpu, guest_root(unit.guest)), 0);
        assert_int_equal(vcpu_enter_user(vcpu), 0);
    }
    vcpu_destroy(vcpu);
    assert_counts(&unit, gdt, 1, TYPE_NONE, 0);
    assert_counts(&unit, ldt, 2, TYPE_NONE, 0);
    assert_true(mfn_is_none(vcpu->kernel_root) && mfn_is_none(vcpu->user_root));
    assert_true(mfn_is_none(sim_vcpu_of(vcpu)->loaded_root));
    assert_int_equal(vcpu->traps[3].address, 0);
    assert_int_equal(vcpu->gdt_entries + vcpu->ldt_entries, 0);
    for (unsigned i = 0; i < SIM_WINDOW_PAGES; i++)
        assert_true(mfn_is_none(sim_vcpu_of(vcpu)->windows[i]));
    guest_assert_clean(unit.sim);
    vcpu_destroy(vcpu); /* once more: nothing is there */
    unit_destroy(&unit);
}

/* Everything that a guest can hold, left behind: all of it returns, with preemption at each point as well. */
static void test_destroy(void **state)
{
    for (unsigned preemption = SIM_PREEMPT_NEVER; preemption <= SIM_PREEMPT_ALWAYS; preemption++) {
        struct guest_leaf leaf = {VADDR(0x40000000), 0};
        struct guest_tree tree;
        struct unit unit;
        mfn_t gdt;

        unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
        leaf.entry = pte(unit_page(&unit), PTE_RW_PAGE);
        guest_build_tree(unit.guest, unit.vcpu, root_level(unit.domain), GUEST_TREE_KERNEL, &leaf, 1, &tree);
        assert_int_equal(guest_pin(unit.vcpu, tree.root, tree.level), 0);
        assert_int_equal(guest_new_baseptr(unit.vcpu, tree.root), 0);
        for (unsigned level = 1; level <= 2; level++)
            unit_table(&unit, level);
        gdt = unit_idle_page(&unit);
        assert_int_equal(guest_set_gdt(unit.vcpu, &gdt, 8), 0);
        unit.sim->preemption = (enum sim_preemption)preemption;
        assert_int_equal(domain_destroy(unit.domain), 0);
        unit.sim->preemption = SIM_PREEMPT_NEVER;
        assert_true(unit.domain->dying);
        assert_int_equal(unit.domain->nr_frames, 0);
        unit_destroy(&unit);
    }
}

/* What another domain maps stays with its owner until that lets go. */
static void test_destroy_mapped_elsewhere(void **state)
{
    struct unit unit;
    uint64_t pool;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .privileged = true});
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    assert_int_equal(
        guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 0), pte(page, PTE_RW_PAGE), 0, 1), 0);
    assert_int_equal(domain_destroy(unit.other->domain), 1);
    assert_int_equal(unit_frame(&unit, page)->owner, 1);
    pool = sim_pool_count(unit.sim);
    guest_assert_clean(unit.sim);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_int_equal(sim_pool_count(unit.sim), pool + 1);
    unit_destroy(&unit);
}

static void test_enter(void **state)
{
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    assert_true(domain_enter(unit.domain));
    assert_true(domain_enter(unit.domain));
    assert_int_equal(unit.domain->operations, 2);
    domain_leave(unit.domain);
    unit.domain->dying = true;
    assert_false(domain_enter(unit.domain));
    assert_int_equal(unit.domain->operations, 1);
    unit.domain->dying = false;
    domain_leave(unit.domain);
    assert_int_equal(unit.domain->operations, 0);
    unit_destroy(&unit);
}

/* ---- A domain that ends while its vCPUs are at work: they end first. */

struct work {
    struct unit *unit;
    mfn_t table;
    unsigned done;
    int64_t last;
    uint64_t left;
};

static void work_on(struct vcpu *vcpu, void *arg)
{
    struct work *work = arg;

    do {
        work->last = guest_pin(vcpu, work->table, 2);
        if (work->last == 0)
            work->last = guest_unpin(vcpu, work->table);
        work->done++;
    } while (work->last == 0);
}

static void end_it(struct vcpu *vcpu, void *arg)
{
    struct work *work = arg;

    for (unsigned i = 0; i < 3; i++)
        sim_pause(work->unit->sim);
    work->left = domain_destroy(vcpu->domain);
}

static void test_destroy_at_work(void **state)
{
    struct unit unit;

    for (unsigned round = 0; round < 10; round++) {
        struct work work = {.unit = &unit, .left = 99};

        unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
        work.table = unit_idle_page(&unit);
        for (unsigned i = 0; i < round; i++)
            sim_random(unit.sim);
        unit.sim->preemption = SIM_PREEMPT_ALWAYS;
        sim_spawn(unit.sim, unit.vcpu, work_on, &work);
        sim_spawn(unit.sim, guest_vcpu(unit.guest, 1), end_it, &work);
        sim_run(unit.sim);
        unit.sim->preemption = SIM_PREEMPT_NEVER;
        assert_int_equal(work.last, -XEN_ESRCH);
        assert_int_equal(work.left, 0);
        unit_destroy(&unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_bad_machine),
        unit_test_both(test_populate),
        unit_test_both(test_populate_extent),
        unit_test_both(test_populate_some),
        unit_test_both(test_populate_below),
        unit_test_both(test_share_new),
        unit_test_both(test_share),
        unit_test_both(test_pin),
        unit_test_both(test_vcpu_destroy),
        unit_test_both(test_destroy),
        unit_test_both(test_destroy_mapped_elsewhere),
        unit_test_both(test_enter),
        unit_test_both(test_destroy_at_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
