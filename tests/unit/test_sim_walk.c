/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine's page walk and TLB, on hand-made tables: the frames are nobody's, the engine is not asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <sim/sim.h>
#include <tests/support/guest.h>

#define ALL      (PTE_P | PTE_RW | PTE_US)
#define PAGE     VADDR(0x7f0012345000)
#define PAGE_PAE VADDR(0x12345000)

/* A machine with a chain of tables from a root down to one page. */
struct bed {
    struct sim *sim;
    struct vcpu *vcpu;
    mfn_t tables[5]; /* by level */
    mfn_t page;
    unsigned top;
};

static mfn_t fresh_frame(void)
{
    mfn_t mfn;

    assert_true(port_pool_take(0, MFN_NONE, &mfn));
    port_frame_clear(mfn);
    return mfn;
}

static unsigned slot_of(vaddr_t vaddr, unsigned level)
{
    return (vaddr.v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;
}

static uint64_t *entry_at(const struct bed *bed, vaddr_t vaddr, unsigned level)
{
    return &sim_frame_entries(bed->sim, bed->tables[level])[slot_of(vaddr, level)];
}

static void load_root(const struct bed *bed)
{
    bed->vcpu->kernel_root = bed->tables[bed->top];
    port_root_load(bed->vcpu);
}

static struct bed make_bed(enum width width, vaddr_t vaddr, uint64_t seed)
{
    const struct sim_config config = {
        .seed = seed,
        .nr_frames = 2048,
        .nr_domains = 1,
        .domains = {{.width = width}},
    };
    struct bed bed = {.sim = sim_create(&config), .top = width == WIDTH_64 ? 4 : 3};

    bed.vcpu = sim_vcpu(bed.sim, 0, 0);
    bed.page = fresh_frame();
    for (unsigned level = 1; level <= bed.top; level++)
        bed.tables[level] = fresh_frame();
    for (unsigned level = 1; level <= bed.top; level++)
        *entry_at(&bed, vaddr, level) = pte(level == 1 ? bed.page : bed.tables[level - 1], ALL);
    load_root(&bed);
    return bed;
}

static void assert_fault(const struct bed *bed, vaddr_t vaddr, enum sim_access access, uint32_t code)
{
    struct sim_fault fault;

    assert_false(sim_probe(bed->vcpu, vaddr, access, false, &fault));
    assert_int_equal(fault.code, code);
    assert_int_equal(fault.vaddr.v, vaddr.v);
}

static void test_load_and_store(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    uint64_t value = 0x1122334455667788, seen = 0;

    (void)state;
    assert_true(sim_store(bed.vcpu, VADDR(PAGE.v + 16), &value, sizeof(value), NULL));
    assert_int_equal(sim_frame_entries(bed.sim, bed.page)[2], value);
    assert_true(sim_load(bed.vcpu, VADDR(PAGE.v + 16), &seen, sizeof(seen), NULL));
    assert_int_equal(seen, value);
    assert_int_equal(sim_peek(bed.vcpu, PAGE, NULL).v, bed.page.v);
    sim_destroy(bed.sim);
}

static void test_access_across_pages_stops_at_the_fault(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    struct sim_fault fault;
    uint64_t value = ~UINT64_C(0);

    (void)state;
    assert_false(sim_store(bed.vcpu, VADDR(PAGE.v + 4092), &value, sizeof(value), &fault));
    assert_int_equal(fault.vaddr.v, PAGE.v + 4096);
    assert_int_equal(fault.code, SIM_PF_WRITE | SIM_PF_USER);
    assert_int_equal(sim_frame_entries(bed.sim, bed.page)[511] >> 32, 0xffffffff);
    sim_destroy(bed.sim);
}

static void test_accessed_and_dirty(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);

    (void)state;
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(*entry_at(&bed, PAGE, level) & (PTE_A | PTE_D), PTE_A);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    assert_int_equal(*entry_at(&bed, PAGE, 1) & (PTE_A | PTE_D), PTE_A | PTE_D);
    assert_int_equal(*entry_at(&bed, PAGE, 2) & (PTE_A | PTE_D), PTE_A);
    sim_destroy(bed.sim);
}

