/* SPDX-License-Identifier: MIT */
/* The clock over TLB flushes: whose translations may still be there, and what happens where the clock wraps. */
#include <engine/tlb.h>

#include <tests/unit/lib/unit.h>

#define CPUS 5u

/* A machine of five processors on which nothing runs. */
static struct sim *create(void)
{
    const struct sim_config config = {
        .nr_frames = 64,
        .nr_domains = 1,
        .nr_cpus = CPUS,
        .domains[0] = {.nr_vcpus = CPUS},
    };
    struct sim *sim = sim_create(&config);

    assert_int_equal(sim->machine.tlb.cpus.bits, (1u << CPUS) - 1);
    return sim;
}

static void set_clock(struct machine *machine, uint32_t now)
{
    machine->tlb.now = now;
    machine->tlb.due = false;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine->tlb.flushed[i] = now;
}

/* A stamp is settled by a flush that begins after it, never by one that began before. */
static void test_order(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint32_t stamp = tlb_now(machine), began;

    (void)state;
    assert_int_equal(tlb_stale(machine, stamp).bits, 0x1f);
    tlb_flush(machine, (cpumask_t){0x05});
    assert_int_equal(tlb_stale(machine, stamp).bits, 0x1a);
    began = tlb_flush_begin(machine);
    stamp = tlb_now(machine); /* taken while the flush is under way */
    tlb_flush_end(machine, (cpumask_t){0x1f}, began);
    assert_int_equal(tlb_stale(machine, stamp).bits, 0x1f);
    tlb_settle(machine, stamp);
    assert_int_equal(tlb_stale(machine, stamp).bits, 0);
    sim_destroy(sim);
}

/* Exactly those that need it are flushed, and nobody twice. */
static void test_settle(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint32_t stamp = tlb_now(machine);

    (void)state;
    tlb_flush(machine, (cpumask_t){0x03});
    for (unsigned round = 0; round < 3; round++) {
        tlb_settle(machine, stamp);
        for (unsigned i = 0; i < CPUS; i++)
            assert_int_equal(sim->cpus[i].full_flushes, 1);
    }
    sim_destroy(sim);
}

static void test_no_processor(void **state)
{
    struct sim *sim = create();
    uint32_t now = tlb_now(&sim->machine);

    (void)state;
    tlb_flush(&sim->machine, (cpumask_t){0});
    assert_int_equal(tlb_now(&sim->machine), now);
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(sim->cpus[i].full_flushes, 0);
    sim_destroy(sim);
}

/* The flush of one page drops nothing else: it settles no stamp. */
static void test_page_flush(void **state)
{
    struct sim *sim = create();
    uint32_t stamp = tlb_now(&sim->machine);

    (void)state;
    port_tlb_flush_page((cpumask_t){0x1f}, VADDR(0x1000));
    assert_int_equal(tlb_stale(&sim->machine, stamp).bits, 0x1f);
    sim_destroy(sim);
}

/* Whenever the clock has entered another quarter all flush, once, and not before somebody can wait for it. */
static void test_keep_up(void **state)
{
    static const uint32_t quarters[] = {0x40000000, 0x80000000, 0xc0000000, 0};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(quarters); i++) {
        struct sim *sim = create();
        struct machine *machine = &sim->machine;

        set_clock(machine, quarters[i] - 2);
        tlb_flush(machine, (cpumask_t){0x01});
        tlb_keep_up(machine);
        assert_int_equal(sim->cpus[1].full_flushes, 0);
        tlb_flush_end(machine, (cpumask_t){0x01}, tlb_flush_begin(machine));
        assert_int_equal(tlb_now(machine), quarters[i]);
        assert_int_equal(sim->cpus[1].full_flushes, 0);
        tlb_keep_up(machine);
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            assert_int_equal(sim->cpus[cpu].full_flushes, cpu == 0 ? 2 : 1);
            assert_int_equal(machine->tlb.flushed[cpu], quarters[i] + 1);
        }
        tlb_keep_up(machine);
        assert_int_equal(sim->cpus[1].full_flushes, 1);
        sim_destroy(sim);
    }
}

