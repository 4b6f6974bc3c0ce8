/* SPDX-License-Identifier: MIT */
/* What is told of machine, domains and vCPUs: all of it once, and what the machine changes. */
/* links: hv/record/record_state.c hv/record/record_write.c tests/hv/lib/recorded.c tests/hv/lib/port_halt.c */
/* links: tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

static struct domain *table[4], domain;
static struct vcpu *vcpus[2], vcpu;

/* A machine that has been told, with a domain that has not. */
static int begin(void **state)
{
    (void)state;
    recorded_begin();
    recorded_machine.domains = table;
    recorded_machine.nr_domains = ARRAY_SIZE(table);
    for (uint64_t i = 0; i < RECORDED_FRAMES; i++)
        recorded_machine.frames[i].owner = i < 100 ? DOMID_XEN : i < 300 ? OWNER_NONE : DOMID_IO;
    domain = (struct domain){.machine = &recorded_machine, .id = DOMID(2), .max_frames = 77, .vcpus = vcpus};
    vcpu = (struct vcpu){.domain = &domain};
    table[2] = NULL;
    vcpus[0] = &vcpu;
    return 0;
}

static int begin_domain(void **state)
{
    begin(state);
    record_machine(&recorded_machine);
    (void)recorded_expect(RECORD_MACHINE);
    (void)recorded_expect(RECORD_RANGE);
    (void)recorded_expect(RECORD_RANGE);
    record_know_domain(&domain);
    domain.nr_vcpus = 1;
    record_state(false);
    (void)recorded_expect(RECORD_DOMAIN);
    (void)recorded_expect(RECORD_VCPU);
    recorded_expect_nothing();
    return 0;
}

static int end(void **state)
{
    (void)state;
    table[2] = &domain; /* it is found listed, and then gone */
    record_state(false);
    table[2] = NULL;
    record_state(false);
    return 0;
}

static void test_machine(void **state)
{
    struct record_event event;
    struct record_reader words;

    (void)state;
    recorded_machine.phys_bits = 40;
    recorded_machine.root_slots[1] = 0x111;
    recorded_machine.compat_slots[83] = 0x222;
    record_machine(&recorded_machine);
    event = recorded_expect(RECORD_MACHINE);
    assert_true(event.number[0] == RECORDED_FRAMES && event.number[1] == 40 && event.number[3] == 1);
    words = recorded_numbers(&event);
    (void)record_word(&words);
    assert_int_equal(record_word(&words), 0x111);
    words.next = words.end - 8;
    assert_int_equal(record_word(&words), 0x222);
    event = recorded_expect(RECORD_RANGE);
    assert_true(event.number[0] == 0 && event.number[1] == 100 && event.number[2] == DOMID_XEN);
    event = recorded_expect(RECORD_RANGE);
    assert_true(event.number[0] == 100 && event.number[1] == 200 && event.number[2] == OWNER_NONE);
    recorded_expect_nothing();
}

static void test_domain(void **state)
{
    static const struct frame_range iomem[] = {{MFN(0xfee00), MFN(0xfee01)}};
    struct record_event event;
    struct record_reader words;

    (void)state;
    record_state(false);
    recorded_expect_nothing();
    table[2] = &domain;
    domain.privileged = domain.m2p_strict = true;
    domain.iomem = iomem;
    domain.nr_iomem = 1;
    record_state(false);
    event = recorded_expect(RECORD_DOMAIN);
    assert_true(event.number[0] == 2 && event.number[3] == 77 && event.number[5] == 1);
    assert_int_equal(event.number[2], RECORD_DOMAIN_LISTED | RECORD_DOMAIN_PRIVILEGED | RECORD_DOMAIN_M2P_STRICT);
    words = recorded_numbers(&event);
    assert_true(record_word(&words) == 0xfee00 && record_word(&words) == 0xfee01 && words.next == words.end);
    record_state(false);
    recorded_expect_nothing();
}

static void test_gone(void **state)
{
    (void)state;
    table[2] = &domain;
    record_state(false);
    (void)recorded_expect(RECORD_DOMAIN);
    table[2] = NULL;
    record_state(false);
    assert_int_equal(recorded_expect(RECORD_DOMAIN).number[2], 0);
    domain.max_frames = 1; /* nobody looks at it any more */
    record_state(false);
    recorded_expect_nothing();
    record_know_domain(&domain);
    record_state(false);
    assert_int_equal(recorded_expect(RECORD_DOMAIN).number[3], 1);
}

static void test_renumbered(void **state)
{
    (void)state;
    table[2] = &domain;
    record_state(false);
    (void)recorded_expect(RECORD_DOMAIN);
    table[2] = NULL;
    table[3] = &domain;
    domain.id = DOMID(3);
    record_renumber_domain(&domain);
    record_state(false);
    recorded_expect_nothing();
    table[3] = NULL;
    record_state(false);
    assert_int_equal(recorded_expect(RECORD_DOMAIN).number[0], 3);
}

static void test_vcpu(void **state)
{
    struct record_event event;

    (void)state;
    vcpu.user_mode = true;
    record_state_left(); /* that was the engine */
    record_state(false);
    recorded_expect_nothing();
    vcpu.user_mode = false;
    vcpu.cpu = 3;
    vcpu.diverted = true; /* which a call that begins clears */
    record_state(false);
    event = recorded_expect(RECORD_VCPU);
    assert_true(event.number[0] == 2 && event.number[1] == 0 && event.number[2] == 0 && event.number[3] == 3);
    record_state(true);
    assert_int_equal(recorded_expect(RECORD_VCPU).number[2], RECORD_VCPU_DIVERTED);
    recorded_expect_nothing();
    vcpu.user_cached = true; /* to user mode and back, the short way */
    record_state(false);
    assert_int_equal(recorded_expect(RECORD_VCPU).number[2], RECORD_VCPU_USER_CACHED);
}

static void test_flushes(void **state)
{
    (void)state;
    recorded_machine.tlb.now = 50;
    recorded_machine.tlb.flushed[0] = 44;
    record_state(false);
    assert_int_equal(recorded_expect(RECORD_FLUSHED).number[1], 6);
    record_state_left();
    recorded_machine.tlb.now = 60;
    record_state(false);
    recorded_expect_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_machine, begin),
        cmocka_unit_test_setup_teardown(test_domain, begin_domain, end),
        cmocka_unit_test_setup_teardown(test_gone, begin_domain, end),
        cmocka_unit_test_setup(test_renumbered, begin_domain),
        cmocka_unit_test_setup_teardown(test_vcpu, begin_domain, end),
        cmocka_unit_test_setup_teardown(test_flushes, begin_domain, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
