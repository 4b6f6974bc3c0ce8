/* SPDX-License-Identifier: MIT */
/* The report of a guest that has come to a bad end: registers, stack, the last calls, the last refusals, in order. */
/* links: hv/base/call_names.c */
/* links: hv/domain/report.c hv/domain/report_names.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/said.h>

#define STACK UINT64_C(0xffff880000001000) /* where the guest has it */
#define WORDS 64u

static struct cpu_frame frame;
static struct vcpu_info info;
static struct hv_vcpu vcpu;
static struct refusals refusals;
static uint64_t stack, stack_end; /* something is mapped between them */
static struct hv_domain domain;

bool access_read_word(struct vcpu *which, uint64_t *to, vaddr_t from)
{
    unsigned size = domain.engine.width == WIDTH_64 ? 8 : 4;

    assert_ptr_equal(which, &vcpu.engine);
    assert_int_equal(from.v % size, 0);
    if (from.v < stack || from.v >= stack_end)
        return false;
    *to = (size == 8 ? UINT64_C(0x1111000000000000) : 0x11110000) + (from.v - stack) / size;
    return true;
}

struct refusals refusals_noted(void)
{
    return refusals;
}

void report_refusal(const struct noted_refusal *noted)
{
    print("refusal %lu\n", noted->rip);
}

void explain(const struct machine *machine, const struct noted_refusal *noted, struct explanation *explanation)
{
    assert_ptr_equal(machine, domain.engine.machine);
    explanation->noted = noted;
}

void report_explanation(const struct explanation *explanation)
{
    print("explanation %lu\n", explanation->noted->rip);
}

static int set_up(void **state)
{
    (void)state;
    frame = (struct cpu_frame){.rax = 0xa0, .rbx = 0xb0, .rcx = 0xc0, .rdx = 0xd0, .rsi = 0x51, .rdi = 0xd1};
    frame.rbp = 0xb9;
    frame.r8 = 8;
    frame.r9 = 9;
    frame.r10 = 0x10;
    frame.r11 = 0x11;
    frame.r12 = 0x12;
    frame.r13 = 0x13;
    frame.r14 = 0x14;
    frame.r15 = 0x15;
    frame.rip = UINT64_C(0xffffffff81234567);
    frame.cs = 0xe033;
    frame.ss = 0xe02b;
    frame.rsp = STACK;
    frame.rflags = 0x10246;
    info = (struct vcpu_info){.arch = {.cr2 = 0xdeadbeef}};
    domain.engine = (struct domain){.width = WIDTH_64};
    vcpu = (struct hv_vcpu){.frame = &frame, .info = &info};
    vcpu.engine.domain = &domain.engine;
    vcpu.engine.id = 3;
    vcpu.engine.kernel_root = MFN(0x1234);
    vcpu.engine.user_root = MFN(0x5678);
    memset(&refusals, 0, sizeof(refusals));
    stack = STACK;
    stack_end = STACK + WORDS * 8;
    said[0] = '\0';
    return 0;
}

static void test_registers(void **state)
{
    static const char registers[] =
        "vCPU 3, kernel mode, cr2 00000000deadbeef, root frame 1234\n"
        "rip e033:ffffffff81234567  rsp e02b:ffff880000001000  rflags 10246\n"
        "rax 00000000000000a0  rbx 00000000000000b0  rcx 00000000000000c0  rdx 00000000000000d0\n"
        "rsi 0000000000000051  rdi 00000000000000d1  rbp 00000000000000b9  r8  0000000000000008\n"
        "r9  0000000000000009  r10 0000000000000010  r11 0000000000000011  r12 0000000000000012\n"
        "r13 0000000000000013  r14 0000000000000014  r15 0000000000000015\n";

    (void)state;
    report_guest(&vcpu);
    assert_memory_equal(said, registers, sizeof(registers) - 1);
    said[0] = '\0';
    vcpu.engine.user_mode = true;
    report_guest(&vcpu);
    assert_said("vCPU 3, user mode, cr2 00000000deadbeef, root frame 5678\n");
}

/* Of a vCPU that is somewhere: not where, which stands in a line of its own; and the stack cannot be reached. */
static void test_elsewhere(void **state)
{
    struct report_call *call = report_begin_call(&vcpu.report, 29);

    (void)state;
    call->args[0] = 1;
    report_end_call(&vcpu.report, call, 0);
    frame.ss |= UINT64_C(0xdead0000);
    report_vcpu(&vcpu);
    assert_ptr_equal(
        strstr(said, "rsp e02b:ffff880000001000  cr2 00000000deadbeef, root frame 1234\nrax 00000000000000a0  rbx"),
        said);
    assert_said("r13 0000000000000013  r14 0000000000000014  r15 0000000000000015\n1 hypercalls, the last of them:\n"
                "  sched_op(1, 0, 0, 0) = 0\n");
    assert_unsaid("stack");
    assert_unsaid("refus");
}

/* A 32-bit guest's registers, and words. */
static void test_narrow(void **state)
{
    const struct compat_vcpu_info compat = {.arch = {.cr2 = 0xc0de0000}};

    (void)state;
    domain.engine.width = WIDTH_PAE;
    memcpy(&info, &compat, sizeof(compat));
    info.time.version = 0xffffffff;
    frame.rip = 0xc0100010;
    frame.cs = 0xe019;
    frame.ss = 0xe021;
    frame.rsp = 0xc0200006;
    stack = 0xc0200000;
    stack_end = stack + WORDS * 4;
    report_guest(&vcpu);
    assert_said("vCPU 3, kernel mode, cr2 00000000c0de0000, root frame 1234\n"
                "rip e019:00000000c0100010  rsp e021:00000000c0200006  rflags 10246\n"
                "eax 000000a0  ebx 000000b0  ecx 000000c0  edx 000000d0  esi 00000051  edi 000000d1  ebp 000000b9\n"
                "stack 00000000c0200004: 11110001 11110002 11110003 11110004\n"
                "stack 00000000c0200014: 11110005 ");
    assert_said("11110010\n0 hypercalls");
    assert_unsaid("r8 ");
    said[0] = '\0';
    frame.cs = 0xe02b; /* its mode is the ring that it is in */
    report_guest(&vcpu);
    assert_said("vCPU 3, user mode, cr2 00000000c0de0000, root frame 1234\n");
}

