/* SPDX-License-Identifier: MIT */
/*
 * Call gates of a 32-bit guest: who may use them, where they lead, what is on the stack then, and which exception it is
 * where they lead nowhere.  Expectations are the manual's: Intel SDM volume 2, CALL and JMP.
 */
/* links: hv/emulate/emulate_gate.c hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c hv/emulate/msr.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <hv/emulate/emulate_gate.h>
#include <hv/emulate/segment.h>
#include <tests/hv/lib/emulate_host.h>

#define DPL(ring)  ((uint64_t)(ring) << 45)
#define CODE(ring) (UINT64_C(0x00cf9b000000ffff) | DPL(ring))
#define DATA(ring) (UINT64_C(0x00cf93000000ffff) | DPL(ring))
#define CONFORMING (UINT64_C(1) << 42)

/* Entries of the GDT. */
enum {
    KERNEL_CODE = 1,
    KERNEL_DATA,
    MIDDLE_CODE, /* ring 2 */
    PROGRAM_CODE,
    PROGRAM_DATA,
    HYPERVISOR_CODE,
    GATE,
    OTHER_GATE,
};
#define SELECTOR(entry, ring) ((unsigned)(entry) << 3 | (ring))
#define GATE_SELECTOR         SELECTOR(GATE, 3)

#define TARGET       0x45678u
#define PROGRAM_SP   (uint32_t)(BASE + 2 * PAGE + 0x800)
#define KERNEL_SP    (uint32_t)(BASE + PAGE + 0x800)
#define STACK_OFFSET 0x800u

/* As engine/descriptor.c stores it: with DPL 0, and who may use it in the RPL of its selector. */
static uint64_t gate(unsigned selector, unsigned privilege, unsigned parameters, uint32_t offset)
{
    return UINT64_C(0x00008c0000000000) | (uint64_t)parameters << 32 | (uint64_t)((selector & ~3u) | privilege) << 16 |
           (offset & 0xffff) | (uint64_t)(offset >> 16) << 48;
}

/* A far call through the gate at the beginning of the memory, in @ring; the gate leads to the kernel, for all. */
static void place_call(const char *bytes, size_t count, unsigned ring)
{
    place(bytes, count);
    domain.engine.width = WIDTH_PAE;
    gdt[KERNEL_CODE] = CODE(1);
    gdt[KERNEL_DATA] = DATA(1);
    gdt[MIDDLE_CODE] = CODE(2);
    gdt[PROGRAM_CODE] = CODE(3);
    gdt[PROGRAM_DATA] = DATA(3);
    gdt[HYPERVISOR_CODE] = CODE(0);
    gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), 3, 0, TARGET);
    for_programs[1] = false;
    vcpu.bounce.kernel_ss = SELECTOR(KERNEL_DATA, 1);
    vcpu.bounce.kernel_sp = KERNEL_SP;
    frame.cs = ring == 2 ? SELECTOR(MIDDLE_CODE, 2) : SELECTOR(ring == 1 ? KERNEL_CODE : PROGRAM_CODE, ring);
    frame.ss = SELECTOR(ring == 3 ? PROGRAM_DATA : KERNEL_DATA, ring);
    frame.rsp = ring == 3 ? PROGRAM_SP : KERNEL_SP;
    frame.error = GATE << 3;
}
#define PLACE_CALL(bytes, ring) place_call(bytes, sizeof(bytes) - 1, ring)
#define CALL                    "\x9a\xef\xbe\xad\xde\x3b\x00" /* call GATE_SELECTOR:0xdeadbeef */
#define JMP                     "\xea\xef\xbe\xad\xde\x3b\x00"
#define CALL_LENGTH             7u
_Static_assert(SELECTOR(GATE, 3) == 0x3b, "CALL");

static void leads(unsigned cs, uint32_t eip)
{
    assert_int_equal(emulate_gate(&vcpu), EMULATE_DONE);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
    assert_int_equal(frame.cs, cs);
    assert_int_equal(frame.rip, eip);
    assert_int_equal(frame.rflags, 0x202);
}

static void on_stack(unsigned ss, uint32_t esp, const uint32_t *words, unsigned count)
{
    assert_int_equal(frame.ss, ss);
    assert_int_equal(frame.rsp, esp);
    assert_memory_equal(memory + (esp - BASE), words, count * sizeof(*words));
}

