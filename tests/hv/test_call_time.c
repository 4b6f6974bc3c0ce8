/* SPDX-License-Identifier: MIT */
/* set_timer_op, of guests of both widths: when the timer expires, and what was not meant. */
/* links: hv/call/call_time.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/vcpu_time.h>
#include <hv/time/time.h>

#define NOW    UINT64_C(50000000000) /* ns */
#define SECOND UINT64_C(1000000000)
#define SOON   (NOW + SECOND / 10) /* what is given to whoever cannot have meant what he asked for */
#define FAR    (NOW + (UINT64_C(1) << 50))

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static uint64_t deadline; /* of the timer; 0: it is off */

uint64_t time_now(void)
{
    return NOW;
}

void vcpu_time_set_singleshot(struct hv_vcpu *which, uint64_t when)
{
    assert_ptr_equal(which, &vcpu);
    deadline = when;
}

void vcpu_time_stop_singleshot(struct hv_vcpu *which)
{
    assert_ptr_equal(which, &vcpu);
    deadline = 0;
}

static void expect(uint64_t low, uint64_t high, uint64_t wanted)
{
    const uint64_t args[6] = {low, high};

    deadline = 77;
    assert_int_equal(call_set_timer_op(&vcpu, args), 0);
    assert_true(deadline == wanted);
}

/* Shows set_timer_op.same-timer, set_timer_op.far, set_timer_op.no-error. */
static void test_wide(void **state)
{
    (void)state;
    vcpu.engine.domain = &domain.engine;
    domain.engine.width = WIDTH_64;
    expect(NOW + SECOND, 5, NOW + SECOND);
    expect(0, 5, 0);
    expect(1, 0, 1);
    expect(FAR, 0, FAR);
    expect(FAR + 1, 0, SOON);
    expect((uint64_t)INT64_MIN, 0, SOON);
    expect(UINT64_MAX, 0, SOON);
}

/* The time comes in two halves, and each register may hold more than its own.  Shows hypercall.two-halves. */
static void test_narrow(void **state)
{
    (void)state;
    vcpu.engine.domain = &domain.engine;
    domain.engine.width = WIDTH_PAE;
    expect(NOW & UINT32_MAX, NOW >> 32, NOW);
    expect(UINT64_MAX << 32 | 5, 1, (UINT64_C(1) << 32) + 5);
    expect(UINT64_MAX << 32, 0, 0);
    expect(0, UINT32_MAX, SOON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
