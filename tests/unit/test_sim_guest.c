/* SPDX-License-Identifier: MIT */
/* The test guest: in both widths it boots, lives and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <tests/support/guest.h>

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};

struct bed {
    struct sim *sim;
    struct guest *guest;
    struct vcpu *vcpu;
};

static struct bed make_bed(enum width width)
{
    const struct sim_config config = {
        .seed = 11,
        .nr_domains = 1,
        .domains = {{.width = width, .nr_vcpus = 2}},
    };
    struct bed bed = {.sim = sim_create(&config)};

    bed.guest = guest_boot(bed.sim, 0, 700);
    bed.vcpu = guest_vcpu(bed.guest, 0);
    guest_assert_clean(bed.sim);
    return bed;
}

static void end_bed(const struct bed *bed)
{
    guest_assert_clean(bed->sim);
    guest_shutdown(bed->sim);
    sim_destroy(bed->sim);
}

static void check_memory(const struct bed *bed)
{
    const struct guest *guest = bed->guest;
    uint64_t used = guest_boot_pages(guest->domain->width, 2, guest->nr_pages);

    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        bool is_table = pfn >= guest->root.v && pfn < guest->root.v + guest->nr_tables;
        vaddr_t vaddr = guest_vaddr(guest, PFN(pfn));
        uint64_t seen;

        assert_true(guest_read(bed->vcpu, vaddr, &seen, sizeof(seen)));
        assert_int_equal(guest_write(bed->vcpu, vaddr, &seen, sizeof(seen)), !is_table);
        assert_int_equal(guest->used[pfn], pfn < used);
        assert_int_equal(bed->sim->machine.m2p[guest_mfn(guest, PFN(pfn)).v], pfn);
    }
    assert_int_equal(used, guest->root.v + guest->nr_tables);
}

static void test_boot(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);

        check_memory(&bed);
        end_bed(&bed);
    }
}

/* Shows layout.m2p, layout.m2p-readonly. */
static void test_m2p_is_read_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        size_t size = widths[i] == WIDTH_64 ? 8 : 4;
        uint64_t mfn = guest_mfn(bed.guest, PFN(123)).v;
        uint64_t base = widths[i] == WIDTH_64 ? MACH2PHYS_VIRT_START : COMPAT_MACH2PHYS_VIRT_START;
        uint64_t pfn = 0;

        assert_true(guest_read(bed.vcpu, VADDR(base + mfn * size), &pfn, size));
        assert_int_equal(pfn, 123);
        assert_false(guest_write(bed.vcpu, VADDR(base + mfn * size), &pfn, size));
        end_bed(&bed);
    }
}

static void test_window(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        pfn_t pfn = guest_page_alloc(bed.guest);
        uint64_t entry = pte(guest_mfn(bed.guest, pfn), PTE_RW_PAGE);
        vaddr_t vaddr = VADDR(bed.guest->window.v + 17 * PAGE_SIZE);
        uint64_t value = 99, seen = 0;
        mfn_t table;
        unsigned slot;

        assert_false(guest_read(bed.vcpu, vaddr, &seen, sizeof(seen)));
        assert_int_equal(guest_update_va_mapping(bed.vcpu, vaddr, entry, UVMF_NONE), 0);
        assert_true(guest_write(bed.vcpu, guest_vaddr(bed.guest, pfn), &value, sizeof(value)));
        assert_true(guest_read(bed.vcpu, vaddr, &seen, sizeof(seen)));
        assert_int_equal(seen, value);
        assert_true(guest_find_entry(bed.guest, guest_root(bed.guest), vaddr, 1, &table, &slot));
        assert_int_equal(slot, 17);
        assert_int_equal(pte_mfn(guest_entry(bed.guest, table, slot)).v, guest_mfn(bed.guest, pfn).v);
        assert_int_equal(guest_set_entry(bed.vcpu, table, slot, 0), 0);
        guest_page_free(bed.guest, pfn);
        end_bed(&bed);
    }
}

