/* SPDX-License-Identifier: MIT */
/*
 * Instructions outside 64-bit code: where they are read and what they reach, by segments that are not flat; and what a
 * program may have the hypervisor reach in its place.  The data segments are this process's own, of its LDT.
 */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c tests/hv/lib/native32.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/emulate/segment.h>
#include <tests/hv/lib/emulate_host.h>
#include <tests/hv/lib/native32.h>

#define CODE      UINT64_C(0x00409b0000000000) /* 32-bit code and data of ring 0, without base and limit */
#define DATA      UINT64_C(0x0040930000000000)
#define DOWN      UINT64_C(0x0040970000000000)
#define DPL(ring) ((uint64_t)(ring) << 45)

#define CS_ENTRY 1u
#define DS_ENTRY 2u
#define ES_ENTRY 3u
#define GS_ENTRY 4u
#define SS_ENTRY 5u

static uint64_t with(uint64_t descriptor, uint32_t base, uint32_t limit)
{
    return descriptor | (limit & 0xffff) | (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(base >> 24) << 56;
}

/* What the guest's LDT says of @entry; the process's own says the same but for the ring. */
static void set_entry(unsigned entry, uint64_t descriptor)
{
    ldt[entry] = descriptor;
    native32_set_descriptor(entry, descriptor | DPL(3));
}

static void load_segments(uint16_t ds, uint16_t es, uint16_t gs)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs" : : "r"(ds), "r"(es), "r"(gs));
}

/* A 32-bit guest at the beginning of the memory, in @ring, in code that begins at @base with that @limit. */
static void place_narrow(const char *bytes, size_t count, unsigned ring, uint32_t base, uint32_t limit)
{
    place(bytes, count);
    domain.engine.width = WIDTH_PAE;
    vcpu.engine.ldt_entries = 8;
    ldt[CS_ENTRY] = with(CODE | DPL(ring), base, limit);
    frame.cs = CS_ENTRY << 3 | 4 | ring;
    frame.ss = SS_ENTRY << 3 | 4 | ring;
    frame.rip = (uint32_t)(BASE - base);
    set_entry(DS_ENTRY, with(DATA | DPL(3), BASE - 0x100, 0x1ff));
    set_entry(ES_ENTRY, with(DATA | DPL(3), BASE + PAGE - 0x100, 0xfff));
    set_entry(SS_ENTRY, with(DATA | DPL(ring), BASE - 0x200, 0x2ff));
    load_segments(NATIVE32_SELECTOR(DS_ENTRY), NATIVE32_SELECTOR(ES_ENTRY), 0);
    set_iopl(3, false, false);
}
#define PLACE_AT(bytes, ring, base, limit) place_narrow(bytes, sizeof(bytes) - 1, ring, base, limit)
#define PLACE_FLAT(bytes, ring) \
    (place_narrow(bytes, sizeof(bytes) - 1, ring, 0, 0xfffff), ldt[CS_ENTRY] |= DESCRIPTOR_GRANULAR)

/* It is carried out, and the next is at @rip. */
static void goes_to(uint64_t rip)
{
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_int_equal(frame.rip, rip);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

static void page_faults(uint64_t address, uint64_t error)
{
    uint64_t rip = frame.rip;

    seen.page_faults = 0;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.exceptions == 0 && frame.rip == rip);
    assert_int_equal(seen.address, address);
    assert_int_equal(seen.error, error);
}

/*
 * ---- Code.
 */

/* Base and limit: the byte behind the limit is none of the code's, whatever can be read there. */
static void test_code_ends(void **state)
{
    (void)state;
    for (uint32_t limit = 0x4000 - 2; limit < 0x4004; limit++) {
        PLACE_AT("\x0f\x20\xd3", 1, BASE - 0x4000, limit); /* mov ebx, cr2 */
        ((struct compat_vcpu_info *)&info)->arch.cr2 = 0x12345678;
        if (limit < 0x4002) {
            does_not();
        } else {
            goes_to(0x4003);
            assert_int_equal(frame.rbx, 0x12345678);
        }
    }
}

