/* SPDX-License-Identifier: MIT */
/* The end of a guest: by a call of its own, by its watchdog, by a state that cannot go on; what is told of it. */
/* links: hv/domain/shutdown.c tests/hv/lib/said.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/sched.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/said.h>

#define VCPUS 3u

struct cpu cpu_boot;

static struct hv_domain domain;
static struct hv_vcpu vcpus[VCPUS];
static const struct hv_vcpu *reported;
static unsigned reports, gave_way;

void report_guest(struct hv_vcpu *vcpu)
{
    reported = vcpu;
    reports++;
}

void runstate_interrupt(struct hv_vcpu *vcpu)
{
    vcpu->run.attention = true;
}

void hv_vcpu_give_way(void)
{
    gave_way++;
}

static int set_up(void **state)
{
    (void)state;
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(vcpus, 0, sizeof(vcpus));
    domain = (struct hv_domain){
        .engine = {.id = DOMID(1), .vcpus = domain.vcpus, .nr_vcpus = VCPUS},
        .name = "box",
    };
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpus[i].engine = (struct vcpu){.domain = &domain.engine, .id = i};
        domain.vcpus[i] = &vcpus[i].engine;
    }
    said[0] = '\0';
    reported = NULL;
    reports = 0;
    gave_way = 0;
    return 0;
}

static void assert_ended(unsigned reason)
{
    assert_int_equal(gave_way, 1); /* the first time alone */
    assert_true(domain.ended);
    assert_int_equal(domain.end_reason, reason);
    for (unsigned i = 0; i < VCPUS; i++)
        assert_true(vcpus[i].run.attention); /* each stops on its way back to its guest */
}

static void test_first_reason_counts(void **state)
{
    (void)state;
    shutdown_domain(&domain, SHUTDOWN_reboot);
    assert_ended(SHUTDOWN_reboot);
    shutdown_domain(&domain, SHUTDOWN_poweroff);
    assert_ended(SHUTDOWN_reboot);
    assert_string_equal(said, "");
    assert_false(vcpus[0].engine.diverted); /* a call that ends another domain goes on */
}

/* SCHEDOP_shutdown_code: abi/sched.h. */
static void test_noted_reason(void **state)
{
    (void)state;
    domain.reason_noted = true;
    domain.noted_reason = SHUTDOWN_watchdog;
    shutdown_domain(&domain, SHUTDOWN_poweroff);
    assert_ended(SHUTDOWN_watchdog);
    (void)set_up(state);
    domain.noted_reason = SHUTDOWN_watchdog; /* but not noted */
    shutdown_domain(&domain, SHUTDOWN_poweroff);
    assert_ended(SHUTDOWN_poweroff);
}

/* What the guest has noted would be a reboot, after which it was there again; nobody has to explain where it was. */
static void test_destroyed(void **state)
{
    (void)state;
    domain.reason_noted = true;
    domain.noted_reason = SHUTDOWN_reboot;
    shutdown_destroy(&domain);
    assert_ended(END_DESTROYED);
    assert_string_equal(said, "");
    assert_int_equal(reports, 0);
    (void)set_up(state);
    domain.reason_noted = true;
    domain.noted_reason = SHUTDOWN_reboot;
    shutdown_domain(&domain, SHUTDOWN_poweroff);
    shutdown_destroy(&domain); /* too late */
    assert_ended(SHUTDOWN_reboot);
}

static void test_words(void **state)
{
    static const struct {
        unsigned reason;
        const char *words;
        bool is_good;
    } rows[] = {
        {0, "powered off", true},
        {1, "wants to reboot", true},
        {2, "asked to be suspended, which is not possible", false},
        {3, "crashed", false},
        {4, "was ended by its watchdog", false},
        {5, "asked to start again with its memory kept, which is not possible", false},
        {END_LAST_VCPU, "has ended because its last vCPU went down", false},
        {END_DESTROYED, "was destroyed", false},
    };

    (void)state;
    assert_int_equal(END_LAST_VCPU, 6);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rows[i].reason, i);
        assert_string_equal(shutdown_words(rows[i].reason), rows[i].words);
        assert_int_equal(shutdown_is_good(rows[i].reason), rows[i].is_good);
    }
}