/* Nothing has changed but for what is raised. */
static void raises(unsigned vector, unsigned error)
{
    struct cpu_frame before = frame;

    assert_int_equal(emulate_gate(&vcpu), EMULATE_DONE);
    assert_true(seen.exceptions == 1 && seen.page_faults == 0);
    assert_int_equal(seen.vector, vector);
    assert_int_equal(seen.error, error);
    assert_memory_equal(&frame, &before, sizeof(frame));
    seen.exceptions = 0;
}

static void page_faults(uint64_t address, uint64_t error)
{
    struct cpu_frame before = frame;

    seen.page_faults = 0;
    assert_int_equal(emulate_gate(&vcpu), EMULATE_DONE);
    assert_true(seen.exceptions == 0 && seen.page_faults == 1);
    assert_int_equal(seen.address, address);
    assert_int_equal(seen.error, error);
    assert_memory_equal(&frame, &before, sizeof(frame));
}

/* The fault is as the processor said. */
static void stays(void)
{
    struct cpu_frame before = frame;

    assert_int_equal(emulate_gate(&vcpu), EMULATE_UNKNOWN);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
    assert_memory_equal(&frame, &before, sizeof(frame));
}

/*
 * ---- Ways through.
 */

/* From a program to the kernel, on the stack of stack_switch.  Shows segdesc.gate-inner. */
static void test_inner(void **state)
{
    const uint32_t words[] = {BASE + CALL_LENGTH, SELECTOR(PROGRAM_CODE, 3), PROGRAM_SP, SELECTOR(PROGRAM_DATA, 3)};

    (void)state;
    PLACE_CALL(CALL, 3);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    on_stack(SELECTOR(KERNEL_DATA, 1), KERNEL_SP - sizeof(words), words, 4);
    assert_int_equal(memory[PAGE + STACK_OFFSET], 0x90);
}

/* Words above the program's stack pointer follow, in their order.  Shows segdesc.gate-parameters. */
static void test_parameters(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 32; count++) {
        uint32_t words[35] = {BASE + CALL_LENGTH, SELECTOR(PROGRAM_CODE, 3)};

        PLACE_CALL(CALL, 3);
        gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), 3, count, TARGET) | UINT64_C(0xe0) << 32;
        for (unsigned i = 0; i < count; i++)
            words[2 + i] = 0xabcd0000 + i;
        memcpy(memory + 2 * PAGE + STACK_OFFSET, words + 2, count * sizeof(*words));
        words[2 + count] = PROGRAM_SP;
        words[3 + count] = SELECTOR(PROGRAM_DATA, 3);
        leads(SELECTOR(KERNEL_CODE, 1), TARGET);
        on_stack(SELECTOR(KERNEL_DATA, 1), KERNEL_SP - 4 * (count + 4), words, count + 4);
    }
}

/*
 * Within a ring: kernel to kernel, program to program, and conforming code, which stays in the caller's ring.
 * Shows segdesc.gate-same.
 */
static void test_same(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        unsigned ring = kind == 0 ? 1 : 3, own = kind == 0 ? KERNEL_CODE : PROGRAM_CODE;
        unsigned to = kind == 1 ? PROGRAM_CODE : KERNEL_CODE;
        const uint32_t words[] = {BASE + CALL_LENGTH, SELECTOR(own, ring)};
        uint32_t esp;
        unsigned ss;

        PLACE_CALL(CALL, ring);
        esp = (uint32_t)frame.rsp;
        ss = (unsigned)frame.ss;
        gdt[GATE] = gate(SELECTOR(to, 0), 3, 9, TARGET);
        if (kind == 2)
            gdt[KERNEL_CODE] |= CONFORMING;
        leads(SELECTOR(to, ring), TARGET);
        on_stack(ss, esp - 8, words, 2);
    }
}

