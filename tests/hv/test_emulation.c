/* SPDX-License-Identifier: MIT */
/*
 * Segments as the emulation finds them: which selectors mean anything, bases and modes, where the next instruction is.
 */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/operand.c hv/emulate/alu.c hv/emulate/decode.c */
/* links: hv/emulate/decode_table.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <engine/access.h>
#include <engine/reach.h>
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/emulation.h>
#include <hv/mem/window.h>

#define WINDOW UINT64_C(0xffff820000100000)
#define GDT    WINDOW
#define LDT    (WINDOW + (uint64_t)LDT_WINDOW * PAGE_SIZE)

#define PRESENT (UINT64_C(1) << 47)
#define SEGMENT (UINT64_C(1) << 44)
#define CODE    (PRESENT | SEGMENT | UINT64_C(3) << 45 | UINT64_C(0xa) << 40 | UINT64_C(0x008f00000000ffff))
#define LONG    (UINT64_C(1) << 53)
#define BIG     (UINT64_C(1) << 54)

/*
 * ---- The rest of the hypervisor.  There is one descriptor; what is asked for elsewhere cannot be read.
 */

static uint64_t place, descriptor;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static unsigned exceptions;

uint64_t window_base(unsigned window)
{
    assert_int_equal(window, 3);
    return WINDOW;
}

size_t copy_recover(void *to, const void *from, size_t size)
{
    assert_int_equal(size, sizeof(descriptor));
    if ((uint64_t)from != place)
        return size;
    memcpy(to, &descriptor, size);
    return 0;
}

bool port_copy_from_guest(struct vcpu *v, void *to, vaddr_t from, size_t size)
{
    (void)v, (void)to, (void)from, (void)size;
    return false;
}

bool port_copy_to_guest(struct vcpu *v, vaddr_t to, const void *from, size_t size)
{
    (void)v, (void)to, (void)from, (void)size;
    return false;
}

void bounce_page_fault(struct hv_vcpu *v, uint64_t address, uint64_t error)
{
    (void)v, (void)address, (void)error;
    exceptions++;
}

bool reach_by_program(struct vcpu *v, vaddr_t start, uint64_t size)
{
    (void)v, (void)start, (void)size;
    return true;
}

void bounce_exception_error(struct hv_vcpu *v, unsigned vector, uint64_t error)
{
    (void)v, (void)vector, (void)error;
    exceptions++;
}

void bounce_exception(struct hv_vcpu *v, unsigned vector)
{
    (void)v;
    assert_int_equal(vector, VECTOR_DEBUG);
    exceptions++;
}

uint64_t state_fs_base(void)
{
    return UINT64_C(0xf000000000);
}

uint64_t state_gs_base(void)
{
    return UINT64_C(0x9000000000);
}

/*
 * ---- The tests.
 */

static struct emulation emulation;

/* Does a vCPU whose cs is @selector run in a segment that is found, if @what stands at @where? */
static bool opens(uint64_t selector, uint64_t where, uint64_t what)
{
    place = where;
    descriptor = what;
    frame.cs = selector;
    return emulation_open(&emulation, &vcpu);
}

static int set_up(void **state)
{
    (void)state;
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&frame, 0, sizeof(frame));
    domain.engine.width = WIDTH_64;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    vcpu.window = 3;
    exceptions = 0;
    return 0;
}

/* The LDT ends where the guest has said, though its last page goes on (XSA-298). */
static void test_ldt_ends(void **state)
{
    static const unsigned counts[] = {0, 1, 5, 511, 512, 513, 8191, 8192};

    (void)state;
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        vcpu.engine.ldt_entries = counts[i];
        for (unsigned index = 0; index < 8192; index++)
            assert_int_equal(opens(index * 8 | 7, LDT + index * 8, CODE), index < counts[i]);
    }
}

static void test_gdt(void **state)
{
    (void)state;
    for (unsigned index = 1; index < FIRST_RESERVED_GDT_ENTRY; index++) {
        assert_true(opens(index * 8 | 3, GDT + index * 8, CODE));
        assert_false(opens(index * 8 | 3, GDT + index * 8 + 8, CODE));
    }
    /* The null selector means nothing, whatever stands there, in every ring. */
    for (unsigned ring = 0; ring < 4; ring++)
        assert_false(opens(ring, GDT, CODE));
}

static void test_what_is_a_segment(void **state)
{
    (void)state;
    assert_false(opens(11, GDT + 8, CODE & ~PRESENT));
    assert_false(opens(11, GDT + 8, CODE & ~SEGMENT));             /* a call gate */
    assert_false(opens(11, GDT + 8, CODE & ~(UINT64_C(8) << 40))); /* data */
    assert_false(opens(11, GDT + 8, 0));
}

static void test_modes(void **state)
{
    (void)state;
    assert_true(opens(11, GDT + 8, CODE | LONG) && emulation.mode == DECODE_64);
    assert_true(opens(11, GDT + 8, CODE | BIG) && emulation.mode == DECODE_32);
    assert_true(opens(11, GDT + 8, CODE) && emulation.mode == DECODE_16);
    domain.engine.width = WIDTH_PAE; /* whose tables cannot hold it */
    assert_false(opens(11, GDT + 8, CODE | LONG));
    domain.engine.width = WIDTH_64;
    /* A 64-bit kernel's usual segment is not looked up; the same selector of a 32-bit guest's is. */
    assert_true(opens(FLAT_KERNEL_CS64, 0, 0) && emulation.mode == DECODE_64);
    domain.engine.width = WIDTH_PAE;
    assert_false(opens(FLAT_KERNEL_CS64, 0, 0));
}

static bool finds(enum segment segment, uint64_t offset, uint64_t linear)
{
    uint64_t found = 0;

    return emulation_linear(&emulation, (struct place){segment, offset, 1, SEGMENT_EXECUTE}, &found) && found == linear;
}

/* 32 bits of base, in three parts; and 32 bits of address. */
static void test_bases(void **state)
{
    (void)state;
    assert_true(opens(11, GDT + 8, CODE | BIG | UINT64_C(0x345678) << 16 | UINT64_C(0x92) << 56));
    assert_true(finds(SEGMENT_CS, 0x1000, 0x92346678));
    assert_true(finds(SEGMENT_CS, 0xf0000000, 0x82345678));
    /* In 64-bit code there are no bases but those of fs and gs. */
    assert_true(opens(11, GDT + 8, CODE | LONG | UINT64_C(0x345678) << 16));
    assert_true(finds(SEGMENT_CS, 0x123456789a, 0x123456789a));
    assert_true(finds(SEGMENT_FS, 0x123, 0xf000000123) && finds(SEGMENT_GS, 0x123, 0x9000000123));
}

static uint64_t rip_after(uint64_t mode, uint64_t rip, unsigned length)
{
    assert_true(opens(11, GDT + 8, CODE | mode));
    frame.rip = rip;
    emulation.instruction.length = length;
    emulation_finish(&emulation);
    return frame.rip;
}

/* The next instruction lies within the code segment's width. */
static void test_rip_wraps(void **state)
{
    (void)state;
    assert_int_equal(rip_after(0, 0xfffe, 3), 1);
    assert_int_equal(rip_after(BIG, 0xfffe, 3), 0x10001);
    assert_int_equal(rip_after(BIG, 0xfffffffe, 3), 1);
    assert_int_equal(rip_after(LONG, 0xfffffffe, 3), UINT64_C(0x100000001));
    assert_int_equal(exceptions, 0);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_ldt_ends), TEST(test_gdt),   TEST(test_what_is_a_segment),
                                       TEST(test_modes),    TEST(test_bases), TEST(test_rip_wraps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
