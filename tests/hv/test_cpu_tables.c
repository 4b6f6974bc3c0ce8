/* SPDX-License-Identifier: MIT */
/*
 * GDT, TSS, LDT and IDT as hv/cpu/cpu_tables.c fills and loads them, taken apart again as Intel SDM volume 3 says:
 * 3.4.5 (segments), 3.5 and 8.2 (TSS and LDT), 6.14 (gates).  That the processor runs on them is seen by every boot.
 */
/* links: hv/cpu/cpu_tables.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/trap.h>
#include <tests/hv/lib/fake_cpu.h>

const uint8_t entry_stubs[TRAP_VECTORS * ENTRY_STUB_SIZE], entry_hypercall32[16], entry_traced32[16];
const uint8_t entry_traced_traps[TRAP_VECTORS * ENTRY_STUB_SIZE];

static struct cpu cpu;
static unsigned reloads;
static uint64_t reloaded_from;

void entry_reload_segments(void)
{
    reloads++;
    reloaded_from = fake_cpu.gdt_base;
}

static void make(void)
{
    fake_cpu_reset();
    memset(&cpu, 0, sizeof(cpu));
    reloads = 0;
    cpu.maddr = image_maddr(&cpu);
    cpu_tables_init_gates();
    cpu_tables_init(&cpu);
}

/* A descriptor of one place or, for a system segment, two. */
struct segment_fields {
    uint64_t base, limit; /* the limit in bytes */
    unsigned type, dpl;
    bool code_or_data, present, long_mode, is_32;
};

static struct segment_fields decode_segment(const uint64_t *places)
{
    uint64_t low = places[0];
    struct segment_fields fields = {
        .base = (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24,
        .limit = (low & 0xffff) | (low >> 48 & 0xf) << 16,
        .type = low >> 40 & 15,
        .dpl = low >> 45 & 3,
        .code_or_data = low >> 44 & 1,
        .present = low >> 47 & 1,
        .long_mode = low >> 53 & 1,
        .is_32 = low >> 54 & 1,
    };

    if (low >> 55 & 1)
        fields.limit = fields.limit << 12 | 0xfff;
    if (!fields.code_or_data)
        fields.base |= places[1] << 32;
    return fields;
}

/* The place of @selector in the hypervisor's page of the GDT of @width. */
static const uint64_t *place_of(enum width width, unsigned selector)
{
    return &cpu.gdt_pages[width][(selector >> 3) - 14 * 512];
}

static void assert_flat(enum width width, unsigned selector, bool code, bool long_mode, unsigned dpl)
{
    struct segment_fields fields = decode_segment(place_of(width, selector));

    assert_true(fields.present && fields.code_or_data);
    assert_int_equal(fields.base, 0);
    assert_int_equal(fields.limit, 0xffffffff);
    assert_int_equal(fields.type, code ? 11 : 3); /* readable or writable, accessed */
    assert_int_equal(fields.dpl, dpl);
    assert_int_equal(fields.long_mode, long_mode);
    assert_int_equal(fields.is_32, !long_mode);
}

/*
 * ---- The GDT.
 */

static void test_segments(void **state)
{
    (void)state;
    make();
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        assert_flat(width, HV_CS, true, true, 0);
        assert_flat(width, HV_DS, false, false, 0);
    }
    assert_flat(WIDTH_64, FLAT_RING3_CS32, true, false, 3);
    assert_flat(WIDTH_64, FLAT_RING3_DS32, false, false, 3);
    assert_flat(WIDTH_64, FLAT_RING3_CS64, true, true, 3);
    assert_flat(WIDTH_PAE, FLAT_RING1_CS, true, false, 1);
    assert_flat(WIDTH_PAE, FLAT_RING1_DS, false, false, 1);
    assert_flat(WIDTH_PAE, FLAT_RING3_CS, true, false, 3);
    assert_flat(WIDTH_PAE, FLAT_RING3_DS, false, false, 3);
}

/* Nothing else is there: what guests can reach of ring 0 is what they may not load, code and data alike. */
static void test_nothing_else(void **state)
{
    static const unsigned places[2] = {2 + 3 + 2, 2 + 4 + 2};

    (void)state;
    make();
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        unsigned present = 0;

        for (unsigned i = 0; i < GDT_PAGE_ENTRIES; i++)
            present += cpu.gdt_pages[width][i] != 0;
        assert_int_equal(present, places[width]);
    }
}

static void test_task(void **state)
{
    (void)state;
    make();
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct segment_fields fields = decode_segment(place_of(width, HV_TSS));

        assert_true(fields.present && !fields.code_or_data);
        assert_int_equal(fields.type, 9); /* a 64-bit TSS that is not busy */
        assert_int_equal(fields.dpl, 0);
        assert_int_equal(fields.base, (uint64_t)&cpu.tss);
        assert_int_equal(fields.limit, 103);
    }
    assert_int_equal(fake_cpu.task, HV_TSS);
    assert_true(cpu.tss.io_map > 103); /* no port is anybody's */
    for (unsigned i = 1; i < IST_COUNT; i++) {
        uint64_t end = (uint64_t)cpu.ist_stacks[i - 1] + STACK_SIZE - STACK_OWNER_SIZE;
        const struct stack_owner *owner = (const struct stack_owner *)end;

        assert_int_equal(end % STACK_SIZE, STACK_SIZE - STACK_OWNER_SIZE);
        assert_true(owner->cpu == &cpu && !owner->vcpu);
        assert_int_equal(cpu.tss.ist[i - 1], i == IST_DEBUG ? cpu_sysenter_stack(&cpu) : end);
        owner = (const struct stack_owner *)cpu.tss.ist[i - 1];
        assert_null(owner->vcpu); /* what is next to a frame tells that the stack is no vCPU's */
        assert_in_range(cpu.tss.ist[i - 1], end - 64, end);
        assert_int_equal(cpu.tss.ist[i - 1] % 16, 0);
    }
}