/* Sixteen words from the top, four a line; a stack pointer that is not aligned is rounded down. */
static void test_stack(void **state)
{
    char line[160];

    (void)state;
    frame.rsp = STACK + 15;
    report_guest(&vcpu);
    for (unsigned i = 0; i < 16; i += 4) {
        snprintf(line, sizeof(line),
                 "\nstack ffff88000000%04x: 111100000000%04x 111100000000%04x 111100000000%04x 111100000000%04x\n",
                 0x1008 + 8 * i, 1 + i, 2 + i, 3 + i, 4 + i);
        assert_said(line);
    }
    assert_unsaid("1111000000000000");
    assert_unsaid("1111000000000011");
    assert_unsaid("cannot be read");
}

/* It ends where the guest has no memory: inside a line, at its beginning, or at once. */
static void test_stack_ends(void **state)
{
    (void)state;
    stack_end = STACK + 2 * 8;
    report_guest(&vcpu);
    assert_said("\nstack ffff880000001000: 1111000000000000 1111000000000001\n"
                "stack: ffff880000001010 cannot be read\n"
                "0 hypercalls");
    said[0] = '\0';
    stack_end = STACK + 4 * 8;
    report_guest(&vcpu);
    assert_said("0002 1111000000000003\nstack: ffff880000001020 cannot be read\n0 hypercalls");
    said[0] = '\0';
    frame.rsp = 0;
    report_guest(&vcpu);
    assert_said("r15 0000000000000015\nstack: 0000000000000000 cannot be read\n0 hypercalls");
}

static void note(uint64_t number, uint64_t first, int64_t result)
{
    const uint64_t args[6] = {first, 0x20, 0x30, 0x40, 0x50, 0x60};
    struct report_call *call = report_begin_call(&vcpu.report, number);

    memcpy(call->args, args, sizeof(args));
    report_end_call(&vcpu.report, call, result);
}

static void test_calls(void **state)
{
    (void)state;
    note(26, UINT64_C(0xffff880000001000), -22);
    note(29, 1, 0);
    note(99, 0, -38);
    report_guest(&vcpu);
    assert_said("\n3 hypercalls, the last of them:\n"
                "  mmuext_op(ffff880000001000, 20, 30, 40) = -EINVAL\n"
                "  sched_op(1, 20, 30, 40) = 0\n"
                "  hypercall 99(0, 20, 30, 40) = -ENOSYS\n"
                "nothing was refused\n");
}

/* The oldest first, and of many the last eight. */
static void test_many_calls(void **state)
{
    char line[64];

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        note(17, 0x100 + i, 5);
    report_begin_call(&vcpu.report, 29)->args[0] = 0xbad; /* of one that is under way */
    report_guest(&vcpu);
    assert_said("8 hypercalls, the last of them:\n  xen_version(100, 20, 30, 40) = 5\n");
    said[0] = '\0';
    for (unsigned i = 8; i < 1003; i++)
        note(17, 0x100 + i, 5);
    report_guest(&vcpu);
    assert_said("1003 hypercalls, the last of them:\n  xen_version(4e3, ");
    for (unsigned i = 995; i < 1003; i++) {
        snprintf(line, sizeof(line), "xen_version(%x, 20, 30, 40) = 5\n%s", 0x100 + i, i < 1002 ? "  " : "nothing");
        assert_said(line);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    refusals.count = 2;
    for (unsigned i = 0; i < REFUSALS_KEPT; i++)
        refusals.recent[i].rip = i;
    report_guest(&vcpu);
    assert_said("\n2 refusals, the last of them:\nrefusal 0\nrefusal 1\n");
    assert_unsaid("refusal 2");
    assert_unsaid("nothing was refused");
    said[0] = '\0';
    refusals.count = 6; /* the last four are 2 to 5; number n is in place n % 4 */
    refusals.recent[0].rip = 4;
    refusals.recent[1].rip = 5;
    report_guest(&vcpu);
    assert_said("\n6 refusals, the last of them:\nrefusal 2\nrefusal 3\nrefusal 4\nrefusal 5\n");
    /* What the guest itself has asked for is explained; what asked for the others may be gone. */
    domain.vcpus[0] = &vcpu.engine;
    domain.engine.vcpus = domain.vcpus;
    domain.engine.nr_vcpus = 1;
    refusals.recent[0].refusal.vcpu = &vcpu.engine;
    refusals.recent[1].refusal.vcpu = &(const struct vcpu){.id = 0};
    said[0] = '\0';
    report_guest(&vcpu);
    assert_said("\nrefusal 3\nrefusal 4\nexplanation 4\nrefusal 5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_registers, set_up), cmocka_unit_test_setup(test_elsewhere, set_up),
        cmocka_unit_test_setup(test_stack, set_up),     cmocka_unit_test_setup(test_stack_ends, set_up),
        cmocka_unit_test_setup(test_calls, set_up),     cmocka_unit_test_setup(test_many_calls, set_up),
        cmocka_unit_test_setup(test_refusals, set_up),  cmocka_unit_test_setup(test_narrow, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
