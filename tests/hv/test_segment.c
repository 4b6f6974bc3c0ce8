/* SPDX-License-Identifier: MIT */
/*
 * Segments: what they hold and allow, against the processor that the test runs on, which reaches memory through
 * descriptors at random in 32-bit code; and rights by ring, by the manual's words.
 */
/* links: hv/emulate/segment.c tests/hv/lib/native32.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/segment.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/native32.h>

#define RUNS 60000u

#define PRESENT_SEGMENT (DESCRIPTOR_PRESENT | DESCRIPTOR_SEGMENT)
#define PRIVILEGE(ring) ((uint64_t)(ring) << 45)

/*
 * ---- The rest of the hypervisor: nothing here reads tables; test_emulation.c does.
 */

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

size_t copy_recover(void *to, const void *from, size_t size)
{
    (void)to, (void)from;
    return size;
}

/*
 * ---- Against the processor.
 */

static uint64_t random_state = 7;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned below(unsigned limit)
{
    return (unsigned)((random_next() >> 20) % limit);
}

static uint32_t any_edge(void)
{
    static const uint32_t edges[] = {0, 0xfff, 0x1000, 0xffff, 0x10000, 0xfffff, 0x7fffffff, 0xffffefff, 0xffffffff};

    return edges[below(sizeof(edges) / sizeof(edges[0]))];
}

/* A data segment, or one of code that may be read; of conforming code Linux lets a process have none. */
static uint64_t any_kind(void)
{
    static const unsigned types[] = {1, 3, 5, 7, 11};
    uint64_t type = types[below(5)];

    return PRESENT_SEGMENT | PRIVILEGE(3) | type << 40 | (uint64_t)below(4) << 54;
}

static uint64_t with_limit(uint64_t descriptor, uint32_t limit)
{
    if (descriptor & DESCRIPTOR_GRANULAR)
        limit >>= 12;
    limit &= 0xfffff;
    return descriptor | (limit & 0xffff) | (uint64_t)(limit >> 16) << 48;
}

static uint64_t with_base(uint64_t descriptor, uint32_t base)
{
    return descriptor | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
}

/* mov between [ebx] and al, ax or eax. */
static void place_access(unsigned bytes, bool write)
{
    unsigned at = 0;

    if (bytes == 2)
        native32_code[at++] = 0x66;
    native32_code[at++] = (uint8_t)((write ? 0x88 : 0x8a) + (bytes > 1));
    native32_code[at++] = 0x03;
    native32_place_exit(at, true);
}

static const uint32_t written = 0xa1b2c3d4;

/* Whether it came to @at, by what stands there or in eax. */
static bool came_to(uint8_t *at, unsigned bytes, bool write)
{
    return memcmp(at, write ? &written : &native32_out.general[0], bytes) == 0;
}

static void test_against_processor(void **state)
{
    unsigned allowed = 0, refused = 0;

    (void)state;
    native32_catch_faults();
    for (unsigned i = 0; i < RUNS; i++) {
        unsigned bytes = 1u << below(3), vector;
        bool write = below(2);
        uint32_t limit = any_edge() + below(8) - 4, offset = (below(3) ? limit : any_edge()) + below(12) - 6;
        uint8_t *at = native32_memory + NATIVE32_BYTES / 2 + below(64);
        uint64_t descriptor = with_base(with_limit(any_kind(), limit), (uint32_t)(uintptr_t)at - offset);
        bool ours = segment_allows(descriptor, write ? SEGMENT_WRITE : SEGMENT_READ) &&
                    segment_holds(descriptor, offset, bytes);

        memset(native32_memory + NATIVE32_BYTES / 2, (int)i, 128);
        native32_set_descriptor(0, descriptor);
        place_access(bytes, write);
        native32_in = (struct registers32){.general = {[0] = write ? written : ~i, [3] = offset},
                                           .eflags = 0x202,
                                           .eip = (uint32_t)(uintptr_t)native32_code,
                                           .cs = 0x23,
                                           .ss = 0x2b,
                                           .ds = NATIVE32_SELECTOR(0)};
        vector = native32_run();
        if ((vector == 0) != ours || (ours && !came_to(at, bytes, write)))
            fail_msg("descriptor %016lx, %u bytes at %x, %s: vector %u, but %s", descriptor, bytes, offset,
                     write ? "written" : "read", vector, ours ? "allowed" : "refused");
        assert_true(vector == 0 || vector == 13);
        allowed += ours;
        refused += !ours;
    }
    printf("%u accesses allowed and %u refused, by the processor too\n", allowed, refused);
    assert_true(allowed > RUNS / 10 && refused > RUNS / 10);
}

/*
 * ---- By the manual.
 */

static void test_allows(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 16; type++) {
        uint64_t descriptor = PRESENT_SEGMENT | type << 40;

        assert_int_equal(segment_allows(descriptor, SEGMENT_READ), type < 8 || type & 2);
        assert_int_equal(segment_allows(descriptor, SEGMENT_WRITE), type < 8 && type & 2);
        assert_int_equal(segment_allows(descriptor, SEGMENT_EXECUTE), type >= 8);
        for (unsigned use = SEGMENT_READ; use <= SEGMENT_EXECUTE; use++) {
            assert_false(segment_allows(descriptor & ~DESCRIPTOR_PRESENT, (enum segment_use)use));
            assert_false(segment_allows(descriptor & ~DESCRIPTOR_SEGMENT, (enum segment_use)use));
        }
    }
}

/* Intel SDM volume 3, 5.6 and 5.7: not less privileged than the ring and the selector say, but conforming code. */
static void test_rings(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 16; type++) {
        for (unsigned privilege = 0; privilege < 4; privilege++) {
            for (unsigned ring = 0; ring < 4; ring++) {
                for (unsigned rpl = 0; rpl < 4; rpl++) {
                    uint64_t descriptor = PRESENT_SEGMENT | PRIVILEGE(privilege) | type << 40;
                    bool conforming = type >= 12;

                    assert_int_equal(segment_is_open(descriptor, 0x40 | rpl, ring),
                                     conforming || (privilege >= ring && privilege >= rpl));
                    assert_int_equal(segment_privilege(descriptor), privilege);
                }
            }
        }
    }
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(segment_base(with_base(PRESENT_SEGMENT, 0x92345678)), 0x92345678);
    assert_int_equal(segment_base(UINT64_C(0x12ffff3456789abc)), 0x12345678);
    assert_int_equal(segment_mode(0), DECODE_16);
    assert_int_equal(segment_mode(DESCRIPTOR_DEFAULT), DECODE_32);
    assert_int_equal(segment_mode(DESCRIPTOR_LONG), DECODE_64);
    /* A segment of code cannot expand down: the bit says that it conforms. */
    assert_true(segment_holds(with_limit(PRESENT_SEGMENT | UINT64_C(0xe) << 40, 0xff), 0xff, 1));
    assert_false(segment_holds(with_limit(PRESENT_SEGMENT | UINT64_C(0x6) << 40, 0xff), 0xff, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
        cmocka_unit_test(test_allows),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, native32_set_up, NULL);
}
