/* SPDX-License-Identifier: MIT */
/* The list of guests, for domains in every state. */
/* links: hv/service/console_list.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>
#include <hv/service/console_list.h>
#include <hv/service/console_output.h>

static struct hv_vcpu vcpus[5];
static struct vcpu *engine_vcpus[5] = {&vcpus[0].engine, &vcpus[1].engine, &vcpus[2].engine, &vcpus[3].engine,
                                       &vcpus[4].engine};
static char said[1024];

void console_output_hypervisor(const char *bytes, size_t count)
{
    assert_true(strlen(said) + count < sizeof(said));
    strncat(said, bytes, count);
}

struct vcpu_runstate_info runstate_read(const struct hv_vcpu *vcpu)
{
    return vcpu->run.info;
}

static void make(struct hv_domain *domain, unsigned first, unsigned count)
{
    domain->engine.nr_vcpus = count;
    domain->engine.nr_frames = 4096;
    for (unsigned i = 0; i < count; i++) {
        domain->vcpus[i] = engine_vcpus[first + i];
        vcpus[first + i].run.info.time[RUNSTATE_running] = 2500000;
        vcpus[first + i].run.info.time[RUNSTATE_blocked] = 77777777;
    }
}

static void test_states(void **state)
{
    struct hv_domain runs = {.name = "runs", .restarts = 3}, waits = {.name = "waits"};
    struct hv_domain ends = {.name = "ends", .ended = true}, serves = {.name = "serves", .is_back_end = true};
    struct domain *domains[10] = {[0] = &runs.engine, [3] = &waits.engine, [4] = &serves.engine, [9] = &ends.engine};
    const struct machine machine = {.domains = domains, .nr_domains = 10};

    (void)state;
    make(&runs, 0, 2);
    make(&waits, 2, 2);
    make(&ends, 4, 1);
    vcpus[0].run.started = vcpus[2].run.started = true;
    vcpus[0].run.info.state = RUNSTATE_blocked;
    vcpus[1].run.info.state = RUNSTATE_runnable;
    vcpus[2].run.info.state = RUNSTATE_offline;
    vcpus[3].run.info.state = RUNSTATE_blocked;
    said[0] = '\0';
    console_list_send(&machine);
    assert_string_equal(said, "0 runs running 2 16384 5000 3\r\n3 waits waiting 2 16384 5000 0\r\n"
                              "end\r\n");
    vcpus[1].run.info.state = RUNSTATE_running;
    vcpus[3].run.info.state = RUNSTATE_offline;
    said[0] = '\0';
    console_list_send(&machine);
    assert_non_null(strstr(said, "0 runs running 2 "));
    assert_non_null(strstr(said, "3 waits down 2 "));
    vcpus[2].run.started = false; /* nothing of it has ever run */
    said[0] = '\0';
    console_list_send(&machine);
    assert_non_null(strstr(said, "3 waits for-devices 2 "));
}

/* Nothing is too large for it. */
static void test_largest(void **state)
{
    struct hv_domain domain = {.name = "a-name-of-thirty-one-characters"};
    struct domain *domains[2] = {NULL, &domain.engine};
    const struct machine machine = {.domains = domains, .nr_domains = 2};

    (void)state;
    make(&domain, 0, 1);
    domain.engine.nr_frames = UINT64_MAX / 4;
    domain.restarts = UINT32_MAX;
    vcpus[0].run.info.time[RUNSTATE_running] = UINT64_MAX;
    vcpus[0].run.info.state = RUNSTATE_offline;
    vcpus[0].run.started = false;
    said[0] = '\0';
    console_list_send(&machine);
    assert_string_equal(said, "1 a-name-of-thirty-one-characters for-devices 1 18446744073709551612 18446744073709551 "
                              "4294967295\r\nend\r\n");
}

static void test_none(void **state)
{
    struct domain *domains[2] = {NULL, NULL};
    const struct machine machine = {.domains = domains, .nr_domains = 2};

    (void)state;
    said[0] = '\0';
    console_list_send(&machine);
    assert_string_equal(said, "end\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
