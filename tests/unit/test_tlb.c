/* SPDX-License-Identifier: MIT */
/* The clock over TLB flushes: whose translations may still be there, and what happens where stamps go round. */
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

static void set_clock(struct machine *machine, uint64_t now)
{
    machine->tlb.now = now;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine->tlb.flushed[i] = now;
}

/* A stamp is settled by a flush that begins after it, never by one that began before. */
static void test_order(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint32_t stamp = tlb_stamp(machine);
    uint64_t began;

    (void)state;
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0x1f);
    tlb_flush(machine, (cpumask_t){0x05});
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0x1a);
    began = tlb_flush_begin(machine);
    stamp = tlb_stamp(machine); /* taken while the flush is under way */
    tlb_flush_end(machine, (cpumask_t){0x1f}, began);
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0x1f);
    tlb_settle(machine, NULL, stamp);
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0);
    sim_destroy(sim);
}

/* The later of two stamps, in whichever order, and where they have gone round between them. */
static void test_later(void **state)
{
    static const uint64_t clocks[] = {100, 0xffffffff, 0x100000000, 0x100000005, 0x1fffffffe};
    struct sim *sim = create();
    struct machine *machine = &sim->machine;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(clocks); i++) {
        uint32_t first, second;

        set_clock(machine, clocks[i]);
        first = tlb_stamp(machine);
        machine->tlb.now += 3;
        second = tlb_stamp(machine);
        assert_int_equal(tlb_later(machine, first, second), second);
        assert_int_equal(tlb_later(machine, second, first), second);
        assert_int_equal(tlb_later(machine, first, first), first);
    }
    sim_destroy(sim);
}

/* Exactly those that need it are flushed, and nobody twice. */
static void test_settle(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint32_t stamp = tlb_stamp(machine);

    (void)state;
    tlb_flush(machine, (cpumask_t){0x03});
    for (unsigned round = 0; round < 3; round++) {
        tlb_settle(machine, NULL, stamp);
        for (unsigned i = 0; i < CPUS; i++)
            assert_int_equal(sim->cpus[i].full_flushes, 1);
    }
    sim_destroy(sim);
}

static void test_no_processor(void **state)
{
    struct sim *sim = create();

    (void)state;
    tlb_flush(&sim->machine, (cpumask_t){0});
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(sim->cpus[i].full_flushes, 0);
    sim_destroy(sim);
}

/* The flush of one page drops nothing else: it settles no stamp. */
static void test_page_flush(void **state)
{
    struct sim *sim = create();
    uint32_t stamp = tlb_stamp(&sim->machine);

    (void)state;
    port_tlb_flush_page((cpumask_t){0x1f}, VADDR(0x1000));
    assert_int_equal(tlb_stale(&sim->machine, NULL, stamp).bits, 0x1f);
    sim_destroy(sim);
}

/*
 * The order of stamp and flush is right wherever they lie.  Where they lie further apart than a stamp reaches, a flush
 * that came after may be asked for again, but one that came before is never taken for enough.
 */
static void test_range(void **state)
{
    static const uint64_t bases[] = {1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x17fffffff, 0xfffffffffff};
    static const uint64_t distances[] = {1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    static const uint64_t beyond[] = {0x100000000, 0x100000001, 0x180000000, 0x1ffffffff, 0x200000000, 0x70000000000};
    struct sim *sim = create();
    struct tlb *tlb = &sim->machine.tlb;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(distances); j++) {
            set_clock(&sim->machine, bases[i] + distances[j]);
            assert_int_equal(tlb_stale(&sim->machine, NULL, (uint32_t)bases[i]).bits, 0);
            tlb->flushed[2] = bases[i];
            assert_int_equal(tlb_stale(&sim->machine, NULL, (uint32_t)bases[i]).bits, 0x04);
            assert_int_equal(tlb_stale(&sim->machine, NULL, (uint32_t)tlb->now).bits, 0x1f);
        }
        for (unsigned j = 0; j < ARRAY_SIZE(beyond); j++) {
            set_clock(&sim->machine, bases[i] + beyond[j]);
            tlb->flushed[2] = bases[i];
            assert_int_equal(tlb_stale(&sim->machine, NULL, (uint32_t)bases[i]).bits & 0x04, 0x04);
            assert_int_equal(tlb_stale(&sim->machine, NULL, (uint32_t)tlb->now).bits, 0x1f);
        }
    }
    sim_destroy(sim);
}

/* Who stores late puts an older date over a newer one: that one flushes once more, and nobody is spared a flush. */
static void test_late_date(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    uint64_t early = tlb_flush_begin(machine);
    uint32_t stamp = tlb_stamp(machine);

    (void)state;
    tlb_flush(machine, (cpumask_t){0x01});
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0x1e);
    tlb_flush_end(machine, (cpumask_t){0x01}, early);
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0x1f);
    tlb_settle(machine, NULL, stamp);
    assert_int_equal(tlb_stale(machine, NULL, stamp).bits, 0);
    sim_destroy(sim);
}

/* A root that is loaded by the vCPU itself counts as a flush of its processor; one loaded for it does not. */
static void test_root_load(void **state)
{
    struct unit unit;
    uint32_t stamp;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2});
    stamp = tlb_stamp(unit.machine);
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, 0x2);
    stamp = tlb_stamp(unit.machine);
    assert_int_equal(vcpu_set_roots(unit.vcpu, guest_root(unit.guest), MFN_NONE), 0);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, 0x3);
    unit_destroy(&unit);
}