static void test_tree_as_root(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        pfn_t pfn = guest_page_alloc(bed.guest);
        struct guest_leaf leaf = {VADDR(0x40001000), pte(guest_mfn(bed.guest, pfn), PTE_RW_PAGE)};
        struct guest_tree tree;
        uint64_t value = 3, seen = 0;

        guest_build_tree(bed.guest, bed.vcpu, root_level(bed.guest->domain), GUEST_TREE_KERNEL, &leaf, 1, &tree);
        assert_int_equal(guest_pin(bed.vcpu, tree.root, tree.level), 0);
        assert_int_equal(guest_new_baseptr(bed.vcpu, tree.root), 0);
        assert_true(guest_write(bed.vcpu, guest_vaddr(bed.guest, pfn), &value, sizeof(value)));
        assert_true(guest_read(bed.vcpu, leaf.vaddr, &seen, sizeof(seen)));
        assert_int_equal(seen, value);
        guest_assert_clean(bed.sim);
        assert_int_equal(guest_new_baseptr(bed.vcpu, guest_root(bed.guest)), 0);
        assert_int_equal(guest_unpin(bed.vcpu, tree.root), 0);
        guest_free_tree(bed.guest, bed.vcpu, &tree);
        end_bed(&bed);
    }
}

static void test_batches(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        uint64_t entry = pte(guest_mfn(bed.guest, guest_page_alloc(bed.guest)), PTE_RW_PAGE);
        struct multicall_entry calls[3];
        struct mmuext_op ops[2] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = 99}};
        unsigned done;

        for (unsigned j = 0; j < 3; j++) {
            vaddr_t vaddr = j == 1 ? VADDR(0x1000) : VADDR(bed.guest->window.v + j * PAGE_SIZE);

            calls[j] = guest_call_update_va_mapping(bed.vcpu, vaddr, entry, UVMF_NONE);
        }
        assert_int_equal(guest_multicall(bed.vcpu, calls, 3), 0);
        assert_int_equal(calls[0].result, 0);
        assert_int_equal((int64_t)calls[1].result, -XEN_EINVAL);
        assert_int_equal(calls[2].result, 0);
        assert_int_equal(guest_mmuext(bed.vcpu, ops, 2, &done, DOMID_SELF), -XEN_ENOSYS);
        assert_int_equal(done, 1);
        end_bed(&bed);
    }
}

static void test_descriptors(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        pfn_t pfn = guest_page_alloc(bed.guest);
        mfn_t mfn = guest_mfn(bed.guest, pfn);
        uint64_t data = UINT64_C(0x00cff3000000ffff), seen = 0;
        const struct trap_info trap = {.vector = 14, .cs = FLAT_KERNEL_CS, .address = guest_vaddr(bed.guest, pfn).v};

        memset(sim_frame_entries(bed.sim, mfn), 0, PAGE_SIZE);
        assert_int_equal(guest_protect(bed.vcpu, pfn), 0);
        assert_int_equal(guest_set_gdt(bed.vcpu, &mfn, 512), 0);
        assert_int_equal(sim_vcpu_of(bed.vcpu)->windows[0].v, mfn.v);
        assert_int_equal(guest_update_descriptor(bed.vcpu, (mfn.v << PAGE_SHIFT) + 8, data), 0);
        assert_true(guest_read(bed.vcpu, VADDR(guest_vaddr(bed.guest, pfn).v + 8), &seen, sizeof(seen)));
        assert_int_equal(seen, data);
        assert_int_equal(guest_set_trap_table(bed.vcpu, &trap, 1), 0);
        assert_int_equal(bed.vcpu->traps[14].address, trap.address);
        end_bed(&bed);
    }
}

