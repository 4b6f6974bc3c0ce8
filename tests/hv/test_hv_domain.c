/* SPDX-License-Identifier: MIT */
/*
 * Domains made and released on the hosted machine by engine and hv/build/hv_domain.c together: what a new one is, the
 * way back from wherever its making can fail, and what it is told to have left behind.  On the machine: tests/guest
 * with `--audit`, hv/selftest_domain.c.
 */
/* links: hv/build/hv_domain.c tests/hv/lib/objects.c tests/hv/lib/said.c */
/* links: hv/domain/zombie.c engine/access.c engine/audit.c engine/descriptor.c engine/domain.c */
/* links: engine/emulate.c engine/entry.c engine/exchange.c engine/flush.c engine/foreign.c engine/frame.c */
/* links: engine/grant_copy.c engine/grant_map.c engine/grant_mapping.c engine/grant_op.c engine/grant_table.c */
/* links: engine/grant_use.c engine/hold.c engine/hypercall.c engine/level.c engine/linear.c engine/memory.c */
/* links: engine/mmu_update.c engine/mmuext.c */
/* links: engine/op.c engine/pin.c engine/refuse.c engine/reservation.c engine/root.c engine/segment.c engine/table.c */
/* links: engine/tlb.c engine/trap.c engine/type.c engine/typeref.c engine/update.c engine/va_mapping.c engine/walk.c */
/* links: sim/cpu.c sim/current.c sim/hypervisor.c sim/pool.c sim/port.c sim/ram.c sim/random.c sim/report.c */
/* links: sim/rule.c sim/sim.c sim/speculate.c sim/stack.c sim/tasks.c sim/tlb.c sim/walk.c tests/hv/lib/lock_host.c */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/shared.h>
#include <engine/engine.h>
#include <hv/build/hv_domain.h>
#include <hv/device/devices.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/vcpu_time.h>
#include <hv/domain/wallclock.h>
#include <hv/domain/zombie.h>
#include <hv/mem/window.h>
#include <hv/service/event_channel.h>
#include <hv/service/services.h>
#include <hv/time/time.h>
#include <sim/sim.h>
#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/said.h>

#define FRAMES 64u
#define NEVER  UINT_MAX

/*
 * ---- The rest of the hypervisor.  Whatever can fail does so when its turn comes: steps are counted.
 */

static struct sim *sim;
static unsigned steps_left, stacks, roots, states, timers, consoles, stores, events, wallclocks, retired;

/* What there still was when its devices went. */
static struct {
    unsigned events;
    uint64_t free_frames;
} seen_by_devices;

static bool fails(void)
{
    return steps_left != NEVER && steps_left-- == 0;
}

int sched_create(struct hv_vcpu *vcpu)
{
    static struct cpu_frame frame;

    if (fails())
        return -XEN_ENOMEM;
    vcpu->run.stack = 4096;
    vcpu->frame = &frame;
    vcpu->run.down = true;
    stacks++;
    return 0;
}

/* Before anything of it goes that it would run with. */
void sched_retire(struct hv_vcpu *vcpu)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);

    assert_true(domain_is_dying(&domain->engine));
    assert_true(timers >= domain->engine.nr_vcpus - vcpu->engine.id);
    retired++;
}

void sched_destroy(struct hv_vcpu *vcpu)
{
    assert_true(vcpu->run.stack);
    stacks--;
}

int narrow_root_create(struct hv_vcpu *vcpu)
{
    static uint64_t tables;

    if (fails())
        return -XEN_ENOMEM;
    vcpu->narrow_root.tables = &tables;
    roots++;
    return 0;
}

void narrow_root_destroy(struct hv_vcpu *vcpu)
{
    roots -= vcpu->narrow_root.tables != NULL;
}

/* Nobody waits for a number here. */
void hv_vcpu_give_way(void)
{
    fail();
}

uint64_t time_now(void)
{
    return 0;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    (void)timer;
    (void)deadline;
    fail();
}

void timer_stop(struct timer *timer)
{
    assert_false(timer->active);
}

int state_create(struct hv_vcpu *vcpu)
{
    if (fails())
        return -XEN_ENOMEM;
    vcpu->state.extended = vcpu;
    states++;
    return 0;
}

void state_destroy(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu->state.extended, vcpu);
    states--;
}

int event_create(struct hv_domain *domain)
{
    (void)domain;
    if (fails())
        return -XEN_ENOMEM;
    events++;
    return 0;
}

void devices_destroy(struct hv_domain *domain)
{
    assert_true(domain_is_dying(&domain->engine));
    seen_by_devices.events = events;
    seen_by_devices.free_frames = sim_pool_count(sim);
}

void event_destroy(struct hv_domain *domain)
{
    (void)domain;
    events -= events > 0; /* it may not have been made */
}

