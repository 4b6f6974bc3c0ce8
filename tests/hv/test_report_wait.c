/* SPDX-License-Identifier: MIT */
/* What may wake a vCPU that is blocked: its ports by what is at their other end, what it polls, its timers. */
/* links: hv/domain/report_wait.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/event.h>
#include <hv/domain/event_table.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>
#include <tests/hv/lib/said.h>

#define PORTS 32u

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct event_channel channels[PORTS];
static bool pending[PORTS], masked[PORTS];

uint64_t time_now(void)
{
    return 5000000;
}

struct event_channel *event_table_find(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port < which->events.nr_known ? &channels[port] : NULL;
}

bool event_is_pending(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port < PORTS && pending[port];
}

bool event_is_masked(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port < PORTS && masked[port];
}

static int set_up(void **state)
{
    (void)state;
    memset(channels, 0, sizeof(channels));
    memset(pending, 0, sizeof(pending));
    memset(masked, 0, sizeof(masked));
    channels[0] = (struct event_channel){.state = EVENT_RESERVED, .vcpu = 3};
    domain.events.nr_known = 12;
    vcpu = (struct hv_vcpu){.engine = {.id = 3, .domain = &domain.engine}};
    said[0] = '\0';
    return 0;
}

/* A guest that has shut every door behind itself: that is what a hang looks like. */
static void test_nothing(void **state)
{
    (void)state;
    channels[2] = (struct event_channel){.state = EVENT_IPI, .vcpu = 2}; /* another's */
    report_wait(&vcpu);
    assert_string_equal(said, "ports that notify it: none\nno timer of its own is set\n");
}

static void test_ports(void **state)
{
    (void)state;
    channels[1] = (struct event_channel){.state = EVENT_BACKEND, .vcpu = 3};
    channels[2] = (struct event_channel){.state = EVENT_VIRQ, .vcpu = 3, .other = 0};
    channels[3] = (struct event_channel){.state = EVENT_IPI, .vcpu = 3};
    channels[4] = (struct event_channel){.state = EVENT_UNBOUND, .vcpu = 3, .domain = 9};
    channels[5] = (struct event_channel){.state = EVENT_INTERDOMAIN, .vcpu = 3, .domain = 9, .other = 70};
    channels[6] = (struct event_channel){.state = EVENT_PIRQ, .vcpu = 3, .other = 11};
    pending[2] = masked[2] = masked[5] = pending[6] = true;
    report_wait(&vcpu);
    assert_said("ports that notify it: 1 (the hypervisor) 2 (VIRQ 0, pending, masked) 3 (IPI) "
                "4 (not bound to yet, for domain 9) 5 (domain 9's port 70, masked) 6 (interrupt 11, pending)\n");
    for (unsigned port = 1; port < 9; port++)
        channels[port] = channels[3];
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said(" 8 (IPI)\n"); /* nothing has been left out */
    channels[9] = channels[3];
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said(" 8 (IPI) ...\n");
}

/* Whatever they notify; a port may have been closed since. */
static void test_poll(void **state)
{
    const uint32_t ports[9] = {2, 20, 5, 2, 2, 2, 2, 2, 2};

    (void)state;
    channels[2] = (struct event_channel){.state = EVENT_IPI, .vcpu = 1};
    vcpu.run.polling = true;
    vcpu.report.poll = (struct report_poll){ports, 3};
    report_wait(&vcpu);
    assert_said("it polls: 2 (IPI) 20 (closed) 5 (closed)\nports that notify it: none\n");
    vcpu.report.poll.nr_ports = 9;
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said(" 2 (IPI) ...\nports");
    vcpu.report.poll.nr_ports = 0;
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said("it polls: no port\n");
}

static void test_timers(void **state)
{
    (void)state;
    vcpu.time.refresh = (struct timer){.active = true, .deadline = 5000001}; /* no reason to wake */
    vcpu.time.singleshot = (struct timer){.active = true, .deadline = 17000000};
    report_wait(&vcpu);
    assert_said("\nits one-shot timer goes off in 12 ms\n");
    vcpu.time.periodic = (struct timer){.active = true, .deadline = 4000000};
    vcpu.time.poll = (struct timer){.active = true, .deadline = 6000000};
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said("\nits one-shot timer goes off in 12 ms, its periodic timer in 0 ms, its poll ends in 1 ms\n");
    vcpu.time.singleshot.active = vcpu.time.periodic.active = false;
    said[0] = '\0';
    report_wait(&vcpu);
    assert_said("\nits poll ends in 1 ms\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, set_up),
        cmocka_unit_test_setup(test_ports, set_up),
        cmocka_unit_test_setup(test_poll, set_up),
        cmocka_unit_test_setup(test_timers, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