static void test_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
        struct bed bed = make_bed(widths[i]);
        pfn_t pfn = guest_page_alloc(bed.guest);
        vaddr_t vaddr = guest_vaddr(bed.guest, pfn);
        uint64_t in = guest_mfn(bed.guest, pfn).v, out = pfn.v, exchanged = 0;

        assert_int_equal(guest_update_va_mapping(bed.vcpu, vaddr, 0, UVMF_INVLPG | UVMF_ALL), 0);
        assert_int_equal(guest_exchange(bed.vcpu, &in, 1, 0, &out, 1, 0, 0, &exchanged), 0);
        assert_int_equal(exchanged, 1);
        assert_int_equal(bed.sim->machine.m2p[out], pfn.v);
        bed.guest->p2m[pfn.v] = MFN(out);
        assert_int_equal(guest_reservation(bed.vcpu, XENMEM_decrease_reservation, &out, 1, 0, 0), 1);
        out = pfn.v;
        assert_int_equal(guest_reservation(bed.vcpu, XENMEM_populate_physmap, &out, 1, 0, 0), 1);
        bed.guest->p2m[pfn.v] = MFN(out);
        assert_int_equal(guest_unprotect(bed.vcpu, pfn), 0);
        guest_page_free(bed.guest, pfn);
        end_bed(&bed);
    }
}

/* Both vCPUs' worth of the same thing, preempted at each point, with processors that speculate. */
static void move_pages(struct vcpu *vcpu, void *arg)
{
    struct guest *guest = guest_of(vcpu);
    struct sim *sim = arg;

    for (unsigned round = 0; round < 5; round++) {
        pfn_t pfn = guest_page_alloc(guest);
        struct guest_leaf leaf = {VADDR(0x40000000), pte(guest_mfn(guest, pfn), PTE_RW_PAGE)};
        struct guest_tree tree;

        guest_build_tree(guest, vcpu, root_level(guest->domain), GUEST_TREE_KERNEL, &leaf, 1, &tree);
        if (guest_new_baseptr(vcpu, tree.root))
            sim_fail("new_baseptr: %s", refusal_name(sim->last_refusal.reason));
        if (!sim_probe(vcpu, leaf.vaddr, SIM_WRITE, false, NULL))
            sim_fail("the new root does not work");
        if (guest_new_baseptr(vcpu, guest_root(guest)))
            sim_fail("old baseptr: %s", refusal_name(sim->last_refusal.reason));
        guest_free_tree(guest, vcpu, &tree);
        guest_page_free(guest, pfn);
    }
}

static void check_rule(struct sim *sim)
{
    struct sim_finding finding;

    sim_speculate(sim);
    if (!sim_check_tlb_rule(sim, &finding)) {
        sim_print_finding(&finding);
        sim_fail("rule: %s", finding.rule);
    }
}

static void test_two_vcpus(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct bed bed = make_bed(widths[i % 2]);

        bed.sim->preemption = i < 2 ? SIM_PREEMPT_ALWAYS : SIM_PREEMPT_RANDOM;
        bed.sim->preempt_per_256 = 64 * (i / 2);
        bed.sim->speculate_per_256 = 64;
        bed.sim->on_preempt = check_rule;
        for (unsigned j = 0; j < 2; j++)
            sim_spawn(bed.sim, guest_vcpu(bed.guest, j), move_pages, bed.sim);
        sim_run(bed.sim);
        assert_true(sim_stack_used(bed.sim) > 0);
        end_bed(&bed);
    }
}

/* Two vCPUs on one processor: the switch flushes, and the engine's clock knows. */
static void test_shared_processor(void **state)
{
    const struct sim_config config = {.nr_domains = 1, .domains = {{.nr_vcpus = 2}}, .nr_cpus = 1};
    struct sim *sim = sim_create(&config);
    struct guest *guest = guest_boot(sim, 0, 300);
    uint64_t loads = sim->cpus[0].root_loads, seen;

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        assert_true(guest_read(guest_vcpu(guest, i % 2), guest->base, &seen, sizeof(seen)));
    assert_in_range(sim->cpus[0].root_loads - loads, 5, 6);
    guest_assert_clean(sim);
    guest_shutdown(sim);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot),
        cmocka_unit_test(test_m2p_is_read_only),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_tree_as_root),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_two_vcpus),
        cmocka_unit_test(test_shared_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
