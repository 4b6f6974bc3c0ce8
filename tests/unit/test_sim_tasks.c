/* SPDX-License-Identifier: MIT */
/* Tasks, locks, preemption and failures of the hosted machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <sim/sim.h>

static struct sim *make_sim(uint64_t seed)
{
    const struct sim_config config = {.seed = seed, .nr_frames = 256, .nr_domains = 3};

    return sim_create(&config);
}

/* What tasks have done, in order. */
struct diary {
    struct sim *sim;
    char text[256];
    size_t length;
    char next_name;
};

static void write_down(struct diary *diary, char letter)
{
    assert_true(diary->length + 1 < sizeof(diary->text));
    diary->text[diary->length++] = letter;
}

static void write_three_times(struct vcpu *vcpu, void *arg)
{
    struct diary *diary = arg;
    char name = diary->next_name++;

    (void)vcpu;
    for (unsigned i = 0; i < 3; i++) {
        write_down(diary, name);
        if (port_preempt_wanted())
            port_yield();
    }
}

static struct diary run_three(uint64_t seed, enum sim_preemption preemption)
{
    struct diary diary = {.sim = make_sim(seed), .next_name = 'a'};

    diary.sim->preemption = preemption;
    diary.sim->preempt_per_256 = 128;
    for (unsigned i = 0; i < 3; i++)
        sim_spawn(diary.sim, NULL, write_three_times, &diary);
    sim_run(diary.sim);
    sim_destroy(diary.sim);
    return diary;
}

static void test_without_preemption(void **state)
{
    (void)state;
    assert_string_equal(run_three(1, SIM_PREEMPT_NEVER).text, "aaabbbccc");
}

static void test_schedule_follows_from_the_seed(void **state)
{
    const enum sim_preemption kinds[] = {SIM_PREEMPT_ALWAYS, SIM_PREEMPT_RANDOM};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct diary first = run_three(5, kinds[i]), again = run_three(5, kinds[i]);
        unsigned different = 0;

        assert_int_equal(first.length, 9);
        assert_string_equal(first.text, again.text);
        for (uint64_t seed = 6; seed < 16; seed++)
            different += strcmp(first.text, run_three(seed, kinds[i]).text) != 0;
        assert_in_range(different, 5, 10);
    }
}

static void test_script(void **state)
{
    const uint64_t script[] = {1, 3, 4};
    struct sim *sim = make_sim(1);

    (void)state;
    sim->preemption = SIM_PREEMPT_SCRIPT;
    sim->preempt_script = script;
    sim->preempt_script_length = ARRAY_SIZE(script);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(port_preempt_wanted(), i == 1 || i == 3 || i == 4);
    assert_int_equal(sim->preempt_points, 6);
    sim_destroy(sim);
}

static void count_hook(struct sim *sim)
{
    ++*(unsigned *)sim->user;
}

static void test_hook_at_each_yield(void **state)
{
    unsigned count = 0;
    struct sim *sim = make_sim(1);

    (void)state;
    sim->on_preempt = count_hook;
    sim->user = &count;
    port_yield();
    port_yield();
    assert_int_equal(count, 2);
    assert_int_equal(sim->yields, 2);
    sim_destroy(sim);
}

static void work_under_lock(struct vcpu *vcpu, void *arg)
{
    struct diary *diary = arg;
    char name = diary->next_name++;
    struct domain *domain = sim_domain(diary->sim, 1);

    (void)vcpu;
    port_lock(domain);
    write_down(diary, name);
    sim_pause(diary->sim);
    write_down(diary, name);
    port_unlock(domain);
}

static void test_lock_excludes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct diary diary = {.sim = make_sim(seed), .next_name = 'a'};

        diary.sim->preemption = SIM_PREEMPT_ALWAYS;
        for (unsigned i = 0; i < 4; i++)
            sim_spawn(diary.sim, NULL, work_under_lock, &diary);
        sim_run(diary.sim);
        assert_int_equal(diary.length, 8);
        for (unsigned i = 0; i < 8; i += 2)
            assert_int_equal(diary.text[i], diary.text[i + 1]);
        sim_destroy(diary.sim);
    }
}

/* Fails @fn and finds @words in the message? */
static void assert_fails(sim_task_fn *fn, const char *words)
{
    struct sim *sim = make_sim(1);

    assert_true(sim_fails(sim, fn, NULL, sim));
    assert_non_null(strstr(sim->fail_message, words));
    sim_destroy(sim);
}

static void lock_twice(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    port_lock(sim_domain(arg, 1));
    port_lock(sim_domain(arg, 1));
}

static void lock_in_wrong_order(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    port_lock(sim_domain(arg, 2));
    port_lock(sim_domain(arg, 0));
}

static void unlock_what_is_free(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    port_unlock(sim_domain(arg, 1));
}

