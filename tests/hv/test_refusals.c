/* SPDX-License-Identifier: MIT */
/* What is noted of refusals, and when they are printed. */
/* links: hv/domain/refusals.c hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c */
/* links: hv/domain/vcpu.c hv/domain/narrow_root.c hv/mem/window.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/domain/explain.h>
#include <hv/domain/refusals.h>
#include <tests/hv/lib/port_host.h>

/* What is noted by now. */
static const struct refusals *look(void)
{
    static struct refusals now;

    now = refusals_noted();
    return &now;
}

#define CALLER 0x70b

static unsigned explained, objects;

struct asked_call asked_call(const struct hv_vcpu *asker)
{
    assert_ptr_equal(asker, &vcpu);
    return (struct asked_call){.number = 32, .args = {7, 8}};
}

struct asked asked_for(struct hv_vcpu *asker, const struct refusal *refusal)
{
    assert_ptr_equal(asker, &vcpu);
    assert_ptr_equal(refusal->vcpu, &vcpu.engine);
    return (struct asked){.caller = CALLER};
}

void explain(const struct machine *which, const struct noted_refusal *about, struct explanation *explanation)
{
    assert_ptr_equal(which, domain.engine.machine);
    explanation->noted = about;
}

void report_explanation(const struct explanation *explanation)
{
    assert_ptr_equal(explanation->noted->refusal.vcpu, &vcpu.engine);
    explained++;
}

void report_json(const struct explanation *explanation)
{
    assert_ptr_equal(explanation->noted->refusal.vcpu, &vcpu.engine);
    objects++;
}

/* All are counted, the last few kept in order, and printed only where that has been asked for. */
static void test_refusals(void **state)
{
    uint64_t before = look()->count;

    (void)state;
    make();
    for (unsigned i = 0; i < 2 * REFUSALS_KEPT; i++) {
        port_refused(&(struct refusal){.value = i});
        assert_int_equal(look()->last.value, i);
        assert_int_equal(look()->recent[(before + i) % REFUSALS_KEPT].refusal.value, i);
    }
    assert_int_equal(look()->count, before + 2 * REFUSALS_KEPT);
    assert_int_equal(noted.reported, 0);
    refusals_explain(false);
    port_refused(&(struct refusal){.value = 1});
    assert_int_equal(noted.reported, 1);
    assert_int_equal(explained, 0); /* the hypervisor's own */
    port_refused(&(struct refusal){.vcpu = &vcpu.engine});
    assert_int_equal(noted.reported, 2);
    assert_int_equal(explained, 1);
    refusals_explain(true);
    port_refused(&(struct refusal){.vcpu = &vcpu.engine});
    port_refused(&(struct refusal){.value = 1});
    assert_int_equal(noted.reported, 2);
    assert_int_equal(explained, 1);
    assert_int_equal(objects, 1);
}

/* Who has asked, and where. */
static void test_refusals_of_guests(void **state)
{
    struct cpu_frame frame = {.rip = 0x1234, .cs = 0xe033};
    const struct noted_refusal *last;

    (void)state;
    make();
    vcpu.frame = &frame;
    vcpu.engine.id = 3;
    domain.engine.id = DOMID(6);
    cpu_boot.current = &vcpu;
    for (unsigned i = 0; i < 2; i++) {
        port_refused(&(struct refusal){.vcpu = i ? &vcpu.engine : NULL});
        last = &look()->recent[(look()->count - 1) % REFUSALS_KEPT];
        assert_int_equal(last->domain.v, i ? 6 : 0);
        assert_int_equal(last->vcpu, i ? 3 : 0);
        assert_int_equal(last->rip, i ? 0x1234 : 0);
        assert_int_equal(last->cs, i ? 0xe033 : 0);
        assert_int_equal(last->asked.caller, i ? CALLER : 0);
    }
}

/* The call that was made; where there is no guest, nothing is noted. */
static void test_calls(void **state)
{
    struct cpu_frame frame = {.rip = 0x1234, .cs = 0xe033};
    const struct noted_refusal *last;
    uint64_t before;

    (void)state;
    make();
    cpu_boot.current = NULL;
    before = look()->count;
    assert_int_equal(call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, 77), -XEN_EINVAL);
    assert_int_equal(look()->count, before);
    vcpu.frame = &frame;
    cpu_boot.current = &vcpu;
    assert_int_equal(call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, 77), -XEN_EINVAL);
    last = &look()->recent[(look()->count - 1) % REFUSALS_KEPT];
    assert_int_equal(last->why, WHY_PORT_CLOSED);
    assert_int_equal(last->refusal.error, XEN_EINVAL);
    assert_int_equal(last->refusal.call, 32);
    assert_int_equal(last->refusal.command, 7);
    assert_int_equal(last->refusal.value, 77);
    assert_true(mfn_is_none(last->refusal.frame) && mfn_is_none(last->refusal.slot.table));
    assert_int_equal(last->rip, 0x1234);
    assert_int_equal(last->asked.caller, CALLER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_of_guests),
        cmocka_unit_test(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
