/* SPDX-License-Identifier: MIT */
/* What has become of a trap, as it is seen from the vCPU's frame before and behind it, in guests of both widths. */
/* links: hv/domain/trace_trap.c engine/access.c */
/* links: tests/hv/lib/guest_memory.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/cpu/trap.h>
#include <hv/domain/trace.h>
#include <hv/domain/trace_trap.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/guest_memory.h>

#define HANDLER UINT64_C(0x5000) /* of an exception; that of vector n is so many bytes further */
#define EVENT   UINT64_C(0x7000)
#define NMI     UINT64_C(0x7100)
#define STACK   (GUEST_MEMORY + 0x2000)
#define CODE    (GUEST_MEMORY + 0x3000)

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static bool wants_traps = true;
static uint64_t fault_address;

static struct trace_record written[4];
static uint64_t payload[2];
static unsigned nr_written, nr_payload;

bool trace_has_traps(void)
{
    return wants_traps;
}

void trace_write(struct trace_record *record, const uint64_t *words, unsigned count)
{
    assert_true(nr_written < 4);
    written[nr_written++] = *record;
    nr_payload = count;
    if (count)
        memcpy(payload, words, count * 8);
}

static struct trace_record begin(enum width width, unsigned vector, uint64_t error)
{
    guest_memory_reset(&vcpu.engine);
    fake_cpu_reset();
    fake_cpu.cr[2] = fault_address;
    nr_written = 0;
    domain.engine = (struct domain){.width = width, .id = DOMID(7)};
    frame = (struct cpu_frame){.vector = vector, .error = error, .rip = CODE, .rsp = STACK, .rcx = 0xc0000080, .cs = 1};
    vcpu = (struct hv_vcpu){.engine = {.domain = &domain.engine, .id = 2}, .frame = &frame};
    vcpu.bounce.event.address = EVENT;
    vcpu.bounce.nmi.address = NMI;
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        vcpu.engine.traps[i].address = HANDLER + i;
    return trace_trap_begin(&vcpu, &frame);
}

/* The frame of an event or of an NMI, as bounce_wide() and bounce_narrow() write it, with what it interrupts. */
static void interrupt(uint64_t handler)
{
    uint64_t wide[3] = {1, 2, frame.rip};
    uint32_t narrow = (uint32_t)frame.rip;

    frame.rsp -= 0x100;
    if (domain.engine.width == WIDTH_64)
        memcpy(guest_memory + (frame.rsp - GUEST_MEMORY), wide, sizeof(wide));
    else
        memcpy(guest_memory + (frame.rsp - GUEST_MEMORY), &narrow, sizeof(narrow));
    frame.rip = handler;
}

static void assert_written(unsigned i, enum trace_kind kind, uint64_t rip, uint64_t handler)
{
    assert_true(i < nr_written);
    assert_int_equal(written[i].kind, kind);
    assert_int_equal(written[i].rip, rip);
    assert_int_equal(written[i].args[TRAP_HANDLER], handler);
    assert_int_equal(written[i].domain, 7);
    assert_int_equal(written[i].vcpu, 2);
    assert_true(written[i].result == TRACE_NO_RESULT);
}

static void test_exception(void **state)
{
    (void)state;
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct trace_record record = begin(width, VECTOR_PROTECTION, 0x10);

        frame.rip = HANDLER + VECTOR_PROTECTION;
        trace_trap_end(&vcpu, &record);
        assert_int_equal(nr_written, 1);
        assert_written(0, TRACE_EXCEPTION, CODE, HANDLER + 13);
        assert_int_equal(written[0].number, 13);
        assert_int_equal(written[0].args[TRAP_ERROR], 0x10);
        assert_int_equal(written[0].args[TRAP_USER], 0);
        /* int 0x21, by way of a gate that the processor has not */
        record = begin(width, VECTOR_PROTECTION, 0x21 * 8 + 2);
        frame.rip = HANDLER + 0x21;
        trace_trap_end(&vcpu, &record);
        assert_written(0, TRACE_EXCEPTION, CODE, HANDLER + 0x21);
    }
}