/* The offset has 32 bits, and so has the address. */
static void test_code_wraps(void **state)
{
    (void)state;
    PLACE_AT("\x0f\x20\xd3", 1, BASE + 2, 0xfffff);
    ldt[CS_ENTRY] |= DESCRIPTOR_GRANULAR;
    assert_int_equal(frame.rip, 0xfffffffe);
    goes_to(1);
    PLACE_AT("\x0f\x06", 1, BASE + 0x80000000, 0xfffff);
    ldt[CS_ENTRY] |= DESCRIPTOR_GRANULAR;
    assert_int_equal(frame.rip, 0x80000000);
    goes_to(0x80000002);
}

/* In 16-bit code the prefix of the operand's size means the other thing. */
static void test_code_16(void **state)
{
    (void)state;
    PLACE_AT("\xed", 1, BASE, 0xffff); /* in ax, dx */
    ldt[CS_ENTRY] &= ~DESCRIPTOR_DEFAULT;
    goes_to(1);
    assert_true(seen.port_bytes == 2 && frame.rax == (POISON | 0xffff));
    PLACE_AT("\x66\xed", 1, BASE, 0xffff);
    ldt[CS_ENTRY] &= ~DESCRIPTOR_DEFAULT;
    goes_to(2);
    assert_true(seen.port_bytes == 4 && frame.rax == 0xffffffff);
}

/* `INT n` and the prefix of cpuid are looked for where the code is, and not beyond its limit. */
static void test_others_in_code(void **state)
{
    unsigned vector = 0;

    (void)state;
    for (uint32_t limit = 0x4000; limit < 0x4002; limit++) {
        PLACE_AT("\xcd\x20", 3, BASE - 0x4000, limit);
        assert_int_equal(emulate_software_interrupt(&vcpu, &vector), limit == 0x4001 ? EMULATE_DONE : EMULATE_UNKNOWN);
    }
    assert_int_equal(vector, 0x20);
    for (uint32_t limit = 0x4005; limit < 0x4007; limit++) {
        PLACE_AT("\x0f\x0b\x78\x65\x6e\x0f\xa2", 3, BASE - 0x4000, limit);
        assert_int_equal(emulate_forced(&vcpu), limit == 0x4006 ? EMULATE_DONE : EMULATE_UNKNOWN);
        assert_int_equal(frame.rip, limit == 0x4006 ? 0x4007 : 0x4000);
    }
}

/*
 * ---- Data.
 */

static void test_data_base_and_limit(void **state)
{
    (void)state;
    PLACE_FLAT("\x6f", 1); /* outsd */
    memcpy(memory + 0xfc, "\x11\x22\x33\x44", 4);
    frame.rsi = 0x1fc;
    goes_to(BASE + 1);
    assert_int_equal(seen.port_value, 0x44332211);
    assert_int_equal(frame.rsi, 0x200);
    for (uint64_t esi = 0x1fd; esi < 0x204; esi++) {
        PLACE_FLAT("\x6f", 1);
        frame.rsi = esi;
        does_not();
    }
    PLACE_FLAT("\x6f", 1); /* addresses have 32 bits */
    frame.rsi = UINT64_C(0x1111111100000100);
    goes_to(BASE + 1);
    PLACE_FLAT("\x67\x6f", 1); /* or 16 */
    frame.rsi = 0x99990100;
    goes_to(BASE + 2);
    assert_int_equal(frame.rsi, 0x99990104);
}