/* The next operation sees to it, whatever it is about, and however often the clock has gone round meanwhile. */
static void test_operations_keep_up(void **state)
{
    struct unit unit;
    uint64_t before;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
    before = unit.sim->cpus[1].full_flushes;
    unit.machine->tlb.now = UINT32_MAX;
    tlb_flush_end(unit.machine, (cpumask_t){0x01}, tlb_flush_begin(unit.machine));
    unit.machine->tlb.now = 17;
    assert_int_equal(unit.sim->cpus[1].full_flushes, before);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_int_equal(unit.sim->cpus[1].full_flushes, before + 1);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_int_equal(unit.sim->cpus[1].full_flushes, before + 1);
    unit_destroy(&unit);
}

/*
 * The order of stamp and flush is right wherever they lie, as long as the last flush of each processor is less than
 * half a range back, which is what keeping up is for.
 */
static void test_wrap(void **state)
{
    static const uint32_t bases[] = {0, 1, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xbfffffff, 0xffffffff};
    static const uint32_t distances[] = {1, 2, 0x3fffffff, 0x40000000, 0x7fffffff};
    struct sim *sim = create();

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(distances); j++) {
            uint32_t before = bases[i], after = before + distances[j];

            set_clock(&sim->machine, after);
            assert_int_equal(tlb_stale(&sim->machine, before).bits, 0);
            set_clock(&sim->machine, before);
            assert_int_equal(tlb_stale(&sim->machine, after).bits, 0x1f);
            assert_int_equal(tlb_stale(&sim->machine, before).bits, 0x1f);
        }
    }
    sim_destroy(sim);
}

/* A stamp from a long time ago, through many flushes of one processor alone, is never taken for settled elsewhere. */
static void test_long_life(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint32_t stamp;

    (void)state;
    tlb_flush(machine, machine->tlb.cpus);
    stamp = tlb_now(machine);
    machine->tlb.now = (machine->tlb.now | (TLB_QUARTER - 1)) - 1;
    tlb_flush(machine, (cpumask_t){0x01});
    tlb_keep_up(machine);
    assert_int_equal(tlb_stale(machine, stamp).bits, 0x1e);
    tlb_flush(machine, (cpumask_t){0x01});
    tlb_keep_up(machine);
    assert_int_equal(tlb_stale(machine, stamp).bits, 0);
    sim_destroy(sim);
}

/* A root that is loaded by the vCPU itself counts as a flush of its processor; one loaded for it does not. */
static void test_root_load(void **state)
{
    struct unit unit;
    uint32_t stamp;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
    stamp = tlb_now(unit.machine);
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    assert_int_equal(tlb_stale(unit.machine, stamp).bits, 0x2);
    stamp = tlb_now(unit.machine);
    assert_int_equal(vcpu_set_roots(unit.vcpu, guest_root(unit.guest), MFN_NONE), 0);
    assert_int_equal(tlb_stale(unit.machine, stamp).bits, 0x3);
    unit_destroy(&unit);
}

/* What goes on while a flush is under way: a use ends, and a flush of another processor begins. */
struct meanwhile {
    uint32_t stamp;
    bool due;
};

static void tick_and_stamp(struct sim *sim, cpumask_t cpus)
{
    struct meanwhile *meanwhile = sim->user;

    (void)cpus;
    meanwhile->stamp = tlb_now(&sim->machine);
    (void)tlb_flush_begin(&sim->machine);
    meanwhile->due = sim->machine.tlb.due;
}

/* A flush counts from its begin, and the mark that all are to flush stands until they have. */
static void test_meanwhile(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    struct meanwhile meanwhile = {0};

    (void)state;
    sim->user = &meanwhile;
    sim->on_flush = tick_and_stamp;
    tlb_flush(machine, machine->tlb.cpus);
    assert_int_equal(tlb_stale(machine, meanwhile.stamp).bits, 0x1f);
    assert_false(meanwhile.due);
    machine->tlb.due = true;
    tlb_keep_up(machine);
    assert_true(meanwhile.due);
    assert_false(machine->tlb.due);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_settle),    cmocka_unit_test(test_no_processor),
        cmocka_unit_test(test_page_flush), cmocka_unit_test(test_keep_up),   unit_test_both(test_operations_keep_up),
        cmocka_unit_test(test_wrap),       cmocka_unit_test(test_long_life), unit_test_both(test_root_load),
        cmocka_unit_test(test_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
