/* SPDX-License-Identifier: MIT */
/*
 * Flags of arithmetic, against those of the processor that the test runs on: all operands of one byte; of wider ones
 * those at the edges, all with all, and many at random.
 */
/* links: hv/emulate/alu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/emulate/alu.h>

#define ROUNDS 200000u

#define AF 0x10u

/* What arithmetic does not set: kept as it is. */
#define OTHERS UINT64_C(0xa5a5a5a5003ff72a)

/*
 * ---- The processor's answer: OPERATION with a carry that has been set or cleared; the flags that it leaves.
 */

#define NATIVE(operation, suffix, type)                                                                    \
    static uint64_t operation##suffix(uint64_t a, uint64_t b, bool carry)                                  \
    {                                                                                                      \
        type result = (type)a;                                                                             \
        uint64_t flags;                                                                                    \
                                                                                                           \
        __asm__("lea -128(%%rsp), %%rsp\n\t" /* the red zone */                                            \
                "bt $0, %k[carry]\n\t" #operation #suffix " %[b], %[result]\n\tpushfq\n\tpop %[flags]\n\t" \
                "lea 128(%%rsp), %%rsp"                                                                    \
                : [result] "+r"(result), [flags] "=&r"(flags)                                              \
                : [b] "r"((type)b), [carry] "r"((unsigned)carry)                                           \
                : "cc", "memory");                                                                         \
        return flags & ALU_FLAGS;                                                                          \
    }
#define NATIVE_SIZES(operation)    \
    NATIVE(operation, b, uint8_t)  \
    NATIVE(operation, w, uint16_t) \
    NATIVE(operation, l, uint32_t) \
    NATIVE(operation, q, uint64_t)

NATIVE_SIZES(adc)
NATIVE_SIZES(sbb)
NATIVE_SIZES(and)

static const struct size {
    unsigned bytes;
    uint64_t (*add)(uint64_t a, uint64_t b, bool carry);
    uint64_t (*subtract)(uint64_t a, uint64_t b, bool borrow);
    uint64_t (*logic)(uint64_t a, uint64_t b, bool ignored);
} sizes[] = {
    {1, adcb, sbbb, andb},
    {2, adcw, sbbw, andw},
    {4, adcl, sbbl, andl},
    {8, adcq, sbbq, andq},
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint64_t random_64(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static void assert_flags(const char *what, const struct size *size, uint64_t a, uint64_t b, uint64_t ours,
                         uint64_t theirs)
{
    if ((ours & ALU_FLAGS) != theirs)
        fail_msg("%s of %u bytes, %lx and %lx: flags %lx, not %lx", what, size->bytes, a, b, ours & ALU_FLAGS, theirs);
    if ((ours & ~ALU_FLAGS) != (OTHERS & ~ALU_FLAGS))
        fail_msg("%s of %u bytes: other flags are %lx", what, size->bytes, ours & ~ALU_FLAGS);
}

/* The flags before are all set, then all clear. */
static void check(const struct size *size, uint64_t a, uint64_t b)
{
    for (unsigned carry = 0; carry < 2; carry++) {
        uint64_t before = carry ? OTHERS | ALU_FLAGS : OTHERS & ~ALU_FLAGS;

        assert_flags("add", size, a, b, alu_flags_add(before, a, b, carry, size->bytes), size->add(a, b, carry));
        assert_flags("subtract", size, a, b, alu_flags_subtract(before, a, b, carry, size->bytes),
                     size->subtract(a, b, carry));
        assert_flags("logic", size, a, b, alu_flags_logic(before, a & b, size->bytes),
                     size->logic(a, b, carry) & ~(uint64_t)AF);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++)
            check(&sizes[0], a, b);
    }
}

/* Around zero, the halves and the ends of each width, all with all; what lies above the width is ignored. */
static void test_edges(void **state)
{
    static const unsigned shifts[] = {0, 3, 4, 7, 8, 15, 16, 31, 32, 63};
    uint64_t edges[3 * sizeof(shifts) / sizeof(shifts[0])];
    unsigned count = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
        edges[count++] = (UINT64_C(1) << shifts[i]) - 1;
        edges[count++] = UINT64_C(1) << shifts[i];
        edges[count++] = -(UINT64_C(1) << shifts[i]);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        for (unsigned a = 0; a < count; a++) {
            for (unsigned b = 0; b < count; b++)
                check(&sizes[i], edges[a], edges[b]);
        }
    }
}

static void test_random(void **state)
{
    (void)state;
    srandom(1);
    for (unsigned i = 0; i < ROUNDS; i++)
        check(&sizes[i % SIZES], random_64(), random_64());
}

/* A few that can be worked out by hand: Intel SDM volume 1, 3.4.3.1. */
static void test_by_hand(void **state)
{
    (void)state;
    assert_int_equal(alu_flags_add(0, 0x7f, 1, false, 1), 0x890);                       /* OF SF AF */
    assert_int_equal(alu_flags_add(0, 0xff, 0, true, 1), 0x055);                        /* ZF AF PF CF */
    assert_int_equal(alu_flags_add(0, 0x80000000, 0x80000000, false, 4), 0x845);        /* OF ZF PF CF */
    assert_int_equal(alu_flags_subtract(0, 0, 1, false, 8), 0x095);                     /* SF AF PF CF */
    assert_int_equal(alu_flags_subtract(0, 0x8000, 1, false, 2), 0x814);                /* OF AF PF */
    assert_int_equal(alu_flags_subtract(0, 5, 4, true, 4), 0x044);                      /* ZF PF */
    assert_int_equal(alu_flags_logic(UINT64_MAX, 0x8001, 2), ~UINT64_C(0x8d5) | 0x080); /* SF alone */
}

static void test_truncate(void **state)
{
    const uint64_t value = UINT64_C(0xfedcba9876543210);

    (void)state;
    assert_int_equal(alu_truncate(value, 1), 0x10);
    assert_int_equal(alu_truncate(value, 2), 0x3210);
    assert_int_equal(alu_truncate(value, 4), 0x76543210);
    assert_int_equal(alu_truncate(value, 8), value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_edges),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_by_hand), cmocka_unit_test(test_truncate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
