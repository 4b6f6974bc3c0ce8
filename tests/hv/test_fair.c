/* SPDX-License-Identifier: MIT */
/* Shares of the processor, against a clock that counts what each vCPU gets. */
/* links: hv/domain/fair.c hv/domain/runstate.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/domain/fair.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define MS      UINT64_C(1000000)
#define DOMAINS 4u
#define VCPUS   2u /* of each */
#define TURN    (10 * MS)

static struct hv_domain domains[DOMAINS];
static struct hv_vcpu vcpus[DOMAINS][VCPUS];
static uint64_t now, ran[DOMAINS];
static unsigned present;

uint64_t time_now(void)
{
    return now;
}

bool access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu, (void)to, (void)from, (void)size;
    fail();
    return false;
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
        runstate_set(vcpu, RUNSTATE_runnable);
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
    runstate_set(vcpu, RUNSTATE_running);
    fair_begin(vcpu);
    now += ns;
    ran[vcpu->engine.domain->id.v] += ns;
    runstate_set(vcpu, RUNSTATE_runnable);
    fair_end();
    return vcpu;
}

static struct hv_vcpu *turn(uint64_t ns)
{
    return run(fair_next(), ns);
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
    assert_null(fair_next());
    assert_null(fair_behind(NULL));
    add_domain(WEIGHT_DEFAULT, 1);
    assert_ptr_equal(fair_next(), &vcpus[0][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_blocked);
    assert_null(fair_next());
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
    runstate_set(&vcpus[3][1], RUNSTATE_offline);
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
        struct hv_vcpu *next = fair_next();

        (void)run(next, next == &vcpus[0][0] ? TURN : MS / 10);
    }
    expect_share(0, 50);
    expect_share(1, 50);
    remove_all();
}

/* One that sleeps and wakes runs at once; one that only pretends to sleep gains nothing. */
static void test_wake(void **state)
{
    struct hv_vcpu *sleeper = &vcpus[1][0];

    (void)state;
    add_domain(256, 1);
    add_domain(256, 1);
    runstate_set(sleeper, RUNSTATE_blocked);
    for (unsigned i = 0; i < 1000; i++) {
        struct hv_vcpu *burner = fair_next();

        assert_ptr_equal(burner, &vcpus[0][0]);
        runstate_set(burner, RUNSTATE_running);
        fair_begin(burner);
        now += 3 * MS;
        assert_false(fair_has_woken());
        assert_false(fair_is_ahead());
        runstate_wake(sleeper);
        assert_true(fair_has_woken());
        assert_true(fair_is_ahead());
        runstate_set(burner, RUNSTATE_runnable);
        fair_end();
        assert_ptr_equal(turn(MS / 100), sleeper);
        runstate_set(sleeper, RUNSTATE_blocked);
    }
    memset(ran, 0, sizeof(ran));
    runstate_wake(sleeper);
    for (unsigned i = 0; i < 10000; i++) {
        if (turn(MS) == sleeper) {
            runstate_set(sleeper, RUNSTATE_blocked);
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
    runstate_set(&vcpus[1][0], RUNSTATE_blocked);
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
    runstate_set(&vcpus[1][0], RUNSTATE_blocked);
    assert_ptr_equal(fair_next(), &vcpus[0][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_running);
    fair_begin(&vcpus[0][0]);
    now += 6000 * MS;
    runstate_wake(&vcpus[1][0]);
    runstate_set(&vcpus[0][0], RUNSTATE_runnable);
    fair_end();
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
    fair_begin(other);
    now += 10 * MS;
    fair_follow(vcpu, other);
    fair_end();
    assert_int_equal(vcpu->share.had, had + 10 * MS);
    runstate_set(third, RUNSTATE_blocked);
    fair_begin(other); /* nobody who wants to run has had less than this one, or that which follows it, will have */
    now += 10 * MS;
    fair_end();
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
        runstate_set(other, RUNSTATE_runnable);
        had = yields->share.had;
        other->share.had = had + ahead * TURN;
        assert_ptr_equal(fair_next(), yields);
        fair_begin(yields);
        now += 5 * TURN; /* of two vCPUs that are up: counts for ten */
        fair_step_back();
        runstate_set(yields, RUNSTATE_runnable);
        fair_end();
        assert_int_equal(yields->share.had, had + (ahead > 10 ? ahead : 10) * TURN);
        assert_ptr_equal(fair_next(), other);
    }
    runstate_set(other, RUNSTATE_blocked);
    had = yields->share.had;
    fair_begin(yields);
    fair_step_back(); /* nobody is there: nothing is lost */
    fair_end();
    assert_int_equal(yields->share.had, had);
    remove_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_equals),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_short_turns),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_credit),
        cmocka_unit_test(test_credit_of_one_turn),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_step_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