/* A right that is missing at any level is missing. */
static void test_rights_at_each_level(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        struct bed bed = make_bed(WIDTH_64, PAGE, level);
        uint64_t *entry = entry_at(&bed, PAGE, level);

        *entry &= ~PTE_RW;
        assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
        assert_fault(&bed, PAGE, SIM_WRITE, SIM_PF_PRESENT | SIM_PF_WRITE | SIM_PF_USER);
        *entry = (*entry | PTE_RW) & ~PTE_US;
        load_root(&bed);
        assert_fault(&bed, PAGE, SIM_READ, SIM_PF_PRESENT | SIM_PF_USER);
        *entry |= PTE_US | PTE_NX;
        assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
        assert_fault(&bed, PAGE, SIM_FETCH, SIM_PF_PRESENT | SIM_PF_FETCH | SIM_PF_USER);
        *entry &= ~PTE_P;
        load_root(&bed);
        assert_fault(&bed, PAGE, SIM_READ, SIM_PF_USER);
        sim_destroy(bed.sim);
    }
}

static void test_reserved_bits(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        struct bed bed = make_bed(WIDTH_64, PAGE, level);

        *entry_at(&bed, PAGE, level) |= UINT64_C(1) << 40; /* the machine has 40 bits */
        assert_fault(&bed, PAGE, SIM_READ, SIM_PF_PRESENT | SIM_PF_RESERVED | SIM_PF_USER);
        sim_destroy(bed.sim);
    }
}

static void test_no_superpage_in_l4(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);

    (void)state;
    *entry_at(&bed, PAGE, 4) |= PTE_PS;
    assert_fault(&bed, PAGE, SIM_READ, SIM_PF_PRESENT | SIM_PF_RESERVED | SIM_PF_USER);
    sim_destroy(bed.sim);
}

static void test_superpage(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    uint64_t value = 7;
    mfn_t run;

    (void)state;
    assert_true(port_pool_take(9, MFN_NONE, &run));
    assert_int_equal(run.v % 512, 0);
    *entry_at(&bed, PAGE, 2) = pte(run, ALL | PTE_PS);
    assert_true(sim_store(bed.vcpu, PAGE, &value, sizeof(value), NULL));
    assert_int_equal(sim_frame_entries(bed.sim, mfn_add(run, slot_of(PAGE, 1)))[0], value);
    assert_int_equal(sim_tlb_count(bed.sim, 0), 1);
    assert_true(sim_tlb_holds(bed.sim, 0, VADDR(PAGE.v & ~UINT64_C(0x1fffff)), NULL, NULL));
    *entry_at(&bed, PAGE, 2) |= UINT64_C(1) << 13;
    load_root(&bed);
    assert_fault(&bed, PAGE, SIM_READ, SIM_PF_PRESENT | SIM_PF_RESERVED | SIM_PF_USER);
    sim_destroy(bed.sim);
}

static void test_not_canonical(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);

    (void)state;
    assert_fault(&bed, VADDR(UINT64_C(1) << 47), SIM_READ, SIM_PF_NOT_CANONICAL | SIM_PF_USER);
    assert_fault(&bed, VADDR(UINT64_C(0xffff7fffffffffff)), SIM_READ, SIM_PF_NOT_CANONICAL | SIM_PF_USER);
    sim_destroy(bed.sim);
}

static void test_pae(void **state)
{
    struct bed bed = make_bed(WIDTH_PAE, PAGE_PAE, 1);

    (void)state;
    *entry_at(&bed, PAGE_PAE, 1) &= ~PTE_US; /* a page of the kernel's, which runs in ring 1 */
    assert_true(sim_probe(bed.vcpu, PAGE_PAE, SIM_WRITE, false, NULL));
    assert_false(sim_probe(bed.vcpu, PAGE_PAE, SIM_READ, true, NULL));
    *entry_at(&bed, PAGE_PAE, 1) &= ~PTE_RW;
    load_root(&bed);
    assert_fault(&bed, PAGE_PAE, SIM_WRITE, SIM_PF_PRESENT | SIM_PF_WRITE);
    assert_fault(&bed, VADDR(PAGE_PAE.v + (UINT64_C(1) << 32)), SIM_READ, SIM_PF_NOT_CANONICAL);
    sim_destroy(bed.sim);
}