/* A jump goes where a call would stay in its ring, and leaves no word.  Shows segdesc.gate-jump. */
static void test_jump(void **state)
{
    (void)state;
    PLACE_CALL(JMP, 1);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    assert_true(frame.rsp == KERNEL_SP && frame.ss == SELECTOR(KERNEL_DATA, 1));
    assert_int_equal(memory[PAGE + STACK_OFFSET - 1], 0x90);
    PLACE_CALL(JMP, 3);
    raises(VECTOR_PROTECTION, KERNEL_CODE << 3);
    PLACE_CALL(JMP, 3);
    gdt[KERNEL_CODE] |= CONFORMING;
    leads(SELECTOR(KERNEL_CODE, 3), TARGET);
}

/* Through memory, whose offset does not matter; operand sizes; the LDT; and the hypervisor's own segment of ring 1. */
static void test_forms(void **state)
{
    (void)state;
    PLACE_CALL("\x2e\xff\x1d\x00\x03\x01\x00", 3); /* call far [cs:0x10300] */
    memcpy(memory + 0x300, "\x01\x02\x03\x04\x3b\x00", 6);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    PLACE_CALL("\x2e\x66\xff\x1d\x00\x03\x01\x00", 3);
    memcpy(memory + 0x300, "\x01\x02\x3b\x00", 4);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    assert_int_equal(memory[PAGE + STACK_OFFSET - 16], 8); /* four bytes of return address all the same */
    PLACE_CALL("\x66\x9a\xef\xbe\x3b\x00", 3);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    PLACE_CALL("\x9a\xef\xbe\xad\xde\x17\x00", 3); /* entry 2 of the LDT */
    frame.error = 0x14;
    ldt[2] = gdt[GATE];
    vcpu.engine.ldt_entries = 3;
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    PLACE_CALL(CALL, 3);
    gdt[GATE] = gate(FLAT_RING1_CS, 3, 0, TARGET);
    code_descriptor = CODE(1);
    leads(FLAT_RING1_CS, TARGET);
}

/* With 16 bits of stack pointer the others stay; the address counts from the base.  A stack may expand down, too. */
static void test_stacks(void **state)
{
    const uint64_t wide = UINT64_C(1) << 54, down = UINT64_C(1) << 42;
    const uint32_t words[] = {BASE + CALL_LENGTH, SELECTOR(KERNEL_CODE, 1)};

    (void)state;
    PLACE_CALL(CALL, 1);
    gdt[KERNEL_DATA] = (DATA(1) & ~wide) | UINT64_C(0x10000) << 16; /* base BASE */
    frame.rsp = 0x77770000 | (PAGE + STACK_OFFSET);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    assert_int_equal(frame.rsp, 0x77770000 | (PAGE + STACK_OFFSET - 8));
    assert_memory_equal(memory + PAGE + STACK_OFFSET - 8, words, 8);
    PLACE_CALL(CALL, 1);
    gdt[KERNEL_DATA] = UINT64_C(0x0040970000000000) | DPL(1) | down | (uint16_t)(KERNEL_SP - 8 - 1) |
                       (uint64_t)((KERNEL_SP - 8 - 1) >> 16) << 48;
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    PLACE_CALL(CALL, 1);
    gdt[KERNEL_DATA] = UINT64_C(0x0040970000000000) | DPL(1) | down | (uint16_t)(KERNEL_SP - 8) |
                       (uint64_t)((KERNEL_SP - 8) >> 16) << 48;
    raises(VECTOR_STACK, 0);
}

/* A program that is stepped gets on behind the gate. */
static void test_step(void **state)
{
    (void)state;
    PLACE_CALL(CALL, 3);
    frame.rflags |= RFLAGS_TF;
    assert_int_equal(emulate_gate(&vcpu), EMULATE_DONE);
    assert_true(frame.rip == TARGET && seen.exceptions == 1 && seen.vector == VECTOR_DEBUG);
}

/*
 * ---- No ways through.
 */

/* The ring and the selector's RPL, both at most the gate's level.  Shows segdesc.gate-level. */
static void test_level(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring < 4; ring++) {
        for (unsigned rpl = 0; rpl < 4; rpl++) {
            for (unsigned level = 1; level < 4; level++) {
                PLACE_CALL(CALL, ring);
                memory[5] = (uint8_t)SELECTOR(GATE, rpl);
                gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), level, 0, TARGET);
                if (ring <= level && rpl <= level)
                    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
                else
                    stays();
            }
        }
    }
}

