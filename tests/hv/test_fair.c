/* SPDX-License-Identifier: MIT */
/* Shares of the processor, against a clock that counts what each vCPU gets. */
/* links: hv/domain/fair.c hv/domain/runstate.c tests/hv/lib/lock_host.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/fair.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define MS      UINT64_C(1000000)
#define DOMAINS 4u
#define VCPUS   2u /* of each */
#define TURN    (10 * MS)

struct cpu cpu_boot;
static struct hv_domain domains[DOMAINS];
static struct hv_vcpu vcpus[DOMAINS][VCPUS];
static uint64_t now, ran[DOMAINS];
static unsigned present;

uint64_t time_now(void)
{
    return now;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu, (void)to, (void)from, (void)size;
    fail();
    return false;
}

void lock_waits(void)
{
    fail();
}

static uint64_t kicked;

void cpu_kick(unsigned id)
{
    kicked |= UINT64_C(1) << id;
}

static void add_domain(unsigned weight, unsigned nr_vcpus)
{
    struct hv_domain *domain = &domains[present];

    *domain = (struct hv_domain){
        .engine = {.vcpus = domain->vcpus, .nr_vcpus = nr_vcpus, .id = DOMID((uint16_t)present)}, .weight = weight};
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct hv_vcpu *vcpu = &vcpus[present][i];

        *vcpu = (struct hv_vcpu){.engine = {.domain = &domain->engine, .id = i}};
        domain->vcpus[i] = &vcpu->engine;
        runstate_init(vcpu);
        runstate_set(vcpu, RUNSTATE_runnable, now);
        fair_add(vcpu);
    }
    ran[present++] = 0;
}

static void remove_all(void)
{
    while (fair_behind(NULL))
        fair_remove(fair_behind(NULL));
    present = 0;
}

/* What the scheduler does for a turn of @vcpu, which ends after @ns. */
static struct hv_vcpu *run(struct hv_vcpu *vcpu, uint64_t ns)
{
    assert_non_null(vcpu);
    runstate_set(vcpu, RUNSTATE_running, now);
    fair_begin(0, vcpu, now);
    now += ns;
    ran[vcpu->engine.domain->id.v] += ns;
    runstate_set(vcpu, RUNSTATE_runnable, now);
    fair_end(0, now);
    return vcpu;
}

static struct hv_vcpu *turn(uint64_t ns)
{
    return run(fair_next(0), ns);
}

/* @domain has had @percent of all that was given, to 5 in a hundred of that. */
static void expect_share(unsigned domain, unsigned percent)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < present; i++)
        sum += ran[i];
    assert_in_range(ran[domain] * 10000, sum * percent * 95, sum * percent * 105);
}

static void test_empty(void **state)
{
    (void)state;
    assert_null(fair_next(0));
    assert_null(fair_behind(NULL));
    add_domain(WEIGHT_DEFAULT, 1);
    assert_ptr_equal(fair_next(0), &vcpus[0][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_blocked, now);
    assert_null(fair_next(0));
    remove_all();
    assert_null(fair_behind(NULL));
}

/* Of equals each comes once before one comes twice. */
static void test_equals(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++)
        add_domain(WEIGHT_DEFAULT, 1);
    for (unsigned i = 0; i < DOMAINS; i++)
        seen |= 1u << turn(0)->engine.domain->id.v;
    assert_int_equal(seen, 15);
    remove_all();
}

/* By weight, however many vCPUs share it; those that are down do not count. */
static void test_weights(void **state)
{
    (void)state;
    add_domain(512, 2);
    add_domain(256, 1);
    add_domain(128, 1);
    add_domain(128, 2);
    vcpus[3][1].run.down = true;
    runstate_set(&vcpus[3][1], RUNSTATE_offline, now);
    for (unsigned i = 0; i < 4000; i++)
        (void)turn(TURN);
    expect_share(0, 50);
    expect_share(1, 25);
    expect_share(2, 12);
    expect_share(3, 12);
    assert_in_range(vcpus[0][0].share.had, vcpus[0][1].share.had - 2 * TURN, vcpus[0][1].share.had + 2 * TURN);
    remove_all();
}

/* Turns that a guest ends early, by whatever it does, give it no more than its share. */
static void test_short_turns(void **state)
{
    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    for (unsigned i = 0; i < 100000; i++) {
        struct hv_vcpu *next = fair_next(0);

        (void)run(next, next == &vcpus[0][0] ? TURN : MS / 10);
    }
    expect_share(0, 50);
    expect_share(1, 50);
    remove_all();
}