/* What is cached stays as it was until it is flushed, in one way or the other. */
static void test_stale_translation(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        struct bed bed = make_bed(WIDTH_64, PAGE, way);
        mfn_t other = fresh_frame();
        uint64_t seen;
        mfn_t mfn;

        assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
        *entry_at(&bed, PAGE, 1) = pte(other, ALL);
        assert_true(sim_tlb_holds(bed.sim, 0, PAGE, &mfn, NULL));
        assert_int_equal(mfn.v, bed.page.v);
        sim_frame_entries(bed.sim, bed.page)[0] = 1;
        sim_frame_entries(bed.sim, other)[0] = 2;
        assert_true(sim_load(bed.vcpu, PAGE, &seen, sizeof(seen), NULL));
        assert_int_equal(seen, 1);
        if (way == 0)
            port_tlb_flush(cpumask_of(0));
        else if (way == 1)
            port_tlb_flush_page(cpumask_of(0), VADDR(PAGE.v + 5));
        else
            load_root(&bed);
        assert_true(sim_load(bed.vcpu, PAGE, &seen, sizeof(seen), NULL));
        assert_int_equal(seen, 2);
        sim_destroy(bed.sim);
    }
}

/*
 * To user mode, on a root that leads nowhere, with the page and its neighbour cached, of which only the page is global.
 */
static struct bed make_bed_in_user_mode(vaddr_t neighbour, unsigned seed)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, seed);

    *entry_at(&bed, PAGE, 1) |= PTE_G;
    *entry_at(&bed, neighbour, 1) = pte(bed.page, ALL);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    assert_true(sim_probe(bed.vcpu, neighbour, SIM_WRITE, false, NULL));
    bed.vcpu->user_root = fresh_frame();
    bed.vcpu->user_mode = true;
    port_mode_load(bed.vcpu);
    return bed;
}

/* A translation of a global page outlasts a change of modes; others do not, nor what is cached of tables. */
static void test_change_of_modes(void **state)
{
    vaddr_t neighbour = VADDR(PAGE.v + PAGE_SIZE);
    struct bed bed = make_bed_in_user_mode(neighbour, 1);
    uint64_t fills = bed.sim->cpus[0].fills;

    (void)state;
    assert_int_equal(sim_tlb_count(bed.sim, 0), 1);
    assert_int_equal(sim_psc_count(bed.sim, 0), 0);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    assert_false(sim_probe(bed.vcpu, neighbour, SIM_READ, false, NULL));
    assert_int_equal(bed.sim->cpus[0].fills, fills);
    bed.vcpu->user_mode = false;
    port_mode_load(bed.vcpu);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    assert_int_equal(bed.sim->cpus[0].fills, fills);
    assert_true(sim_probe(bed.vcpu, neighbour, SIM_READ, false, NULL));
    assert_int_equal(bed.sim->cpus[0].fills, fills + 1);
    assert_int_equal(bed.sim->cpus[0].mode_changes, 2);
    sim_destroy(bed.sim);
}

/* Everything else drops it: both flushes, and a root that is loaded. */
static void test_global_translation(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        struct bed bed = make_bed_in_user_mode(VADDR(PAGE.v + PAGE_SIZE), way);

        if (way == 0)
            port_tlb_flush(cpumask_of(0));
        else if (way == 1)
            port_tlb_flush_page(cpumask_of(0), PAGE);
        else
            port_root_load(bed.vcpu);
        assert_int_equal(sim_tlb_count(bed.sim, 0), 0);
        sim_destroy(bed.sim);
    }
}

/* A vCPU that changes its mode while another one was on its processor comes there first, which forgets everything. */
static void test_change_of_modes_elsewhere(void **state)
{
    const struct sim_config config = {.nr_domains = 1, .domains = {{.nr_vcpus = 2}}, .nr_cpus = 1};
    struct bed bed = {.sim = sim_create(&config), .top = 4};

    (void)state;
    bed.vcpu = sim_vcpu(bed.sim, 0, 0);
    for (unsigned level = 1; level <= 4; level++)
        bed.tables[level] = fresh_frame();
    for (unsigned level = 1; level <= 4; level++)
        *entry_at(&bed, PAGE, level) = pte(bed.tables[level == 1 ? 4 : level - 1], level == 1 ? ALL | PTE_G : ALL);
    load_root(&bed);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    bed.vcpu = sim_vcpu(bed.sim, 0, 1);
    bed.vcpu->kernel_root = fresh_frame();
    port_mode_load(bed.vcpu);
    assert_int_equal(sim_tlb_count(bed.sim, 0), 0);
    sim_destroy(bed.sim);
}