static void test_data_rights(void **state)
{
    (void)state;
    PLACE_FLAT("\x6c", 1); /* insb */
    frame.rdi = 0x100;
    seen.port_value = 0x5a;
    goes_to(BASE + 1);
    assert_int_equal(memory[PAGE], 0x5a);
    PLACE_FLAT("\x6c", 1);
    frame.rdi = 0x100;
    ldt[ES_ENTRY] &= ~DESCRIPTOR_WRITABLE;
    does_not();
    ldt[ES_ENTRY] |= DESCRIPTOR_WRITABLE | DESCRIPTOR_CODE;
    does_not();
    ldt[ES_ENTRY] &= ~(DESCRIPTOR_CODE | DESCRIPTOR_PRESENT);
    does_not();
    PLACE_FLAT("\x6e", 1); /* outsb, of code that cannot be read */
    frame.rsi = 0x100;
    ldt[DS_ENTRY] = (ldt[DS_ENTRY] | DESCRIPTOR_CODE) & ~DESCRIPTOR_READABLE;
    does_not();
    ldt[DS_ENTRY] |= DESCRIPTOR_READABLE;
    goes_to(BASE + 1);
    PLACE_FLAT("\x2e\x6e", 1); /* cs */
    frame.rsi = BASE + 1;
    goes_to(BASE + 2);
    assert_int_equal(seen.port_value, 0x6e);
    PLACE_FLAT("\x6e", 1);
    frame.rsi = 0x100;
    load_segments(0, 0, 0);
    does_not();
}

/* What only the kernel may load is none of a program's, though a register still names it. */
static void test_data_ring(void **state)
{
    (void)state;
    PLACE_FLAT("\x6e", 3);
    frame.rsi = 0x100;
    ldt[DS_ENTRY] = with(DATA | DPL(1), BASE - 0x100, 0x1ff);
    does_not();
    PLACE_FLAT("\x36\x6e", 1); /* ss, whose selector has the kernel's ring */
    frame.rsi = 0x200;
    goes_to(BASE + 2);
}

static void test_data_down(void **state)
{
    (void)state;
    for (uint64_t esi = 0xfe; esi < 0x102; esi++) {
        PLACE_FLAT("\x6e", 1);
        set_entry(DS_ENTRY, with(DOWN | DPL(3), BASE - 0x100, 0xff));
        load_segments(NATIVE32_SELECTOR(DS_ENTRY), 0, 0);
        frame.rsi = esi;
        if (esi <= 0xff)
            does_not();
        else
            goes_to(BASE + 1);
    }
}

static void stack_faults(void)
{
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.exceptions == 1 && seen.vector == VECTOR_STACK && seen.error == 0 && frame.rip == BASE);
}

/* Beyond the stack's limit it is another exception. */
static void test_stack_fault(void **state)
{
    (void)state;
    PLACE_FLAT("\x36\x6f", 1);
    frame.rsi = 0x2fc;
    goes_to(BASE + 2);
    frame.rip = BASE;
    frame.rsi = 0x2fd;
    stack_faults();
    PLACE_FLAT("\x0f\x00\x45\x00", 1); /* sldt [ebp] */
    frame.rbp = 0x2ff;
    stack_faults();
}

/* Their bases are registers, of which 32 bits count; their limits are not. */
static void check_gs(enum width width)
{
    for (unsigned edge = 0; edge < 2; edge++) {
        PLACE_FLAT("\x65\x6f", 3);
        domain.engine.width = width;
        set_entry(GS_ENTRY, with(DATA | DPL(3), 0x777000, 0xfff));
        load_segments(0, 0, NATIVE32_SELECTOR(GS_ENTRY));
        seen.gs_base = UINT64_C(0x500000000) + BASE - 0x100;
        frame.rsi = 0xffc + edge;
        if (edge) {
            does_not();
        } else {
            memcpy(memory + 0xefc, "\x11\x22\x33\x44", 4);
            goes_to(BASE + 2);
            assert_int_equal(seen.port_value, 0x44332211);
        }
    }
    frame.rsi = 0x100;
    load_segments(0, 0, 0);
    does_not();
}

static void test_gs(void **state)
{
    (void)state;
    check_gs(WIDTH_PAE);
    check_gs(WIDTH_64); /* a 32-bit program of a 64-bit guest */
}

/* Limit and base: six bytes outside 64-bit code, all of them in the segment. */
static void test_pointer(void **state)
{
    for (unsigned edge = 0; edge < 2; edge++) {
        struct table_pointer pointer = asm_store_gdt();

        (void)state;
        PLACE_FLAT("\x0f\x01\x06", 1); /* sgdt [esi] */
        frame.rsi = 0x1fa + edge;
        if (edge) {
            does_not();
            continue;
        }
        goes_to(BASE + 3);
        assert_memory_equal(memory + 0xfa, &pointer, 6);
        assert_int_equal(memory[0x100], 0x90);
    }
}