/* A clock that is behind the one by which others were charged gives nobody time, and takes none. */
static void test_clock_behind(void **state)
{
    struct hv_vcpu *vcpu;
    uint64_t had;

    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    vcpu = fair_next(0);
    runstate_set(vcpu, RUNSTATE_running, now);
    fair_begin(0, vcpu, now);
    now += MS;
    assert_true(fair_is_ahead(0, now));
    had = vcpu->share.had;
    assert_true(fair_is_ahead(0, now - 1));
    assert_int_equal(vcpu->share.had, had);
    now += MS;
    assert_true(fair_is_ahead(0, now));
    assert_int_equal(vcpu->share.had - had, MS);
    runstate_set(vcpu, RUNSTATE_runnable, now);
    fair_end(0, now);
    remove_all();
}

/* One that sleeps and wakes runs at once; one that only pretends to sleep gains nothing. */
static void test_wake(void **state)
{
    struct hv_vcpu *sleeper = &vcpus[1][0];

    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    runstate_set(sleeper, RUNSTATE_blocked, now);
    for (unsigned i = 0; i < 1000; i++) {
        struct hv_vcpu *burner = fair_next(0);

        assert_ptr_equal(burner, &vcpus[0][0]);
        runstate_set(burner, RUNSTATE_running, now);
        fair_begin(0, burner, now);
        now += 3 * MS;
        assert_false(fair_has_woken(0));
        assert_false(fair_is_ahead(0, now));
        runstate_wake(sleeper);
        assert_true(fair_has_woken(0));
        assert_true(fair_is_ahead(0, now));
        runstate_set(burner, RUNSTATE_runnable, now);
        fair_end(0, now);
        assert_ptr_equal(turn(MS / 100), sleeper);
        runstate_set(sleeper, RUNSTATE_blocked, now);
    }
    memset(ran, 0, sizeof(ran));
    runstate_wake(sleeper);
    for (unsigned i = 0; i < 10000; i++) {
        if (turn(MS) == sleeper) {
            runstate_set(sleeper, RUNSTATE_blocked, now);
            runstate_wake(sleeper);
        }
    }
    expect_share(0, 50);
    expect_share(1, 50);
    remove_all();
}

/* One that has slept for long has not saved up for long. */
static void test_credit(void **state)
{
    unsigned turns = 0;

    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    runstate_set(&vcpus[1][0], RUNSTATE_blocked, now);
    for (unsigned i = 0; i < 1000; i++)
        (void)turn(TURN);
    runstate_wake(&vcpus[1][0]);
    while (turn(MS) == &vcpus[1][0])
        turns++;
    assert_in_range(turns, 1, 2 * FAIR_CREDIT / MS);
    remove_all();
}