void vcpu_time_create(struct hv_vcpu *vcpu)
{
    assert_non_null(vcpu->info); /* the clock is shown there */
    timers++;
}

void vcpu_time_stop(struct hv_vcpu *vcpu)
{
    assert_non_null(vcpu->engine.domain);
    timers--;
}

void wallclock_update(struct hv_domain *domain)
{
    assert_non_null(domain->shared_info);
    wallclocks++;
}

void console_detach(struct hv_domain *domain)
{
    (void)domain;
    consoles++;
}

void xenstore_destroy(struct hv_domain *domain)
{
    (void)domain;
    stores++;
}

static int setup(void **state)
{
    const struct sim_config config = {.seed = 1, .nr_frames = FRAMES, .nr_domains = 2, .domains = {{0}, {0}}};

    (void)state;
    sim = sim_create(&config);
    sim->domain_table[0] = sim->domain_table[1] = NULL;
    steps_left = NEVER;
    object_fails = fails;
    objects = stacks = roots = states = timers = consoles = stores = events = wallclocks = retired = 0;
    said[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(objects, 0);
    assert_int_equal(stacks + roots + states + timers + events, 0); /* whatever was made is gone */
    assert_int_equal(sim_pool_count(sim), FRAMES);
    sim_destroy(sim);
    return 0;
}

static struct machine *machine(void)
{
    return &sim->machine;
}

/*
 * ---- Making.
 */

/*
 * Shows startofday.events-masked, startofday.shared-info, startofday.assists, startofday.below-4g,
 * startofday.described-32, shared_info.page, shared_info.start.
 */
static void test_create(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 1, WIDTH_PAE, 10, 3);
    const uint8_t *places;

    (void)state;
    assert_non_null(domain);
    assert_null(machine()->domains[1]); /* it is not for others while it is being filled */
    hv_domain_publish(domain);
    assert_ptr_equal(machine()->domains[1], &domain->engine);
    assert_int_equal(domain->engine.id.v, 1);
    assert_int_equal(domain->engine.width, WIDTH_PAE);
    assert_int_equal(domain->engine.max_frames, 10);
    assert_int_equal(domain->engine.nr_frames, 0); /* shared_info is beyond the reservation */
    assert_int_equal(domain->engine.nr_vcpus, 3);
    assert_false(domain->engine.writable_tables); /* nobody has asked yet */
    assert_false(domain->engine.privileged || domain->engine.m2p_strict || domain->engine.extended_cr3);
    assert_false(domain->ended || domain->initial);
    assert_int_equal(wallclocks, 1);
    assert_int_equal(sim->pool_end.v, 1 << 20); /* shared_info lies below 4 GiB, the rest where its M2P reaches */
    assert_int_equal(domain->engine.frames_end.v, 0x2980000);
    assert_true(machine()->frames[domain->shared_info_frame.v].flags & FRAME_SHARED);
    places = domain->shared_info;
    assert_ptr_equal(places, port_frame_map(domain->shared_info_frame));
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(places[i], i < VCPUS_MAX * 64 && i % 64 == 1); /* events are masked, and nothing else is set */
    for (unsigned i = 0; i < 3; i++) {
        struct hv_vcpu *vcpu = hv_vcpu_find(domain, i);

        assert_int_equal(vcpu->engine.id, i);
        assert_ptr_equal(vcpu->engine.domain, &domain->engine);
        assert_ptr_equal(vcpu->info, places + (size_t)i * 64);
        assert_true(mfn_is_none(vcpu->info_frame));
        assert_int_equal(vcpu->window, WINDOW_OF_VCPUS + i);
        assert_false(vcpu->initialised || vcpu->engine.user_mode);
    }
    assert_null(hv_vcpu_find(domain, 3));
    assert_true(hv_domain_release(domain));
    assert_null(machine()->domains[1]);
    assert_int_equal(retired, 3);
    assert_int_equal(consoles, 1);
    assert_int_equal(stores, 1);
}

/* As many as the hosted machine knows. */
static void test_many_vcpus(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 0, WIDTH_64, 10, SIM_MAX_VCPUS);

    (void)state;
    assert_int_equal(timers, SIM_MAX_VCPUS);
    assert_ptr_equal(hv_vcpu_find(domain, SIM_MAX_VCPUS - 1)->info,
                     (uint8_t *)domain->shared_info + (size_t)(SIM_MAX_VCPUS - 1) * 64);
    assert_true(hv_domain_release(domain));
}