/*
 * ---- Programs.
 */

/* What they may not read themselves the hypervisor does not read for them, nor write. */
static void test_program_reaches(void **state)
{
    (void)state;
    PLACE_FLAT("\x6e", 3);
    frame.rsi = 0x100;
    goes_to(BASE + 1);
    PLACE_FLAT("\x6d", 3); /* insd */
    frame.rdi = 0x100;
    goes_to(BASE + 1);
    PLACE_FLAT("\x6d", 3);
    for_programs[1] = false;
    frame.rdi = 0x100;
    page_faults(BASE + PAGE, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    assert_int_equal(memory[PAGE], 0x90);
    PLACE_FLAT("\x26\x6f", 3); /* outsd of es */
    for_programs[1] = false;
    frame.rsi = 0x100;
    page_faults(BASE + PAGE, PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    assert_int_equal(seen.port, 0);
    frame.rsi = 0xfe; /* two bytes of it in the page before */
    page_faults(BASE + PAGE, PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    readable[1] = false;
    page_faults(BASE + PAGE, PAGE_FAULT_USER);
}

/* Its kernel may, and the pages of a 64-bit guest's program are all its own. */
static void test_others_reach(void **state)
{
    (void)state;
    PLACE_FLAT("\x26\x6f", 1);
    for_programs[1] = false;
    frame.rsi = 0x100;
    goes_to(BASE + 2);
    PLACE_FLAT("\x26\x6f", 3);
    for_programs[0] = for_programs[1] = false;
    domain.engine.width = WIDTH_64;
    frame.rsi = 0x100;
    goes_to(BASE + 2);
}

/* The code too: what a program would learn of it is which instruction it is. */
static void test_program_fetches(void **state)
{
    unsigned vector;

    (void)state;
    PLACE_FLAT("\xec", 3);
    for_programs[0] = false;
    page_faults(BASE, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    PLACE_FLAT("\xcd\x20", 3);
    for_programs[0] = false;
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_UNKNOWN);
    PLACE_FLAT("", 3);
    memcpy(memory + PAGE - 5, "\x0f\x0b\x78\x65\x6e\x0f\xa2", 7);
    frame.rip = BASE + PAGE - 5;
    for_programs[1] = false;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE);
    assert_int_equal(seen.error, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT | PAGE_FAULT_USER);
    PLACE_FLAT("\xec", 1);
    for_programs[0] = false;
    goes_to(BASE + 1);
}

/* The level decides, ring 2 is nobody's, and privileged is what only the kernel may. */
static void test_rights(void **state)
{
    static const char *const instructions[] = {"\xec", "\xee", "\xfa", "\xfb", "\x0f\x06", "\x0f\x20\xd8"};

    (void)state;
    for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        for (unsigned ring = 1; ring < 4; ring++) {
            for (unsigned level = 0; level < 4; level++) {
                bool by_level = i < 4 ? level >= (ring == 1 ? 1 : 3) : ring == 1;

                place_narrow(instructions[i], strlen(instructions[i]), ring, 0, 0xffffe);
                set_iopl(level, false, false);
                if (by_level)
                    goes_to(BASE + strlen(instructions[i]));
                else
                    does_not();
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_ends),
        cmocka_unit_test(test_code_wraps),
        cmocka_unit_test(test_code_16),
        cmocka_unit_test(test_others_in_code),
        cmocka_unit_test(test_data_base_and_limit),
        cmocka_unit_test(test_data_rights),
        cmocka_unit_test(test_data_ring),
        cmocka_unit_test(test_data_down),
        cmocka_unit_test(test_stack_fault),
        cmocka_unit_test(test_gs),
        cmocka_unit_test(test_pointer),
        cmocka_unit_test(test_program_reaches),
        cmocka_unit_test(test_others_reach),
        cmocka_unit_test(test_program_fetches),
        cmocka_unit_test(test_rights),
    };

    return cmocka_run_group_tests(tests, native32_set_up, NULL);
}