/* A processor may do without global pages. */
static void test_no_global_pages(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);

    (void)state;
    bed.sim->no_global_pages = true;
    *entry_at(&bed, PAGE, 1) |= PTE_G;
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    port_mode_load(bed.vcpu);
    assert_int_equal(sim_tlb_count(bed.sim, 0), 0);
    sim_destroy(bed.sim);
}

static void test_flush_reaches_only_its_processors(void **state)
{
    const struct sim_config config = {.nr_domains = 1, .domains = {{.nr_vcpus = 3}}};
    struct sim *sim = sim_create(&config);

    (void)state;
    port_tlb_flush((cpumask_t){5});
    port_tlb_flush_page((cpumask_t){2}, PAGE);
    assert_int_equal(sim->cpus[0].full_flushes, 1);
    assert_int_equal(sim->cpus[1].full_flushes, 0);
    assert_int_equal(sim->cpus[2].full_flushes, 1);
    assert_int_equal(sim->cpus[1].page_flushes, 1);
    sim_destroy(sim);
}

/* An upper table that was replaced may still be walked through, and is not after INVLPG of whatever address. */
static void test_stale_table(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    vaddr_t neighbour = VADDR(PAGE.v + PAGE_SIZE);
    mfn_t table = fresh_frame(), other = fresh_frame();
    unsigned stale = 0;

    (void)state;
    *entry_at(&bed, neighbour, 1) = pte(bed.page, ALL);
    sim_frame_entries(bed.sim, table)[slot_of(neighbour, 1)] = pte(other, ALL);
    for (unsigned round = 0; round < 64; round++) {
        mfn_t mfn;

        *entry_at(&bed, PAGE, 2) = pte(bed.tables[1], ALL);
        load_root(&bed);
        assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
        *entry_at(&bed, PAGE, 2) = pte(table, ALL);
        assert_true(sim_probe(bed.vcpu, neighbour, SIM_READ, false, NULL));
        assert_true(sim_tlb_holds(bed.sim, 0, neighbour, &mfn, NULL));
        stale += mfn_equal(mfn, bed.page);
        port_tlb_flush_page(cpumask_of(0), neighbour);
        assert_int_equal(sim_psc_count(bed.sim, 0), 0);
        assert_true(sim_probe(bed.vcpu, neighbour, SIM_READ, false, NULL));
        assert_true(sim_tlb_holds(bed.sim, 0, neighbour, &mfn, NULL));
        assert_int_equal(mfn.v, other.v);
    }
    assert_in_range(stale, 1, 63);
    sim_destroy(bed.sim);
}

/* A store through a translation that is writable but not dirty may or may not notice a change. */
static void test_store_through_clean_translation(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    unsigned landed = 0;

    (void)state;
    for (unsigned round = 0; round < 64; round++) {
        *entry_at(&bed, PAGE, 1) = pte(bed.page, ALL);
        load_root(&bed);
        assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
        *entry_at(&bed, PAGE, 1) = 0;
        landed += sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL);
    }
    assert_in_range(landed, 1, 63);
    sim_destroy(bed.sim);
}

/* More rights in memory than in the cache: no spurious fault. */
static void test_more_rights_are_noticed(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);

    (void)state;
    *entry_at(&bed, PAGE, 1) = pte(bed.page, PTE_P | PTE_US);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_READ, false, NULL));
    *entry_at(&bed, PAGE, 1) = pte(bed.page, ALL);
    assert_true(sim_probe(bed.vcpu, PAGE, SIM_WRITE, false, NULL));
    sim_destroy(bed.sim);
}

static void test_speculation_finds_what_is_mapped(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    mfn_t mfn;

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        sim_speculate(bed.sim);
    assert_true(sim_tlb_holds(bed.sim, 0, PAGE, &mfn, NULL));
    assert_int_equal(mfn.v, bed.page.v);
    assert_int_equal(*entry_at(&bed, PAGE, 1) & (PTE_A | PTE_D), PTE_A);
    sim_destroy(bed.sim);
}