/* Nor while another had the processor for one turn without an end. */
static void test_credit_of_one_turn(void **state)
{
    unsigned turns = 0;

    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    runstate_set(&vcpus[1][0], RUNSTATE_blocked, now);
    assert_ptr_equal(fair_next(0), &vcpus[0][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_running, now);
    fair_begin(0, &vcpus[0][0], now);
    now += 6000 * MS;
    runstate_wake(&vcpus[1][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_runnable, now);
    fair_end(0, now);
    while (turn(MS) == &vcpus[1][0])
        turns++;
    assert_in_range(turns, 1, 2 * FAIR_CREDIT / MS);
    remove_all();
}

/* Who comes late has nothing to make up for. */
static void test_late(void **state)
{
    (void)state;
    add_domain(256, 1);
    for (unsigned i = 0; i < 1000; i++)
        (void)turn(TURN);
    ran[0] = 0;
    add_domain(256, 1);
    for (unsigned i = 0; i < 100; i++)
        (void)turn(TURN);
    expect_share(0, 50);
    remove_all();
}

/* Who comes in the place of another has had what that one had, the turn that is not over included. */
static void test_follow(void **state)
{
    struct hv_vcpu *vcpu = &vcpus[0][0], *other = &vcpus[1][0], *third = &vcpus[2][0];
    uint64_t had;

    (void)state;
    add_domain(WEIGHT_DEFAULT, 1);
    add_domain(WEIGHT_DEFAULT, 1);
    add_domain(WEIGHT_DEFAULT, 1);
    had = other->share.had;
    fair_begin(0, other, now);
    now += 10 * MS;
    fair_follow(vcpu, other);
    fair_end(0, now);
    assert_int_equal(vcpu->share.had, had + 10 * MS);
    runstate_set(third, RUNSTATE_blocked, now);
    /* Nobody who wants to run has had less than this one, or that which follows it, will have. */
    fair_begin(0, other, now);
    now += 10 * MS;
    fair_end(0, now);
    fair_follow(vcpu, third);
    assert_int_equal(vcpu->share.had, had + 10 * MS);
    remove_all();
}

/* SCHEDOP_yield: somebody else is next, though he has had more; by no more than that is he who yields behind him. */
static void test_step_back(void **state)
{
    struct hv_vcpu *yields = &vcpus[0][0], *other = &vcpus[0][1];
    uint64_t had;

    (void)state;
    add_domain(256, 2);
    for (unsigned ahead = 5; ahead < 20; ahead += 10) {
        runstate_set(other, RUNSTATE_runnable, now);
        had = yields->share.had;
        other->share.had = had + ahead * TURN;
        assert_ptr_equal(fair_next(0), yields);
        fair_begin(0, yields, now);
        now += 5 * TURN; /* of two vCPUs that are up: counts for ten */
        fair_step_back(0);
        runstate_set(yields, RUNSTATE_runnable, now);
        fair_end(0, now);
        assert_int_equal(yields->share.had, had + (ahead > 10 ? ahead : 10) * TURN);
        assert_ptr_equal(fair_next(0), other);
    }
    runstate_set(other, RUNSTATE_blocked, now);
    had = yields->share.had;
    fair_begin(0, yields, now);
    fair_step_back(0); /* nobody is there: nothing is lost */
    fair_end(0, now);
    assert_int_equal(yields->share.had, had);
    remove_all();
}

/*
 * ---- Several processors.
 */

#define CPUS 3u

static void begin_on(unsigned cpu, struct hv_vcpu *vcpu)
{
    assert_non_null(vcpu);
    runstate_set(vcpu, RUNSTATE_running, now);
    vcpu->engine.cpu = cpu;
    vcpu->share.is_held = true;
    fair_begin(cpu, vcpu, now);
}

/* Its turn is over, and the processor lets go of it. */
static void end_on(unsigned cpu, struct hv_vcpu *vcpu, unsigned state)
{
    runstate_set(vcpu, state, now);
    fair_end(cpu, now);
    vcpu->share.is_held = false;
}

static void add_processors(void)
{
    for (unsigned cpu = 1; cpu < CPUS; cpu++)
        fair_add_processor(cpu);
}

/* Whoever a processor holds, no other takes, though it wants to run; it itself does. */
static void test_held(void **state)
{
    struct hv_vcpu *vcpu = &vcpus[0][0];

    (void)state;
    add_processors();
    add_domain(WEIGHT_DEFAULT, 1);
    assert_ptr_equal(fair_next(1), vcpu);
    begin_on(1, vcpu);
    assert_null(fair_next(0));
    runstate_set(vcpu, RUNSTATE_runnable, now); /* it yields: its registers are there still */
    assert_null(fair_next(0));
    assert_false(fair_is_wanted(2));
    assert_true(fair_is_wanted(1));
    fair_end(1, now);
    assert_ptr_equal(fair_next(1), vcpu);
    vcpu->share.is_held = false;
    assert_ptr_equal(fair_next(0), vcpu);
    remove_all();
}

/* By weight over all processors, each of which is busy all the time; no vCPU has two. */
static void test_weights_on_several(void **state)
{
    struct hv_vcpu *on[CPUS];

    (void)state;
    add_domain(512, 2);
    add_domain(256, 2);
    add_domain(128, 2);
    for (unsigned i = 0; i < 4000; i++) {
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            on[cpu] = fair_next(cpu);
            begin_on(cpu, on[cpu]);
            for (unsigned other = 0; other < cpu; other++)
                assert_ptr_not_equal(on[cpu], on[other]);
        }
        now += TURN;
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            ran[on[cpu]->engine.domain->id.v] += TURN;
            end_on(cpu, on[cpu], RUNSTATE_runnable);
        }
    }
    expect_share(0, 57);
    expect_share(1, 29);
    expect_share(2, 14);
    remove_all();
}

/* Who ran there last is preferred, for as long as the other has not had less by FAIR_MOVE. */
static void test_stays(void **state)
{
    struct hv_vcpu *here = &vcpus[0][0], *there = &vcpus[0][1];

    (void)state;
    add_domain(WEIGHT_DEFAULT, 2);
    here->engine.cpu = 1;
    here->share.had = there->share.had + FAIR_MOVE - 1;
    assert_ptr_equal(fair_next(1), here);
    here->share.had += 2;
    assert_ptr_equal(fair_next(1), there);
    remove_all();
}