/*
 * What is no far call or jump, through no gate, or not the one that faulted; a 64-bit guest's.  Shows
 * segdesc.gate-64.
 */
static void test_no_gate(void **state)
{
    static const char *const others[] = {"\x8e\xd8", "\xcb", "\xff\x10", "\xff\x20", "\xf0\xff\x18", "\xcf"};

    (void)state;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        place_call(others[i], strlen(others[i]), 3);
        stays();
    }
    PLACE_CALL(CALL, 3);
    frame.error = OTHER_GATE << 3;
    gdt[OTHER_GATE] = gdt[GATE];
    stays();
    PLACE_CALL(CALL, 3);
    gdt[GATE] &= ~DESCRIPTOR_PRESENT;
    stays();
    for (uint64_t type = 0; type < 32; type++) {
        PLACE_CALL(CALL, 3);
        gdt[GATE] = (gdt[GATE] & ~(UINT64_C(0x1f) << 40)) | type << 40;
        if (type != 0xc)
            stays();
    }
    PLACE_CALL(CALL, 3);
    domain.engine.width = WIDTH_64;
    stays();
}

/*
 * The limit of the table is the guest's, whatever lies behind it: neither a gate nor a target is found there, and no
 * LDT means none (XSA-298).
 */
static void xsa_298_gates_within_the_limit(void **state)
{
    (void)state;
    for (unsigned entries = 0; entries < 4; entries++) {
        PLACE_CALL("\x9a\xef\xbe\xad\xde\x17\x00", 3);
        frame.error = 0x14;
        ldt[2] = gdt[GATE];
        vcpu.engine.ldt_entries = entries;
        if (entries < 3)
            stays();
        else
            leads(SELECTOR(KERNEL_CODE, 1), TARGET);
        PLACE_CALL(CALL, 3);
        gdt[GATE] = gate(0x14, 3, 0, TARGET);
        ldt[2] = CODE(1);
        vcpu.engine.ldt_entries = entries;
        if (entries < 3)
            raises(VECTOR_PROTECTION, 0x14);
        else
            leads(0x15, TARGET);
    }
}

/* Shows segdesc.gate-target. */
static void test_target(void **state)
{
    (void)state;
    PLACE_CALL(CALL, 3);
    gdt[GATE] = gate(0, 3, 0, TARGET);
    raises(VECTOR_PROTECTION, 0);
    PLACE_CALL(CALL, 3);
    gdt[KERNEL_CODE] &= ~DESCRIPTOR_PRESENT;
    raises(VECTOR_NO_SEGMENT, KERNEL_CODE << 3);
    gdt[KERNEL_CODE] = DATA(1);
    raises(VECTOR_PROTECTION, KERNEL_CODE << 3);
    gdt[KERNEL_CODE] = gdt[GATE];
    raises(VECTOR_PROTECTION, KERNEL_CODE << 3);
    gdt[KERNEL_CODE] = CODE(1) | DESCRIPTOR_LONG;
    raises(VECTOR_PROTECTION, KERNEL_CODE << 3);
    gdt[KERNEL_CODE] = CODE(1) & ~(UINT64_C(0xf) << 48 | DESCRIPTOR_GRANULAR); /* limit 0xffff */
    raises(VECTOR_PROTECTION, 0);
    gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), 3, 0, 0xffff);
    leads(SELECTOR(KERNEL_CODE, 1), 0xffff);
    PLACE_CALL(CALL, 1); /* never to a ring with fewer rights */
    gdt[GATE] = gate(SELECTOR(PROGRAM_CODE, 0), 3, 0, TARGET);
    raises(VECTOR_PROTECTION, PROGRAM_CODE << 3);
    PLACE_CALL(CALL, 3); /* nor to the hypervisor's, though no such gate can be stored */
    gdt[GATE] = gate(SELECTOR(HYPERVISOR_CODE, 0), 3, 0, TARGET);
    raises(VECTOR_PROTECTION, HYPERVISOR_CODE << 3);
}