/* Until there is a window, the page lies where a table that has only it would have it. */
static void test_loaded(void **state)
{
    (void)state;
    make();
    assert_int_equal(fake_cpu.gdt_limit, 15 * 4096 - 1);
    assert_int_equal(fake_cpu.gdt_base + FIRST_RESERVED_GDT_BYTE, (uint64_t)cpu.gdt_pages[WIDTH_64]);
    assert_int_equal(reloads, 1);
    assert_int_equal(reloaded_from, fake_cpu.gdt_base);
    assert_int_equal(fake_cpu.idt_limit, 256 * 16 - 1);
    assert_int_equal(fake_cpu.idt_base % 4096, 0);
    assert_int_equal(fake_cpu.ldt, 0);
    cpu_tables_load_gdt(0x123000);
    assert_int_equal(fake_cpu.gdt_base, 0x123000);
    assert_int_equal(fake_cpu.gdt_limit, 15 * 4096 - 1);
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++)
        assert_int_equal(cpu_tables_gdt_page(&cpu, width) + IMAGE_BASE, (uint64_t)cpu.gdt_pages[width]);
}

/*
 * ---- The LDT.
 */

static void test_ldt(void **state)
{
    static const unsigned sizes[] = {1, 2, 511, 512, 513, 8191, 8192};
    static const uint64_t bases[] = {WINDOW_BASE + 0x10000, UINT64_C(0xffff8100a5c31000)};

    (void)state;
    make();
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned j = 0; j < 2; j++) {
            fake_cpu.ldt = 0;
            cpu_tables_load_ldt(&cpu, bases[j], sizes[i]);
            assert_int_equal(fake_cpu.ldt, HV_LDT);
            for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
                struct segment_fields fields = decode_segment(place_of(width, HV_LDT));

                assert_true(fields.present && !fields.code_or_data);
                assert_int_equal(fields.type, 2);
                assert_int_equal(fields.dpl, 0);
                assert_int_equal(fields.base, bases[j]);
                assert_int_equal(fields.limit, sizes[i] * 8 - 1);
            }
        }
    }
    cpu_tables_load_ldt(&cpu, 0, 0);
    assert_int_equal(fake_cpu.ldt, 0);
}

/*
 * ---- The IDT.
 */

/* What may come at any moment has a stack of its own; #DB as soon as hv/cpu/debug_stack.c says so. */
static unsigned ist_of(unsigned vector, bool debug_has_stack)
{
    switch (vector) {
    case 1:
        return debug_has_stack ? IST_DEBUG : 0;
    case 2:
        return IST_NMI;
    case 8:
        return IST_DOUBLE_FAULT;
    case 18:
        return IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

/*
 * Each vector has its own stub, comes with interrupts off, and only int3, into and int 0x80 are ring 3's to raise.  One
 * leads to the calls of 32-bit kernels, from ring 1.
 */
static void assert_gates(bool debug_has_stack, bool are_traced)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        const uint64_t *gate = (const uint64_t *)fake_cpu.idt_base + 2 * (size_t)i;
        uint64_t address = (gate[0] & 0xffff) | (gate[0] >> 48) << 16 | gate[1] << 32;
        bool is_traced = are_traced && i != 1 && i != 2 && i != 8 && i != 18;
        const uint8_t *stubs = is_traced ? entry_traced_traps : entry_stubs;

        assert_int_equal(address, i == 0x82 ? (uint64_t)entry_hypercall32 : (uint64_t)stubs + 16 * (uint64_t)i);
        assert_int_equal(gate[1] >> 32, 0);
        assert_int_equal(gate[0] >> 16 & 0xffff, HV_CS);
        assert_int_equal(gate[0] >> 32 & 0xff, ist_of(i, debug_has_stack));
        assert_int_equal(gate[0] >> 40 & 0x1f, 0x0e); /* an interrupt gate */
        assert_int_equal(gate[0] >> 45 & 3, i == 3 || i == 4 || i == 0x80 ? 3 : i == 0x82);
        assert_int_equal(gate[0] >> 47 & 1, 1);
    }
}

static void test_gates(void **state)
{
    (void)state;
    make();
    assert_gates(false, false);
    cpu_tables_set_stack(1, IST_DEBUG);
    assert_gates(true, false);
    cpu_tables_trace_traps(); /* of those that may have no vCPU's stack the gates stay */
    assert_gates(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments), cmocka_unit_test(test_nothing_else), cmocka_unit_test(test_task),
        cmocka_unit_test(test_loaded),   cmocka_unit_test(test_ldt),          cmocka_unit_test(test_gates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