/* A guest that is bound to processors runs there and nowhere else; to those that there are not: anywhere. */
static void test_bound(void **state)
{
    (void)state;
    add_domain(WEIGHT_DEFAULT, 1);
    domains[0].cpus = (cpumask_t){6};
    assert_null(fair_next(0));
    assert_false(fair_is_wanted(0));
    assert_ptr_equal(fair_next(2), &vcpus[0][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_blocked, now);
    assert_in_range(fair_wake(&vcpus[0][0], now), 1, 2);
    domains[0].cpus = (cpumask_t){UINT64_C(1) << 40};
    runstate_set(&vcpus[0][0], RUNSTATE_runnable, now);
    assert_ptr_equal(fair_next(0), &vcpus[0][0]);
    (void)fair_next(1);
    (void)fair_next(2);
    remove_all();
}

/* A vCPU that has bound itself goes where it says, and its domain's processors count no more until it undoes that. */
static void test_bound_by_itself(void **state)
{
    struct hv_vcpu *vcpu = &vcpus[0][0];
    unsigned other = 7;

    (void)state;
    add_domain(WEIGHT_DEFAULT, 2);
    domains[0].cpus = (cpumask_t){3};
    assert_int_equal(fair_allowed(vcpu).bits, 3);
    begin_on(0, fair_next(0));
    begin_on(1, fair_next(1));
    vcpu = vcpus[0][0].engine.cpu == 0 ? vcpu : &vcpus[0][1];
    assert_false(fair_bind(vcpu, 0, cpumask_of(0), &other));
    assert_true(fair_bind(vcpu, 0, cpumask_of(2), &other));
    assert_true(other == 2 && fair_has_woken(2));
    assert_int_equal(fair_allowed(vcpu).bits, 4);
    end_on(0, vcpu, RUNSTATE_runnable);
    assert_null(fair_next(0));
    begin_on(2, fair_next(2));
    assert_true(fair_bind(vcpu, 2, (cpumask_t){0}, &other) && other == 0);
    end_on(2, vcpu, RUNSTATE_runnable);
    assert_null(fair_next(2));
    assert_ptr_equal(fair_next(0), vcpu);
    fair_end(1, now);
    (void)fair_next(1);
    remove_all();
}

/* An idle processor is told, that where it ran last if that is one, each once; then whose vCPU has had most. */
static void test_told(void **state)
{
    struct hv_vcpu *woken = &vcpus[0][0], *next = &vcpus[0][1], *burner = &vcpus[1][0], *other = &vcpus[1][1];
    unsigned cpu;

    (void)state;
    add_domain(WEIGHT_DEFAULT, 2);
    add_domain(WEIGHT_DEFAULT, 2);
    runstate_set(woken, RUNSTATE_blocked, now);
    runstate_set(next, RUNSTATE_blocked, now);
    begin_on(0, burner);
    woken->engine.cpu = 2;
    kicked = 0;
    runstate_wake(woken);
    assert_int_equal(kicked, 1u << 2);
    runstate_set(woken, RUNSTATE_blocked, now);
    assert_true(fair_has_woken(2));
    assert_false(fair_has_woken(1) || burner->run.attention);
    assert_int_equal(fair_wake(next, now), 1);
    runstate_set(woken, RUNSTATE_runnable, now);
    assert_ptr_equal(fair_next(2), woken);
    assert_false(fair_has_woken(2));
    begin_on(2, woken);
    (void)fair_next(1);
    runstate_set(other, RUNSTATE_runnable, now);
    begin_on(1, other);
    now += MS;
    burner->share.had += 100 * MS;
    assert_int_equal(fair_wake(next, now), 0);
    assert_true(burner->run.attention && fair_has_woken(0));
    assert_false(other->run.attention || woken->run.attention);
    (void)fair_next(0);
    assert_false(fair_find_idle(&cpu));
    end_on(1, other, RUNSTATE_blocked);
    assert_false(fair_find_idle(&cpu)); /* there is one, and nobody for it */
    runstate_set(next, RUNSTATE_runnable, now);
    assert_true(fair_find_idle(&cpu));
    assert_int_equal(cpu, 1);
    assert_false(fair_find_idle(&cpu)); /* it has been told */
    end_on(0, burner, RUNSTATE_blocked);
    end_on(2, woken, RUNSTATE_blocked);
    remove_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_equals),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_short_turns),
        cmocka_unit_test(test_clock_behind),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_credit),
        cmocka_unit_test(test_credit_of_one_turn),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_step_back),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_weights_on_several),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_bound_by_itself),
        cmocka_unit_test(test_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
