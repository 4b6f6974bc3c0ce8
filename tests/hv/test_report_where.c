/* SPDX-License-Identifier: MIT */
/* Where a guest is that goes on and on: a line for each vCPU, and the ports with events. */
/* links: hv/domain/report_where.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <hv/domain/event.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/said.h>

#define VCPUS 5u
#define PORTS 1024u

static struct hv_domain domain, other;
static struct domain *domains[10] = {[7] = &domain.engine};
static const struct machine machine = {.domains = domains, .nr_domains = 10};
static struct hv_vcpu vcpus[VCPUS];
static struct vcpu_info infos[VCPUS];
static struct cpu_frame frames[VCPUS];
static bool pending[PORTS];

uint32_t event_ports(const struct hv_domain *which)
{
    assert_true(which == &domain || which == &other);
    return PORTS;
}

bool event_is_pending(const struct hv_domain *which, uint32_t port)
{
    assert_true(which == &domain || which == &other);
    assert_in_range(port, 0, PORTS - 1);
    return pending[port];
}

void report_wait(const struct hv_vcpu *vcpu)
{
    print("what vCPU %u waits for\n", vcpu->engine.id);
}

void report_vcpu(const struct hv_vcpu *vcpu)
{
    print("what vCPU %u has\n", vcpu->engine.id);
}

static void begin(unsigned nr_vcpus)
{
    memset(vcpus, 0, sizeof(vcpus));
    memset(infos, 0, sizeof(infos));
    memset(pending, 0, sizeof(pending));
    domain = (struct hv_domain){
        .engine = {.id = DOMID(7), .vcpus = domain.vcpus, .nr_vcpus = nr_vcpus},
        .name = "box",
    };
    for (unsigned i = 0; i < VCPUS; i++) {
        frames[i] = (struct cpu_frame){.rip = 0x1000 + i, .cs = 0xe033, .rflags = 0x202};
        vcpus[i].engine = (struct vcpu){.domain = &domain.engine, .id = i};
        vcpus[i].frame = &frames[i];
        vcpus[i].info = &infos[i];
        domain.vcpus[i] = &vcpus[i].engine;
    }
    said[0] = '\0';
}

/* What is said of it behind the line of each; nothing but the line of a vCPU that has never been up. */
static void test_more(void **state)
{
    (void)state;
    begin(3);
    vcpus[0].run.info.state = 2;
    vcpus[0].run.started = vcpus[1].run.started = true;
    vcpus[2].run.info.state = 3;
    report_where(&machine);
    assert_said("rflags 202, upcall not pending, not masked\nwhat vCPU 0 waits for\nwhat vCPU 0 has\nvCPU 1 runs, ");
    assert_said("rflags 202, upcall not pending, not masked\nwhat vCPU 1 has\nvCPU 2 is down, ");
    assert_unsaid("what vCPU 2");
}

/* Each state of abi/vcpu.h by its number, and the two ways to wait. */
static void test_vcpus(void **state)
{
    (void)state;
    begin(VCPUS);
    vcpus[1].run.info.state = 1;
    vcpus[2].run.info.state = vcpus[3].run.info.state = 2;
    vcpus[3].run.polling = true;
    vcpus[4].run.info.state = 3;
    vcpus[2].engine.user_mode = true;
    infos[2].evtchn_upcall_pending = 1;
    infos[3].evtchn_upcall_mask = 1;
    frames[4] = (struct cpu_frame){.rip = UINT64_C(0xffffffff81001234), .cs = 0xdead00000010, .rflags = 0x10246};
    report_where(&machine);
    assert_string_equal(
        said, "domain 7 (box) is here:\n"
              "vCPU 0 runs, in kernel mode at rip e033:0000000000001000, rflags 202, upcall not pending, not masked\n"
              "vCPU 1 would run, in kernel mode at rip e033:0000000000001001, rflags 202, upcall not pending, "
              "not masked\n"
              "vCPU 2 waits in SCHEDOP_block, in user mode at rip e033:0000000000001002, rflags 202, upcall pending, "
              "not masked\n"
              "what vCPU 2 waits for\n"
              "vCPU 3 waits in SCHEDOP_poll, in kernel mode at rip e033:0000000000001003, rflags 202, "
              "upcall not pending, masked\n"
              "what vCPU 3 waits for\n"
              "vCPU 4 is down, in kernel mode at rip 0010:ffffffff81001234, rflags 10246, upcall not pending, "
              "not masked\n"
              "ports with an event pending: none\n"
              "this is where each guest is\n");
}

/* The mode of a 32-bit guest is the ring that it is in. */
static void test_narrow(void **state)
{
    (void)state;
    begin(2);
    domain.engine.width = WIDTH_PAE;
    frames[0].cs = 0xe019;
    frames[1].cs = 0xe02b;
    report_where(&machine);
    assert_said("vCPU 0 runs, in kernel mode at rip e019:0000000000001000");
    assert_said("vCPU 1 runs, in user mode at rip e02b:0000000000001001");
}

/* Those of a domain that has fewer. */
static void test_one_vcpu(void **state)
{
    (void)state;
    begin(1);
    report_where(&machine);
    assert_said("vCPU 0 ");
    assert_unsaid("vCPU 1 ");
}

/* All of those that live. */
static void test_domains(void **state)
{
    struct hv_domain ended = {.engine = {.id = DOMID(9)}, .name = "ended", .ended = true};

    (void)state;
    begin(1);
    other = (struct hv_domain){.engine = {.id = DOMID(2)}, .name = "other"};
    domains[2] = &other.engine;
    domains[9] = &ended.engine;
    report_where(&machine);
    domains[2] = domains[9] = NULL;
    assert_said("domain 2 (other) is here:\nports with an event pending: none\ndomain 7 (box) is here:\n");
    assert_unsaid("ended");
    assert_string_equal(strstr(said, REPORT_WHERE_END), REPORT_WHERE_END "\n");
    assert_string_equal(REPORT_WHERE_END, "this is where each guest is"); /* tests/system wait for this line */
}

/* The first eight of them, up to the last port that there is. */
static void test_ports(void **state)
{
    (void)state;
    begin(1);
    pending[0] = pending[31] = pending[PORTS - 1] = true;
    report_where(&machine);
    assert_said("ports with an event pending: 0 31 1023\n");
    begin(1);
    for (unsigned i = 10; i < 18; i++)
        pending[i] = true;
    report_where(&machine);
    assert_said("ports with an event pending: 10 11 12 13 14 15 16 17\n"); /* nothing has been left out */
    said[0] = '\0';
    pending[PORTS - 1] = true;
    report_where(&machine);
    assert_said("ports with an event pending: 10 11 12 13 14 15 16 17 ...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vcpus),   cmocka_unit_test(test_narrow), cmocka_unit_test(test_one_vcpu),
        cmocka_unit_test(test_domains), cmocka_unit_test(test_ports),  cmocka_unit_test(test_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