/* Each step of the making fails once: what came before is undone, and another domain can be made in its place. */
static void xsa_149_nor_is_any_lost_by_a_failure(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (;; failures++) {
        struct hv_domain *domain;

        steps_left = failures;
        events = 0;
        domain = hv_domain_create(machine(), 0, WIDTH_64, 10, 3);
        steps_left = NEVER;
        if (domain) {
            assert_true(hv_domain_release(domain));
            break;
        }
        assert_null(machine()->domains[0]);
        assert_int_equal(objects + stacks + roots + states + timers + events, 0);
        assert_int_equal(sim_pool_count(sim), FRAMES);
    }
    assert_int_equal(failures, 3 + 3 * 4);
}

/* A 64-bit guest may have all of its memory anywhere. */
static void test_create_wide(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 1, WIDTH_64, 10, 1);

    (void)state;
    assert_non_null(domain);
    assert_true(mfn_is_none(sim->pool_end) && domain->engine.frames_end.v == 0);
    assert_true(hv_domain_release(domain));
}

/* No frame for shared_info: nothing has been made of it. */
static void test_no_memory(void **state)
{
    mfn_t taken[FRAMES];

    (void)state;
    for (unsigned i = 0; i < FRAMES; i++)
        assert_true(machine_take(machine(), 0, &taken[i]));
    assert_null(hv_domain_create(machine(), 0, WIDTH_64, 10, 1));
    assert_int_equal(wallclocks, 0);
    for (unsigned i = 0; i < FRAMES; i++)
        machine_give(machine(), taken[i], 0);
}

/* Windows and stacks are never those of a vCPU that there is, in this domain or another, and come back with theirs. */
static void test_windows(void **state)
{
    struct hv_domain *first = hv_domain_create(machine(), 0, WIDTH_64, 10, 2), *second;

    (void)state;
    hv_domain_publish(first);
    second = hv_domain_create(machine(), 1, WIDTH_64, 10, 2);
    hv_domain_publish(second);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(hv_vcpu_find(first, i)->window, WINDOW_OF_VCPUS + i);
        assert_int_equal(hv_vcpu_find(second, i)->window, WINDOW_OF_VCPUS + 2 + i);
    }
    assert_true(hv_domain_release(first));
    first = hv_domain_create(machine(), 0, WIDTH_64, 10, 3);
    assert_int_equal(hv_vcpu_find(first, 0)->window, WINDOW_OF_VCPUS);
    assert_int_equal(hv_vcpu_find(first, 1)->window, WINDOW_OF_VCPUS + 1);
    assert_int_equal(hv_vcpu_find(first, 2)->window, WINDOW_OF_VCPUS + 4);
    assert_true(hv_domain_release(second));
    assert_true(hv_domain_release(first));
}

/*
 * ---- What it leaves.
 */

static void xsa_149_all_memory_comes_back(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 0, WIDTH_64, 20, 1);
    mfn_t mfn;

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(domain_populate(&domain->engine, PFN(i), &mfn), 0);
    assert_int_equal(domain_share_new(&domain->engine, &mfn), 0);
    assert_int_equal(sim_pool_count(sim), FRAMES - 22);
    assert_true(hv_domain_release(domain));
    assert_true(seen_by_devices.events == 1 && seen_by_devices.free_frames == FRAMES - 22);
    assert_string_equal(said, "");
}

/* Every window and stack belongs to somebody: no vCPU, and nothing of it is left. */
static void test_no_window(void **state)
{
    const unsigned count = WINDOWS_MAX - WINDOW_OF_VCPUS;
    struct vcpu **all = calloc(count, sizeof(struct vcpu *));
    struct domain everybody = {.vcpus = all, .nr_vcpus = count};
    struct hv_domain *domain;

    (void)state;
    for (unsigned i = 0; i < count; i++) {
        struct hv_vcpu *vcpu = calloc(1, sizeof(*vcpu));

        vcpu->window = WINDOW_OF_VCPUS + i;
        all[i] = &vcpu->engine;
    }
    machine()->domains[1] = &everybody;
    assert_null(hv_domain_create(machine(), 0, WIDTH_64, 10, 1));
    assert_int_equal(objects, 0);
    everybody.nr_vcpus = count - 1;
    domain = hv_domain_create(machine(), 0, WIDTH_64, 10, 1);
    assert_non_null(domain);
    assert_int_equal(hv_vcpu_of(domain->vcpus[0])->window, WINDOWS_MAX - 1);
    assert_true(hv_domain_release(domain));
    for (unsigned i = 0; i < count; i++)
        free(hv_vcpu_of(all[i]));
    free(all);
}

/*
 * A frame that somebody else still maps: all but the structure goes, and the number stays taken; when the frame is back
 * the domain can be buried.
 */