static void test_page_fault(void **state)
{
    struct trace_record record;

    (void)state;
    fault_address = 0xdeadbee8;
    record = begin(WIDTH_64, VECTOR_PAGE_FAULT, 6);
    frame.rip = HANDLER + 14;
    interrupt(EVENT);
    trace_trap_end(&vcpu, &record);
    assert_int_equal(nr_written, 2);
    assert_written(0, TRACE_EXCEPTION, CODE, HANDLER + 14);
    assert_int_equal(written[0].args[TRAP_ADDRESS], 0xdeadbee8);
    assert_written(1, TRACE_UPCALL, HANDLER + 14, EVENT);
}

/* What the hypervisor sees to by itself, and interrupts, are nothing of the guest's. */
static void test_nothing(void **state)
{
    struct trace_record record;

    (void)state;
    record = begin(WIDTH_64, VECTOR_PAGE_FAULT, 4);
    trace_trap_end(&vcpu, &record);
    record = begin(WIDTH_64, VECTOR_INTERRUPTS, 0);
    trace_trap_end(&vcpu, &record);
    assert_int_equal(nr_written, 0);
}

static void test_upcall(void **state)
{
    (void)state;
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct trace_record record = begin(width, VECTOR_INTERRUPTS, 0);

        interrupt(EVENT);
        trace_trap_end(&vcpu, &record);
        assert_int_equal(nr_written, 1);
        assert_written(0, TRACE_UPCALL, CODE, EVENT);
        (void)begin(width, VECTOR_INTERRUPTS, 0);
        interrupt(NMI);
        trace_upcall(&vcpu, CODE);
        assert_written(0, TRACE_UPCALL, CODE, NMI);
        trace_upcall(&vcpu, NMI); /* it has been there before */
        wants_traps = false;
        trace_upcall(&vcpu, CODE);
        wants_traps = true;
        assert_int_equal(nr_written, 1);
    }
}

static void test_emulation(void **state)
{
    static const uint8_t code[16] = {0x0f, 0x32, 0x90};
    struct trace_record record;

    (void)state;
    record = begin(WIDTH_64, VECTOR_PROTECTION, 0);
    memcpy(guest_memory + (CODE - GUEST_MEMORY), code, sizeof(code));
    frame.rip += 2;
    frame.rax = 0xaa;
    frame.rdx = 0xdd;
    frame.rcx = 0;
    trace_trap_end(&vcpu, &record);
    assert_int_equal(nr_written, 1);
    assert_written(0, TRACE_EMULATION, CODE, 0);
    assert_int_equal(written[0].payload, TRACE_INSTRUCTION);
    assert_int_equal(nr_payload, 2);
    assert_memory_equal(payload, code, sizeof(code));
    assert_int_equal(written[0].args[TRAP_ADDRESS], 0xc0000080);
    assert_int_equal(written[0].args[TRAP_VALUE], 0xaa);
    assert_int_equal(written[0].args[TRAP_VALUE_HIGH], 0xdd);
}

/* The entry that is there then; and an instruction of which the end of a page is all that can be read. */
static void test_write(void **state)
{
    const uint64_t end = GUEST_MEMORY + GUEST_MEMORY_SIZE - 3;
    struct trace_record record;

    (void)state;
    fault_address = GUEST_MEMORY + 0x104;
    record = begin(WIDTH_64, VECTOR_PAGE_FAULT, 3);
    guest_memory[0x100] = 0x67;
    guest_memory[0x107] = 0x80;
    memcpy(guest_memory + GUEST_MEMORY_SIZE - 3, "\x48\x89\x07", 3);
    record.rip = end;
    frame.rip = end + 3;
    trace_trap_end(&vcpu, &record);
    assert_written(0, TRACE_EMULATION, end, 0);
    assert_int_equal(written[0].args[TRAP_VALUE], UINT64_C(0x8000000000000067));
    assert_memory_equal(payload, "\x48\x89\x07\0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exception), cmocka_unit_test(test_page_fault), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_upcall),    cmocka_unit_test(test_emulation),  cmocka_unit_test(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