/* A change of modes leaves translations of global pages where they are, and counts as no flush. */
static void test_change_of_modes(void **state)
{
    struct unit unit;
    uint32_t stamp;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_vcpus = 1});
    assert_int_equal(guest_new_user_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    stamp = tlb_stamp(unit.machine);
    assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, 0x1);
    vcpu_enter_kernel(unit.vcpu);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, 0x1);
    unit_destroy(&unit);
}

/* Of a domain's frames who has been on another's tables alone has no translations, unless those have led to one. */
static void test_whose(void **state)
{
    struct unit unit;
    struct tlb *tlb;
    const struct domain *other;
    uint32_t stamp;

    unit_create(&unit,
                &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2, .nr_guests = 2, .privileged = true});
    tlb = &unit.machine->tlb;
    other = unit.other->domain;
    for (unsigned i = 0; i < unit.sim->nr_cpus; i++)
        tlb->runs[i] = i == 0 ? unit.domain : i == 1 ? NULL : other;
    stamp = tlb_stamp(unit.machine);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, tlb->cpus.bits);
    assert_int_equal(tlb_stale(unit.machine, unit.domain, stamp).bits, 0x3);
    assert_int_equal(tlb_stale(unit.machine, other, stamp).bits, tlb->cpus.bits & ~UINT64_C(1));
    tlb_settle(unit.machine, unit.domain, stamp);
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, tlb->cpus.bits & ~UINT64_C(3));
    tlb_settle(unit.machine, unit.domain, stamp); /* there is nobody left to ask */
    assert_int_equal(tlb_stale(unit.machine, NULL, stamp).bits, tlb->cpus.bits & ~UINT64_C(3));
    assert_false(unit.domain->lent);
    unit_destroy(&unit);
}

/* Frames of the second guest come into tables of the first: whoever runs that one may see them, for good. */
static void test_lent(void **state)
{
    struct unit unit;
    uint32_t stamp;
    struct op op;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .privileged = true});
    op = op_own(unit.domain, unit.vcpu);
    assert_int_equal(op_begin(&op, unit.domain, unit.other->domain), 0);
    op_end(&op);
    assert_true(unit.other->domain->lent);
    assert_false(unit.domain->lent);
    unit.machine->tlb.runs[0] = unit.domain;
    stamp = tlb_stamp(unit.machine);
    assert_int_equal(tlb_stale(unit.machine, unit.other->domain, stamp).bits, unit.machine->tlb.cpus.bits);
    unit_destroy(&unit);
}

static bool is_asked(const struct unit *unit, const struct domain *owner, unsigned cpu, uint32_t stamp)
{
    return tlb_stale(unit->machine, owner, stamp).bits >> cpu & 1;
}

/* Between the tables of two domains a processor may have translations of either's: so it is asked for both. */
static void test_change_of_domains(void **state)
{
    struct unit unit;
    const struct domain *other;
    uint32_t stamp;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    other = unit.other->domain;
    unit.machine->tlb.runs[0] = unit.domain;
    stamp = tlb_stamp(unit.machine);
    assert_true(is_asked(&unit, unit.domain, 0, stamp) && !is_asked(&unit, other, 0, stamp));
    tlb_run_begin(unit.machine, 0);
    assert_true(is_asked(&unit, unit.domain, 0, stamp) && is_asked(&unit, other, 0, stamp));
    tlb_run_end(unit.machine, 0, other);
    assert_true(!is_asked(&unit, unit.domain, 0, stamp) && is_asked(&unit, other, 0, stamp));
    tlb_run_begin(unit.machine, 0);
    tlb_run_end(unit.machine, 0, NULL);
    assert_true(is_asked(&unit, unit.domain, 0, stamp) && is_asked(&unit, other, 0, stamp));
    unit_destroy(&unit);
}

/* What goes on while a flush is under way: a use ends, somebody asks for one that ended before, and another begins. */
struct meanwhile {
    uint32_t before, stamp;
    cpumask_t stale; /* for the use that had ended before */
};

static void stamp_and_ask(struct sim *sim, cpumask_t cpus)
{
    struct meanwhile *meanwhile = sim->user;

    (void)cpus;
    meanwhile->stamp = tlb_stamp(&sim->machine);
    meanwhile->stale = tlb_stale(&sim->machine, NULL, meanwhile->before);
    (void)tlb_flush_begin(&sim->machine);
}

/* A flush counts from its begin, and not before it has ended. */
static void test_meanwhile(void **state)
{
    struct sim *sim = create();
    struct machine *machine = &sim->machine;
    struct meanwhile meanwhile = {.before = tlb_stamp(machine)};

    (void)state;
    sim->user = &meanwhile;
    sim->on_flush = stamp_and_ask;
    tlb_flush(machine, machine->tlb.cpus);
    assert_int_equal(meanwhile.stale.bits, 0x1f);
    assert_int_equal(tlb_stale(machine, NULL, meanwhile.before).bits, 0);
    assert_int_equal(tlb_stale(machine, NULL, meanwhile.stamp).bits, 0x1f);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_settle),
        cmocka_unit_test(test_no_processor),
        cmocka_unit_test(test_page_flush),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_late_date),
        unit_test_both(test_root_load),
        cmocka_unit_test(test_meanwhile),
        unit_test_both(test_whose),
        unit_test_both(test_lent),
        cmocka_unit_test(test_change_of_modes),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_change_of_domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
