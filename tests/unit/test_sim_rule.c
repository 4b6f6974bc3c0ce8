/* SPDX-License-Identifier: MIT */
/*
 * The rule of the hosted machine: each kind of breach is noticed, and what is allowed is not called one.  The states of
 * frames are written into the frame table by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <sim/sim.h>
#include <tests/support/guest.h>

#define ALL  (PTE_P | PTE_RW | PTE_US)
#define PAGE VADDR(0x40003000)

struct bed {
    struct sim *sim;
    struct vcpu *vcpu;
    mfn_t tables[5]; /* by level */
    mfn_t page;
};

static struct frame *frame_of(const struct bed *bed, mfn_t mfn)
{
    return &bed->sim->machine.frames[mfn.v];
}

static void set_type(const struct bed *bed, mfn_t mfn, enum frame_type type, uint32_t flags, uint32_t count)
{
    frame_of(bed, mfn)->type = type_word(type, flags, count);
}

static mfn_t fresh_frame(const struct bed *bed)
{
    mfn_t mfn;

    assert_true(port_pool_take(0, MFN_NONE, &mfn));
    port_frame_clear(mfn);
    frame_of(bed, mfn)->owner = 0;
    return mfn;
}

static uint64_t *entry_at(const struct bed *bed, unsigned level)
{
    unsigned slot = (PAGE.v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;

    return &sim_frame_entries(bed->sim, bed->tables[level])[slot];
}

static struct bed make_bed(void)
{
    static const struct frame_range holes[] = {{MFN(8), MFN(9)}, {MFN(10), MFN(11)}};
    const struct sim_config config = {
        .nr_frames = 2048,
        .holes = holes,
        .nr_holes = 2,
        .nr_domains = 2,
        .domains = {{.iomem = holes, .nr_iomem = 1}},
    };
    struct bed bed = {.sim = sim_create(&config)};

    bed.vcpu = sim_vcpu(bed.sim, 0, 0);
    bed.page = fresh_frame(&bed);
    set_type(&bed, bed.page, TYPE_WRITABLE, 0, 1);
    for (unsigned level = 1; level <= 4; level++) {
        bed.tables[level] = fresh_frame(&bed);
        set_type(&bed, bed.tables[level], (enum frame_type)level, TYPE_VALIDATED, 1);
        *entry_at(&bed, level) = pte(level == 1 ? bed.page : bed.tables[level - 1], ALL);
    }
    bed.vcpu->kernel_root = bed.tables[4];
    port_root_load(bed.vcpu);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    return bed;
}

/* Is the rule broken on @mfn? */
static void assert_broken(const struct bed *bed, mfn_t mfn)
{
    struct sim_finding finding;

    assert_false(sim_check_tlb_rule(bed->sim, &finding));
    assert_int_equal(finding.frame.v, mfn.v);
    assert_non_null(finding.rule);
}

static void test_nothing_wrong(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void test_writable_translation_of_a_table(void **state)
{
    static const struct type_word restricted[] = {
        {(uint32_t)TYPE_L1 << TYPE_SHIFT | TYPE_VALIDATED | 1},
        {(uint32_t)TYPE_L4 << TYPE_SHIFT | TYPE_VALIDATED | 2},
        {(uint32_t)TYPE_L2_TOP << TYPE_SHIFT | TYPE_VALIDATED | 1},
        {(uint32_t)TYPE_SEGDESC << TYPE_SHIFT | TYPE_VALIDATED | 1},
        {(uint32_t)TYPE_L2 << TYPE_SHIFT | TYPE_BUSY | 1},
        {(uint32_t)TYPE_L3 << TYPE_SHIFT | TYPE_BUSY},
    };
    struct bed bed = make_bed();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(restricted); i++) {
        assert_true(type_word_legal(restricted[i]));
        frame_of(&bed, bed.page)->type = restricted[i];
        assert_broken(&bed, bed.page);
    }
    *entry_at(&bed, 1) = pte(bed.page, PTE_P | PTE_US);
    port_tlb_flush_page(cpumask_of(0), PAGE);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

/* A table whose last use has gone may still be written through what is cached: nothing relies on it. */
static void test_writable_translation_of_a_former_table(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    set_type(&bed, bed.page, TYPE_L1, 0, 0);
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void test_frame_that_changed_hands(void **state)
{
    struct bed bed = make_bed();
    mfn_t mfn;

    (void)state;
    frame_of(&bed, bed.page)->owner = OWNER_NONE;
    port_pool_give(bed.page, 0);
    assert_true(sim_check_tlb_rule(bed.sim, NULL)); /* wiped before anybody gets it, after a flush */
    bed.sim->pool_fail_after = UINT64_MAX;
    do
        assert_true(port_pool_take(0, MFN_NONE, &mfn));
    while (!mfn_equal(mfn, bed.page));
    frame_of(&bed, bed.page)->owner = 1;
    assert_broken(&bed, bed.page);
    frame_of(&bed, bed.page)->owner = 0;
    assert_broken(&bed, bed.page);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void test_frame_of_another_domain(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    frame_of(&bed, bed.page)->owner = 1; /* transferred */
    assert_broken(&bed, bed.page);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL)); /* mapped as a foreign one */
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void test_device_memory(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    *entry_at(&bed, 1) = pte(MFN(9), ALL);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    *entry_at(&bed, 1) = pte(MFN(10), ALL);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    assert_broken(&bed, MFN(10));
    sim_destroy(bed.sim);
}

/* The M2P may be read, and nothing else of the hypervisor's. */
static void test_frames_of_the_hypervisor(void **state)
{
    struct bed bed = make_bed();
    uint64_t *root = sim_frame_entries(bed.sim, bed.tables[4]);
    uint64_t pfn = 0;

    (void)state;
    memcpy(root + 256, bed.sim->machine.root_slots, sizeof(bed.sim->machine.root_slots));
    bed.sim->machine.m2p[bed.page.v] = 77;
    assert_true(sim_load(bed.vcpu, VADDR(MACH2PHYS_VIRT_START + bed.page.v * 8), &pfn, sizeof(pfn), NULL));
    assert_int_equal(pfn, 77);
    assert_false(sim_store(bed.vcpu, VADDR(MACH2PHYS_VIRT_START + bed.page.v * 8), &pfn, sizeof(pfn), NULL));
    assert_false(sim_probe(bed.vcpu, VADDR(UINT64_C(0xffff808000000000)), SIM_READ, false, NULL));
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    *entry_at(&bed, 1) = pte(bed.sim->hypervisor_first, PTE_P | PTE_US);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    assert_broken(&bed, bed.sim->hypervisor_first);
    sim_destroy(bed.sim);
}

static void test_superpage_covers_a_table(void **state)
{
    struct bed bed = make_bed();
    mfn_t run;

    (void)state;
    assert_true(port_pool_take(9, MFN_NONE, &run));
    for (unsigned i = 0; i < 512; i++)
        frame_of(&bed, mfn_add(run, i))->owner = 0;
    *entry_at(&bed, 2) = pte(run, ALL | PTE_PS);
    port_tlb_flush(cpumask_of(0));
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    set_type(&bed, mfn_add(run, 300), TYPE_L1, TYPE_VALIDATED, 1);
    assert_broken(&bed, mfn_add(run, 300));
    sim_destroy(bed.sim);
}

static void test_cached_tables(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    for (unsigned level = 1; level <= 3; level++) {
        mfn_t table = bed.tables[level];
        struct type_word live = frame_of(&bed, table)->type;

        set_type(&bed, table, (enum frame_type)level, 0, 0); /* retired */
        assert_true(sim_check_tlb_rule(bed.sim, NULL));
        set_type(&bed, table, TYPE_NONE, 0, 0);
        assert_broken(&bed, table);
        set_type(&bed, table, level == 2 ? TYPE_L1 : TYPE_L2, TYPE_VALIDATED, 1);
        assert_broken(&bed, table);
        set_type(&bed, table, TYPE_WRITABLE, 0, 1);
        assert_broken(&bed, table);
        frame_of(&bed, table)->type = live;
        assert_true(sim_check_tlb_rule(bed.sim, NULL));
    }
    set_type(&bed, bed.tables[2], TYPE_L2_TOP, TYPE_VALIDATED, 1);
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void test_roots(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    port_tlb_flush(cpumask_of(0));
    set_type(&bed, bed.tables[4], TYPE_L4, 0, 0);
    assert_broken(&bed, bed.tables[4]);
    set_type(&bed, bed.tables[4], TYPE_L4, TYPE_VALIDATED, 1);
    bed.vcpu->user_mode = true;
    assert_broken(&bed, bed.tables[4]);
    sim_destroy(bed.sim);
}

static void test_windows(void **state)
{
    struct bed bed = make_bed();

    (void)state;
    set_type(&bed, bed.page, TYPE_SEGDESC, TYPE_VALIDATED, 1);
    port_tlb_flush(cpumask_of(0));
    port_window_set(bed.vcpu, 3, bed.page);
    assert_int_equal(sim_vcpu_of(bed.vcpu)->windows[3].v, bed.page.v);
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    set_type(&bed, bed.page, TYPE_SEGDESC, 0, 0);
    assert_broken(&bed, bed.page);
    set_type(&bed, bed.page, TYPE_SEGDESC, TYPE_VALIDATED, 1);
    port_window_set(bed.vcpu, 3, MFN_NONE);
    assert_true(sim_check_tlb_rule(bed.sim, NULL));
    sim_destroy(bed.sim);
}

static void show_it(struct vcpu *vcpu, void *arg)
{
    port_window_set(vcpu, 3, *(mfn_t *)arg);
}

/* A frame that is no descriptor table of the domain is neither shown, nor replaced when it has ceased to be one. */
static void test_window_frames(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct bed bed = make_bed();
        mfn_t next = i < 3 ? bed.page : MFN_NONE;

        set_type(&bed, bed.page, TYPE_SEGDESC, TYPE_VALIDATED, 1);
        if (i >= 3)
            port_window_set(bed.vcpu, 3, bed.page);
        if (i % 3 == 0)
            set_type(&bed, bed.page, TYPE_SEGDESC, 0, 0);
        else if (i % 3 == 1)
            set_type(&bed, bed.page, TYPE_WRITABLE, 0, 1);
        else
            frame_of(&bed, bed.page)->owner = 1;
        assert_true(sim_fails(bed.sim, show_it, bed.vcpu, &next));
        assert_non_null(strstr(bed.sim->fail_message, "no descriptor table"));
        sim_destroy(bed.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_wrong),
        cmocka_unit_test(test_writable_translation_of_a_table),
        cmocka_unit_test(test_writable_translation_of_a_former_table),
        cmocka_unit_test(test_frame_that_changed_hands),
        cmocka_unit_test(test_frame_of_another_domain),
        cmocka_unit_test(test_device_memory),
        cmocka_unit_test(test_frames_of_the_hypervisor),
        cmocka_unit_test(test_superpage_covers_a_table),
        cmocka_unit_test(test_cached_tables),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_window_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
