/* SPDX-License-Identifier: MIT */
/* The hypervisor's clock, made of a TSC of the test's own: against 128-bit arithmetic, for slow and fast processors. */
/* links: hv/base/clock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/time/time.h>

static uint64_t fake_tsc;
static bool constant;

static uint64_t read_fake_tsc(void)
{
    return fake_tsc;
}

/* AMD APM volume 3, CPUID Fn8000_0007: bit 8 of edx, where there is such a leaf. */
static uint32_t last_leaf;

/* Who is below says so in leaf 1; without that, the leaf of its name may hold anything. */
static bool is_guest;
static const char *below = "KVMKVMKVM\0\0";

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid name = {.eax = 0x40000001};

    assert_int_equal(subleaf, 0);
    if (leaf == 1)
        return (struct cpuid){.ecx = is_guest ? UINT32_C(1) << 31 : ~(UINT32_C(1) << 31)};
    if (leaf == 0x40000000) {
        memcpy(&name.ebx, below, 4);
        memcpy(&name.ecx, below + 4, 4);
        memcpy(&name.edx, below + 8, 4);
        return name;
    }
    if (leaf == 0x80000000)
        return (struct cpuid){.eax = last_leaf};
    assert_int_equal(leaf, 0x80000007);
    assert_true(leaf <= last_leaf);
    return (struct cpuid){.edx = constant ? 1u << 8 : ~(1u << 8)};
}

#define asm_read_tsc read_fake_tsc
#define asm_cpuid    fake_cpuid
#include <hv/time/time.c>

__extension__ typedef unsigned __int128 uint128_t;

static const uint64_t speeds[] = {UINT64_C(1000000), UINT64_C(999999999), UINT64_C(2100000123), UINT64_C(5000000000)};
#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

static uint64_t calibrated;
static jmp_buf ended;

uint64_t calibrate_tsc(void)
{
    return calibrated;
}

void print(const char *format, ...)
{
    (void)format;
}

_Noreturn void exit_unsupported(const char *format, ...)
{
    (void)format;
    longjmp(ended, 1);
}

static void begin(uint64_t hz, uint64_t start)
{
    calibrated = hz;
    fake_tsc = start;
    last_leaf = 0x80000008;
    time_init();
}

static uint64_t ticks_of(uint64_t hz, uint64_t ns)
{
    uint128_t ticks = (uint128_t)hz * ns / 1000000000u;

    return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

/* It begins with 0 whatever the TSC says, and is never ahead of the exact time, nor behind by more than rounding. */
static void test_now(void **state)
{
    static const uint64_t later[] = {0, 1, 60, 86400, 31536000};

    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        begin(speeds[i], UINT64_C(0x123456789abc));
        for (unsigned j = 0; j < sizeof(later) / sizeof(later[0]); j++) {
            uint64_t exact = later[j] * 1000000000u;

            fake_tsc = UINT64_C(0x123456789abc) + later[j] * speeds[i];
            assert_in_range(time_now(), exact - (exact >> 30) - (exact ? 2 : 0), exact);
        }
    }
}

static void test_never_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        uint64_t seen = 0;

        begin(speeds[i], 17);
        for (unsigned j = 0; j < 10000; j++) {
            uint64_t new;

            fake_tsc += j % 7;
            new = time_now();
            assert_true(new >= seen);
            seen = new;
        }
    }
}

/* A reading is of one moment, and its scale is the clock's own. */
static void test_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        struct time_reading reading;

        begin(speeds[i], 1000);
        fake_tsc += 12345678901;
        reading = time_read();
        assert_int_equal(reading.tsc, fake_tsc);
        assert_int_equal(reading.now, time_now());
        fake_tsc += speeds[i];
        assert_in_range(time_now() - reading.now - clock_ticks_to_ns(reading.scale, speeds[i]), 0, 3);
        assert_int_equal(time_tsc_khz(), speeds[i] / 1000);
    }
}

/* Of what guests are shown an old reading tells the same time as a new one, but for what is rounded off. */
static void test_old(void **state)
{
    static const uint64_t later[] = {1, 3600, 86400, 31536000};

    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        struct time_reading old;

        begin(speeds[i], UINT64_C(1) << 50);
        fake_tsc += 98765432109;
        old = time_read();
        for (unsigned j = 0; j < sizeof(later) / sizeof(later[0]); j++) {
            fake_tsc = old.tsc + later[j] * speeds[i] + 12345;
            assert_in_range(time_now() - old.now - clock_ticks_to_ns(old.scale, fake_tsc - old.tsc), 0, 2);
        }
    }
}

static void test_constant(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        constant = i;
        begin(speeds[2], 0);
        assert_int_equal(time_is_constant(), i);
    }
    last_leaf = 0x80000006;
    time_init();
    assert_false(time_is_constant());
}

/* QEMU's emulation, and nobody whose name is like its. */
static void test_emulated(void **state)
{
    static const char *const others[] = {"KVMKVMKVM\0\0", "TCGTCGTCGTCH", "TCGTCGTCHTCG", "TCGTTGTCGTCG",
                                         "XCGTCGTCGTCG"};

    (void)state;
    constant = false;
    for (unsigned i = 0; i < 2; i++) {
        is_guest = i;
        below = "TCGTCGTCGTCG";
        begin(speeds[2], 0);
        assert_int_equal(time_is_constant(), is_guest);
        for (unsigned j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
            below = others[j];
            begin(speeds[2], 0);
            assert_false(time_is_constant());
        }
    }
}

static void test_ticks(void **state)
{
    static const uint64_t spans[] = {0, 1, 1000, 1000000000, UINT64_C(1) << 60, UINT64_MAX};

    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        begin(speeds[i], UINT64_C(1) << 40);
        for (unsigned j = 0; j < sizeof(spans) / sizeof(spans[0]); j++) {
            uint64_t ticks = ticks_of(speeds[i], spans[j]);

            assert_int_equal(time_to_ticks(spans[j]), ticks);
            assert_int_equal(time_ticks_in(spans[j]), ticks > UINT64_MAX - fake_tsc ? UINT64_MAX : fake_tsc + ticks);
        }
        fake_tsc = UINT64_MAX - 5;
        assert_int_equal(time_ticks_in(1000000000), UINT64_MAX);
    }
}

/* What the clock's arithmetic is not made for, nothing to measure by included, ends the run. */
static void test_unsupported(void **state)
{
    static const uint64_t wrong[] = {0, CLOCK_HZ_LEAST - 1, CLOCK_HZ_MOST + 1, UINT64_MAX};

    (void)state;
    for (volatile unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (setjmp(ended) == 0) {
            begin(wrong[i], 0);
            fail();
        }
    }
    begin(CLOCK_HZ_LEAST, 0);
    begin(CLOCK_HZ_MOST, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now),   cmocka_unit_test(test_never_back),  cmocka_unit_test(test_read),
        cmocka_unit_test(test_old),   cmocka_unit_test(test_constant),    cmocka_unit_test(test_emulated),
        cmocka_unit_test(test_ticks), cmocka_unit_test(test_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