static void xsa_502_nothing_is_asked_of_what_is_left(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 1, WIDTH_64, 20, 2);
    mfn_t mapped, mfn;

    (void)state;
    assert_int_equal(domain_populate(&domain->engine, PFN(0), &mapped), 0);
    assert_int_equal(domain_populate(&domain->engine, PFN(1), &mfn), 0);
    assert_true(frame_get(&machine()->frames[mapped.v], &domain->engine));
    assert_false(hv_domain_release(domain));
    assert_true(hv_domain_is_zombie(domain));
    assert_ptr_equal(machine()->domains[1], &domain->engine);
    assert_null(hv_domain_find(machine(), 1));
    assert_null(domain->services);
    assert_null(domain->shared_info);
    assert_null(hv_vcpu_find(domain, 0));
    assert_int_equal(objects, 1);
    assert_int_equal(sim_pool_count(sim), FRAMES - 1);
    assert_false(zombie_is_empty());
    frame_put(machine(), &machine()->frames[mapped.v]);
    assert_true(zombie_is_empty());
    assert_ptr_equal(zombie_take(), domain);
    assert_ptr_equal(machine()->domains[1], &domain->engine);
    hv_domain_bury(domain);
    assert_null(machine()->domains[1]);
    assert_true(hv_domain_none_left(machine()));
    assert_string_equal(said, "");
}

/* One that found the domain by its number before it lost that, and was counted before it could be seen to come by. */
static struct {
    struct domain *domain;
    bool came_by; /* every processor, since the number is gone */
    unsigned waits;
} late;

static void all_come_by(struct sim *of, cpumask_t cpus)
{
    (void)of;
    late.came_by |= !machine()->domains[1] && cpus.bits == machine()->tlb.cpus.bits;
}

static void late_one_goes_on(struct sim *of)
{
    assert_null(machine()->domains[1]);
    (void)of;
    assert_true(late.came_by);
    assert_int_equal(objects, 1);
    if (++late.waits == 3)
        late.domain->operations = 0;
}

static void test_buried_when_nobody_has_it(void **state)
{
    struct hv_domain *domain = hv_domain_create(machine(), 1, WIDTH_64, 20, 1);
    mfn_t mfn;

    (void)state;
    assert_int_equal(domain_populate(&domain->engine, PFN(0), &mfn), 0);
    assert_true(frame_get(&machine()->frames[mfn.v], &domain->engine));
    assert_false(hv_domain_release(domain));
    frame_put(machine(), &machine()->frames[mfn.v]);
    assert_ptr_equal(zombie_take(), domain);
    late.domain = &domain->engine;
    machine()->tlb.cpus = cpumask_of(0);
    sim->on_flush = all_come_by;
    domain->engine.operations = 1;
    sim->on_preempt = late_one_goes_on;
    hv_domain_bury(domain);
    sim->on_preempt = NULL;
    sim->on_flush = NULL;
    assert_int_equal(late.waits, 3);
    assert_int_equal(objects, 0);
}

/* References that nobody put: the first frames are named, with their counts, and those of nobody else. */
static void test_leak(void **state)
{
    struct hv_domain *other = hv_domain_create(machine(), 0, WIDTH_64, 20, 1), *domain;
    char expected[1024] = "domain 1 (sieve) has left 10 frames behind:\n";
    unsigned shown = 0;
    mfn_t mfn;

    (void)state;
    hv_domain_publish(other);
    domain = hv_domain_create(machine(), 1, WIDTH_64, 20, 1);
    strcpy(domain->name, "sieve");
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(domain_populate(&other->engine, PFN(i), &mfn), 0);
        assert_int_equal(domain_populate(&domain->engine, PFN(i), &mfn), 0);
        assert_true(frame_get(&machine()->frames[mfn.v], &domain->engine));
    }
    assert_false(hv_domain_release(domain));
    assert_true(hv_domain_release(other));
    assert_string_equal(said, "");
    assert_false(hv_domain_none_left(machine()));
    for (unsigned i = 0; i < FRAMES && shown < 8; i++) {
        size_t length = strlen(expected);

        if (machine()->frames[i].owner != 1)
            continue;
        snprintf(expected + length, sizeof(expected) - length, "  frame %x: 1 references, type word 0\n", i);
        shown++;
    }
    assert_string_equal(said, expected);
    assert_int_equal(objects, 1); /* its structure */
    assert_int_equal(stacks + roots + states + timers + events, 0);
    assert_int_equal(sim_pool_count(sim), FRAMES - 10);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create_wide, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_vcpus, setup, teardown),
        cmocka_unit_test_setup_teardown(xsa_149_nor_is_any_lost_by_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_windows, setup, teardown),
        cmocka_unit_test_setup_teardown(xsa_149_all_memory_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_window, setup, teardown),
        cmocka_unit_test_setup_teardown(xsa_502_nothing_is_asked_of_what_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_buried_when_nobody_has_it, setup, teardown),
        cmocka_unit_test_setup(test_leak, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