/* The kernel's stack.  Shows segdesc.gate-stack. */
static void test_bad_stack(void **state)
{
    (void)state;
    PLACE_CALL(CALL, 3);
    vcpu.bounce.kernel_ss = 3;
    raises(VECTOR_INVALID_TSS, 0);
    vcpu.bounce.kernel_ss = SELECTOR(KERNEL_CODE, 1);
    raises(VECTOR_INVALID_TSS, KERNEL_CODE << 3);
    vcpu.bounce.kernel_ss = SELECTOR(PROGRAM_DATA, 1);
    raises(VECTOR_INVALID_TSS, PROGRAM_DATA << 3);
    vcpu.bounce.kernel_ss = 0xc; /* beyond the LDT */
    raises(VECTOR_INVALID_TSS, 0xc);
    vcpu.bounce.kernel_ss = SELECTOR(KERNEL_DATA, 3); /* the privilege bits are set when it is used */
    gdt[KERNEL_DATA] &= ~DESCRIPTOR_WRITABLE;
    raises(VECTOR_INVALID_TSS, KERNEL_DATA << 3);
    gdt[KERNEL_DATA] = DATA(1) & ~DESCRIPTOR_PRESENT;
    raises(VECTOR_STACK, KERNEL_DATA << 3);
    gdt[KERNEL_DATA] = DATA(1) & ~(UINT64_C(0xf) << 48 | DESCRIPTOR_GRANULAR);
    raises(VECTOR_STACK, KERNEL_DATA << 3);
    gdt[KERNEL_DATA] = DATA(1);
    leads(SELECTOR(KERNEL_CODE, 1), TARGET);
    PLACE_CALL(CALL, 3); /* ring 2 has none */
    gdt[GATE] = gate(SELECTOR(MIDDLE_CODE, 0), 3, 0, TARGET);
    raises(VECTOR_INVALID_TSS, 0);
}

/* The kernel's stack is written as the kernel, what a program names as the program.  Shows segdesc.gate-memory. */
static void test_memory(void **state)
{
    (void)state;
    PLACE_CALL(CALL, 3);
    writable[1] = false;
    page_faults(KERNEL_SP - 16, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
    PLACE_CALL(CALL, 3);
    vcpu.bounce.kernel_sp = BASE + 2 * PAGE + 8; /* half of it */
    for_programs[2] = false;
    writable[2] = false;
    page_faults(BASE + 2 * PAGE, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
    PLACE_CALL(CALL, 3); /* parameters out of the kernel's memory */
    gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), 3, 2, TARGET);
    frame.rsp = BASE + 2 * PAGE - 4;
    page_faults(BASE + 2 * PAGE - 4, PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    PLACE_CALL(CALL, 3); /* a return address into it */
    gdt[GATE] = gate(SELECTOR(PROGRAM_CODE, 0), 3, 0, TARGET);
    frame.rsp = KERNEL_SP;
    page_faults(KERNEL_SP - 8, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    PLACE_CALL("\x2e\xff\x1d\x00\x13\x01\x00", 3); /* a pointer of it */
    page_faults(BASE + PAGE + 0x300, PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    PLACE_CALL(CALL, 3); /* the instruction itself */
    for_programs[0] = false;
    page_faults(BASE, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
}

/* Where the words of the old stack end is a stack fault of that stack. */
static void test_old_stack(void **state)
{
    (void)state;
    PLACE_CALL(CALL, 3);
    gdt[GATE] = gate(SELECTOR(KERNEL_CODE, 0), 3, 2, TARGET);
    gdt[PROGRAM_DATA] = DATA(3) & ~(UINT64_C(0xf) << 48 | DESCRIPTOR_GRANULAR);
    raises(VECTOR_STACK, 0);
    frame.rsp = 0xfff9;
    raises(VECTOR_STACK, 0);
    PLACE_CALL(CALL, 3);
    gdt[GATE] = gate(SELECTOR(PROGRAM_CODE, 0), 3, 0, TARGET);
    gdt[PROGRAM_DATA] &= ~DESCRIPTOR_PRESENT;
    raises(VECTOR_STACK, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner),     cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_same),      cmocka_unit_test(test_jump),
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_step),      cmocka_unit_test(test_level),
        cmocka_unit_test(test_no_gate),   cmocka_unit_test(test_target),
        cmocka_unit_test(test_bad_stack), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_old_stack), cmocka_unit_test(xsa_298_gates_within_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