static void yield_with_lock(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    port_lock(sim_domain(arg, 1));
    port_yield();
}

static void end_with_lock(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    port_lock(sim_domain(arg, 1));
}

static void wait_for_ever(struct vcpu *vcpu, void *arg)
{
    struct sim *sim = arg;

    (void)vcpu;
    sim->stall_limit = 1000;
    for (;;)
        port_yield();
}

static void map_a_free_frame(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
    port_frame_map(MFN(5));
}

static void map_no_frame(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
    port_frame_map(MFN(UINT64_C(1) << 40));
}

static void give_back_twice(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
    port_pool_give(MFN(5), 0);
}

static void halt(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
    port_halt("file.c", 12, "a == b");
}

static void test_failures(void **state)
{
    (void)state;
    assert_fails(lock_twice, "port_lock");
    assert_fails(lock_in_wrong_order, "port_lock");
    assert_fails(unlock_what_is_free, "port_unlock");
    assert_fails(yield_with_lock, "port_yield");
    assert_fails(end_with_lock, "locks held");
    assert_fails(wait_for_ever, "live lock");
    assert_fails(map_a_free_frame, "port_frame_map");
    assert_fails(map_no_frame, "port_frame_map");
    assert_fails(give_back_twice, "port_pool_give");
    assert_fails(halt, "file.c:12: a == b");
}

static void do_nothing(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
}

static void test_what_does_not_fail(void **state)
{
    struct sim *sim = make_sim(1);

    (void)state;
    assert_false(sim_fails(sim, do_nothing, NULL, sim));
    sim_destroy(sim);
}

static void use_stack(struct vcpu *vcpu, void *arg)
{
    volatile char room[20000];

    (void)vcpu;
    (void)arg;
    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 1;
}

static void test_stack_is_measured(void **state)
{
    struct sim *sim = make_sim(1);

    (void)state;
    assert_int_equal(sim_stack_used(sim), 0);
    sim_spawn(sim, NULL, use_stack, NULL);
    sim_run(sim);
    assert_in_range(sim_stack_used(sim), 20000, 60000);
    sim_destroy(sim);
}

static void take(struct sim *sim, unsigned order, uint64_t *taken, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mfn_t mfn;

        assert_true(port_pool_take(order, MFN_NONE, &mfn));
        assert_int_equal(mfn.v % (UINT64_C(1) << order), 0);
        taken[i] = mfn.v;
        assert_int_equal(sim_frame_entries(sim, mfn)[0] == 0, false); /* junk */
    }
}

static void test_pool(void **state)
{
    struct sim *sim = make_sim(3);
    uint64_t start = sim_pool_count(sim), frames[32], runs[4];
    unsigned in_order = 0;

    (void)state;
    assert_int_equal(start, 256);
    take(sim, 2, runs, 4);
    take(sim, 0, frames, 32);
    assert_int_equal(sim_pool_count(sim), start - 48);
    for (unsigned i = 1; i < 32; i++)
        in_order += frames[i] == frames[i - 1] + 1;
    assert_in_range(in_order, 0, 3);
    for (unsigned i = 0; i < 32; i++)
        port_pool_give(MFN(frames[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        port_pool_give(MFN(runs[i]), 2);
    assert_int_equal(sim_pool_count(sim), start);
    sim_destroy(sim);
}

static void test_pool_runs_dry(void **state)
{
    struct sim *sim = make_sim(3);
    mfn_t mfn;

    (void)state;
    sim->pool_fail_after = 2;
    assert_true(port_pool_take(0, MFN_NONE, &mfn));
    assert_true(port_pool_take(0, MFN_NONE, &mfn));
    assert_false(port_pool_take(0, MFN_NONE, &mfn));
    sim->pool_fail_after = UINT64_MAX;
    while (port_pool_take(0, MFN_NONE, &mfn))
        continue;
    assert_int_equal(sim_pool_count(sim), 0);
    assert_false(port_pool_take(1, MFN_NONE, &mfn));
    sim_destroy(sim);
}

static void test_refusals_are_counted(void **state)
{
    struct sim *sim = make_sim(1);
    const struct refusal refusal = {.error = XEN_EINVAL, .reason = REFUSE_BAD_FLAGS, .value = 9};

    (void)state;
    port_refused(&refusal);
    assert_int_equal(sim->nr_refusals, 1);
    assert_int_equal(sim->refusals[REFUSE_BAD_FLAGS], 1);
    assert_int_equal(sim->last_refusal.value, 9);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_preemption),
        cmocka_unit_test(test_schedule_follows_from_the_seed),
        cmocka_unit_test(test_script),
        cmocka_unit_test(test_hook_at_each_yield),
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_what_does_not_fail),
        cmocka_unit_test(test_stack_is_measured),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_runs_dry),
        cmocka_unit_test(test_refusals_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