/* A good end needs no words. */
static void test_by_guest(void **state)
{
    (void)state;
    for (unsigned reason = 0; reason <= SHUTDOWN_MAX; reason++) {
        bool good = reason == SHUTDOWN_poweroff || reason == SHUTDOWN_reboot;

        (void)set_up(state);
        shutdown_by_guest(&vcpus[1], reason);
        assert_ended(reason);
        assert_true(vcpus[1].engine.diverted);
        assert_false(vcpus[0].engine.diverted || vcpus[2].engine.diverted);
        assert_int_equal(reports, !good);
        assert_ptr_equal(reported, good ? NULL : &vcpus[1]);
        if (good)
            assert_string_equal(said, "");
    }
    (void)set_up(state);
    shutdown_by_guest(&vcpus[1], SHUTDOWN_crash);
    assert_string_equal(said, "domain 1 (box) crashed, by a call of its own\n");
    shutdown_by_guest(&vcpus[2], SHUTDOWN_poweroff); /* too late, and this vCPU goes no further either */
    assert_ended(SHUTDOWN_crash);
    assert_true(vcpus[2].engine.diverted);
    assert_int_equal(reports, 1);
    (void)set_up(state);
    domain.reason_noted = true;
    domain.noted_reason = SHUTDOWN_suspend;
    shutdown_by_guest(&vcpus[0], SHUTDOWN_poweroff); /* what was noted makes it a bad one */
    assert_string_equal(said, "domain 1 (box) asked to be suspended, which is not possible, by a call of its own\n");
    assert_int_equal(reports, 1);
}

/* Its report is of the vCPU that is on the processor, if that is one of its own. */
static void test_by_watchdog(void **state)
{
    static struct hv_domain other;
    static struct hv_vcpu stranger = {.engine = {.domain = &other.engine}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        (void)set_up(state);
        cpu_boot.current = i == 0 ? NULL : i == 1 ? &stranger : &vcpus[2];
        shutdown_by_watchdog(&domain);
        assert_ended(SHUTDOWN_watchdog);
        assert_string_equal(said, "domain 1 (box) was ended by its watchdog: it was not started anew in time\n");
        assert_ptr_equal(reported, i == 2 ? &vcpus[2] : NULL);
        said[0] = '\0';
        shutdown_by_watchdog(&domain); /* its second watchdog */
        assert_string_equal(said, "");
        assert_int_equal(reports, i == 2);
    }
    (void)set_up(state);
    cpu_boot.current = &vcpus[0];
    domain.reason_noted = true;
    domain.noted_reason = SHUTDOWN_reboot;
    shutdown_by_watchdog(&domain);
    assert_ended(SHUTDOWN_reboot);
    assert_string_equal(said, "");
    assert_int_equal(reports, 0);
}

/* The first crash is what went wrong; the second may follow from it. */
static void test_crash(void **state)
{
    (void)state;
    shutdown_crash(&vcpus[1], "because of %u", 42u);
    assert_string_equal(said, "domain 1 (box) crashed: because of 42\n");
    assert_ptr_equal(reported, &vcpus[1]);
    assert_ended(SHUTDOWN_crash);
    assert_true(vcpus[1].engine.diverted);
    shutdown_crash(&vcpus[2], "again");
    assert_int_equal(reports, 1);
    assert_unsaid("again");
    assert_true(vcpus[2].engine.diverted);
    (void)set_up(state);
    shutdown_domain(&domain, SHUTDOWN_poweroff);
    shutdown_crash(&vcpus[0], "on its way out");
    assert_ended(SHUTDOWN_poweroff);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_reason_counts, set_up),
        cmocka_unit_test_setup(test_noted_reason, set_up),
        cmocka_unit_test_setup(test_destroyed, set_up),
        cmocka_unit_test(test_words),
        cmocka_unit_test_setup(test_by_guest, set_up),
        cmocka_unit_test_setup(test_by_watchdog, set_up),
        cmocka_unit_test_setup(test_crash, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