static void test_capacity(void **state)
{
    const struct sim_config config = {.nr_domains = 1, .tlb_entries = 8, .psc_entries = 2};
    struct bed bed = {.sim = sim_create(&config), .top = 4};

    (void)state;
    bed.vcpu = sim_vcpu(bed.sim, 0, 0);
    for (unsigned level = 1; level <= 4; level++)
        bed.tables[level] = fresh_frame();
    for (unsigned level = 2; level <= 4; level++)
        *entry_at(&bed, PAGE, level) = pte(bed.tables[level - 1], ALL);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        sim_frame_entries(bed.sim, bed.tables[1])[i] = pte(bed.tables[1], PTE_P | PTE_US);
    load_root(&bed);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        vaddr_t vaddr = VADDR((PAGE.v & ~UINT64_C(0x1fffff)) + i * PAGE_SIZE);

        assert_true(sim_probe(bed.vcpu, vaddr, SIM_READ, false, NULL));
        assert_true(sim_tlb_holds(bed.sim, 0, vaddr, NULL, NULL));
    }
    assert_int_equal(sim_tlb_count(bed.sim, 0), 8);
    assert_int_equal(sim_psc_count(bed.sim, 0), 2);
    sim_destroy(bed.sim);
}

static void test_device_memory(void **state)
{
    const struct frame_range hole = {MFN(100), MFN(103)};
    const struct sim_config config = {.nr_domains = 1, .holes = &hole, .nr_holes = 1};
    struct bed bed = {.sim = sim_create(&config), .top = 4};
    uint64_t value = 5;

    (void)state;
    bed.vcpu = sim_vcpu(bed.sim, 0, 0);
    for (unsigned level = 1; level <= 4; level++)
        bed.tables[level] = fresh_frame();
    for (unsigned level = 1; level <= 4; level++)
        *entry_at(&bed, PAGE, level) = pte(level == 1 ? hole.first : bed.tables[level - 1], ALL);
    load_root(&bed);
    assert_true(sim_store(bed.vcpu, PAGE, &value, sizeof(value), NULL));
    assert_true(sim_load(bed.vcpu, PAGE, &value, sizeof(value), NULL));
    assert_int_equal(value, ~UINT64_C(0));
    sim_destroy(bed.sim);
}

/* The engine's copies use the kernel's root and rights, whatever is cached. */
static void test_copies(void **state)
{
    struct bed bed = make_bed(WIDTH_64, PAGE, 1);
    uint8_t data[64], back[64];

    (void)state;
    memset(data, 0xa5, sizeof(data));
    assert_true(port_copy_to_guest(bed.vcpu, VADDR(PAGE.v + 100), data, sizeof(data)));
    assert_true(port_copy_from_guest(bed.vcpu, back, VADDR(PAGE.v + 100), sizeof(back)));
    assert_memory_equal(data, back, sizeof(data));
    assert_int_equal(sim_tlb_count(bed.sim, 0), 0);
    assert_int_equal(*entry_at(&bed, PAGE, 1) & (PTE_A | PTE_D), PTE_A | PTE_D);
    assert_false(port_copy_to_guest(bed.vcpu, VADDR(PAGE.v + 4090), data, sizeof(data)));
    *entry_at(&bed, PAGE, 1) &= ~PTE_RW;
    assert_false(port_copy_to_guest(bed.vcpu, PAGE, data, 1));
    assert_true(port_copy_from_guest(bed.vcpu, back, PAGE, 1));
    *entry_at(&bed, PAGE, 1) &= ~PTE_US;
    assert_false(port_copy_from_guest(bed.vcpu, back, PAGE, 1));
    sim_destroy(bed.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_store),
        cmocka_unit_test(test_access_across_pages_stops_at_the_fault),
        cmocka_unit_test(test_accessed_and_dirty),
        cmocka_unit_test(test_rights_at_each_level),
        cmocka_unit_test(test_reserved_bits),
        cmocka_unit_test(test_no_superpage_in_l4),
        cmocka_unit_test(test_superpage),
        cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_pae),
        cmocka_unit_test(test_stale_translation),
        cmocka_unit_test(test_change_of_modes),
        cmocka_unit_test(test_global_translation),
        cmocka_unit_test(test_change_of_modes_elsewhere),
        cmocka_unit_test(test_no_global_pages),
        cmocka_unit_test(test_flush_reaches_only_its_processors),
        cmocka_unit_test(test_stale_table),
        cmocka_unit_test(test_store_through_clean_translation),
        cmocka_unit_test(test_more_rights_are_noticed),
        cmocka_unit_test(test_speculation_finds_what_is_mapped),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_device_memory),
        cmocka_unit_test(test_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
