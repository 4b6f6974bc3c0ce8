/* SPDX-License-Identifier: MIT */
/* What is noted of conversions: whose call, which of its calls, from where. */
/* links: hv/domain/origin.c tests/hv/lib/frames.c tests/hv/lib/said.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/mmuext.h>
#include <engine/engine.h>
#include <engine/op.h>
#include <engine/port.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/asked.h>
#include <hv/domain/explain_port.h>
#include <tests/hv/lib/frames.h>
#include <tests/hv/lib/said.h>

#define CALLER UINT64_C(0xffffffff81000123)
#define RIP    UINT64_C(0xffffffff81004567)
#define TAKEN  12u /* the frame that is there for notes */

static struct cpu_frame frame = {.rip = RIP};
static uint64_t caller;
static unsigned looked;
static bool has_memory;

uint64_t asked_caller(struct hv_vcpu *which)
{
    assert_ptr_equal(which, &vcpu);
    looked++;
    return caller;
}

bool machine_take(struct machine *of, unsigned order, mfn_t *first)
{
    assert_ptr_equal(of, &machine);
    assert_int_equal(order, 0); /* FRAMES of 24 bytes */
    *first = MFN(TAKEN);
    return has_memory;
}

static int set_up(void **state)
{
    (void)make_frames(state);
    caller = CALLER;
    looked = 0;
    vcpu.frame = &frame;
    vcpu.engine.id = 3;
    vcpu.report.nr_calls = 41;
    cpu_here()->current = &vcpu;
    return 0;
}

static struct op operation(unsigned call, unsigned command)
{
    return (struct op){.machine = &machine, .vcpu = &vcpu.engine, .call = call, .command = command};
}

static struct origin promote(struct op op, unsigned which)
{
    struct origin origin;

    port_promoted(&op, &frames[which]);
    assert_true(explain_port_origin(MFN(which), &origin));
    return origin;
}

/* Before it is asked for, and where there is no memory for it, nothing is. */
static void test_nothing(void **state)
{
    struct op op = operation(__HYPERVISOR_mmuext_op, MMUEXT_PIN_L2_TABLE);
    struct origin origin;

    (void)state;
    port_promoted(&op, &frames[L2]);
    assert_false(explain_port_origin(MFN(L2), &origin));
    has_memory = false;
    said[0] = '\0';
    origin_start(&machine);
    assert_said("is not noted: there is no memory");
    port_promoted(&op, &frames[L2]);
    assert_false(explain_port_origin(MFN(L2), &origin));
    assert_int_equal(looked, 0);
    has_memory = true;
    origin_start(&machine);
    assert_false(explain_port_origin(MFN(L2), &origin));
}

static void test_call(void **state)
{
    struct origin origin;

    (void)state;
    origin_start(&machine);
    origin = promote(operation(__HYPERVISOR_mmuext_op, MMUEXT_PIN_L2_TABLE), L2);
    assert_int_equal(origin.type, TYPE_L2);
    assert_int_equal(origin.call, __HYPERVISOR_mmuext_op);
    assert_int_equal(origin.command, MMUEXT_PIN_L2_TABLE);
    assert_int_equal(origin.domain, 1);
    assert_int_equal(origin.vcpu, 3);
    assert_int_equal(origin.number, 42); /* it is counted when it ends */
    assert_true(origin.place == CALLER);
    caller = 0; /* no stub that is known */
    origin = promote(operation(__HYPERVISOR_set_gdt, COMMAND_NONE), L2);
    assert_int_equal(origin.call, __HYPERVISOR_set_gdt); /* the last one counts */
    assert_true(origin.place == RIP);
    assert_int_equal(promote(operation(__HYPERVISOR_mmu_update, 0), L1).type, TYPE_L1); /* each has its own */
    assert_true(explain_port_origin(MFN(L2), &origin) && origin.type == TYPE_L2);
}

/* A write to a table: there is no call, and no caller. */
static void test_write(void **state)
{
    struct origin origin;

    (void)state;
    origin_start(&machine);
    origin = promote(operation(CALL_TABLE_WRITE, COMMAND_NONE), L1);
    assert_int_equal(origin.call, CALL_TABLE_WRITE);
    assert_int_equal(origin.number, 41);
    assert_true(origin.place == RIP);
    assert_int_equal(looked, 0);
    assert_int_equal(promote(operation(CALL_NONE, COMMAND_NONE), L1).number,
                     42); /* in VCPUOP_initialise and the like */
    assert_int_equal(looked, 1);
}

/* The hypervisor's own steps, while no guest runs, or by nobody's wish. */
static void test_own(void **state)
{
    struct op op = operation(CALL_NONE, COMMAND_NONE);

    (void)state;
    origin_start(&machine);
    op.vcpu = NULL;
    assert_int_equal(promote(op, ROOT).domain, OWNER_NONE);
    op.vcpu = &vcpu.engine;
    assert_int_equal(promote(op, ROOT).domain, 1);
    cpu_here()->current = NULL;
    assert_int_equal(promote(op, ROOT).domain, OWNER_NONE);
    assert_int_equal(promote(op, ROOT).type, TYPE_L4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, set_up),
        cmocka_unit_test_setup(test_call, set_up),
        cmocka_unit_test_setup(test_write, set_up),
        cmocka_unit_test_setup(test_own, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
