/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC counts, on machines that are made up: with an interval timer (Intel 8254) or without, with what
 * CPUID says, with a real-time clock, held up at any moment.  All live by the TSC, which each look at a port moves on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>

static uint64_t read_fake_tsc(void);
static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf);
static void out(uint16_t port, uint8_t value);
static uint8_t in(uint16_t port);

#define asm_read_tsc read_fake_tsc
#define asm_cpuid    fake_cpuid
#define asm_out8     out
#define asm_in8      in
#include <hv/time/calibrate.c>

#define PIT_TICKS UINT64_C(1193182) /* a second */

static struct {
    uint64_t hz, tsc;
    uint64_t port_ticks; /* what an access to a port takes */
    unsigned accesses;
    unsigned held_up_at, held_up_to; /* accesses, counted from 1... */
    uint64_t held_up_for;            /* ...before each of which it is, for so many ticks */

    /* CPUID. */
    uint32_t last_leaf, crystal[3], mhz, hypervisor_last, hypervisor_khz;
    bool is_guest;
    bool has_rtc, rtc_runs;
} made;

static struct {
    bool is_there, stops, rises; /* the latter two: it is broken */
    unsigned nr_written;
    uint16_t initial;
    uint64_t begun; /* the TSC then */
    uint8_t latched[3];
    unsigned nr_latched, nr_read;
} pit;

static uint64_t read_fake_tsc(void)
{
    made.tsc += 20;
    return made.tsc;
}

static void pass(void)
{
    made.accesses++;
    made.tsc += made.port_ticks;
    if (made.accesses >= made.held_up_at && made.accesses <= made.held_up_to)
        made.tsc += made.held_up_for;
}

/*
 * Mode 0: the output is low until the count has ended, and stays high; the count goes on below 0.  It begins one tick
 * after the second byte has been written, as the status says, and until then is what it was before.
 */
static void latch(void)
{
    uint64_t gone = (made.tsc - pit.begun) * PIT_TICKS / made.hz;
    bool loading = pit.nr_written < 2 || gone == 0;
    uint16_t count = loading ? 1000 : (uint16_t)(pit.initial + 1 - gone);

    if (pit.stops)
        gone = 1;
    if (pit.stops || pit.rises)
        count = (uint16_t)(1000 + gone);
    pit.latched[0] = (uint8_t)(0x30 | (gone > pit.initial ? 0x80 : 0) | (loading ? 0x40 : 0));
    pit.latched[1] = (uint8_t)count;
    pit.latched[2] = (uint8_t)(count >> 8);
    pit.nr_latched = 3;
    pit.nr_read = 0;
}

static void out(uint16_t port, uint8_t value)
{
    pass();
    if (!pit.is_there)
        return;
    if (port == 0x43 && value == 0x30) { /* channel 0, low byte and high byte, mode 0, binary */
        pit.nr_written = 0;
    } else if (port == 0x43 && value == 0xc2) { /* status and count of channel 0 */
        latch();
    } else {
        assert_int_equal(port, 0x40);
        assert_true(pit.nr_written < 2);
        pit.initial = (uint16_t)(pit.nr_written++ ? (pit.initial & 0xff) | value << 8 : value);
        pit.begun = made.tsc;
    }
}

static uint8_t in(uint16_t port)
{
    assert_int_equal(port, 0x40);
    pass();
    if (!pit.is_there)
        return 0xff;
    assert_true(pit.nr_read < pit.nr_latched);
    return pit.latched[pit.nr_read++];
}

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    assert_int_equal(subleaf, 0);
    switch (leaf) {
    case 0:
        return (struct cpuid){.eax = made.last_leaf};
    case 1:
        return (struct cpuid){.ecx = made.is_guest ? 1u << 31 : ~(1u << 31)};
    case 0x15:
        assert_true(made.last_leaf >= leaf);
        return (struct cpuid){made.crystal[0], made.crystal[1], made.crystal[2], ~0u};
    case 0x16:
        assert_true(made.last_leaf >= leaf);
        return (struct cpuid){.eax = made.mhz | 0xabcd0000, .ebx = 5000}; /* the upper half is reserved */
    case 0x40000000:
        assert_true(made.is_guest);
        return (struct cpuid){.eax = made.hypervisor_last};
    case 0x40000010:
        assert_true(made.hypervisor_last >= leaf);
        return (struct cpuid){.eax = made.hypervisor_khz};
    default:
        fail_msg("leaf %x", leaf);
        return (struct cpuid){0};
    }
}

/* It shows whole seconds; reading it takes a while. */
bool rtc_read(uint64_t *seconds)
{
    made.tsc += 200000;
    *seconds = made.rtc_runs ? made.tsc / made.hz : 77;
    return made.has_rtc;
}

/* A machine of @hz that has nothing to measure it by. */
static void begin(uint64_t hz)
{
    memset(&made, 0, sizeof(made));
    memset(&pit, 0, sizeof(pit));
    made.hz = hz;
    made.tsc = UINT64_C(123456789012);
    made.port_ticks = 1000;
}

static void assert_near(uint64_t hz, uint64_t exact, uint64_t part)
{
    assert_in_range(hz, exact - exact / part, exact + exact / part);
}

static const uint64_t speeds[] = {UINT64_C(800000000), UINT64_C(2100000000), UINT64_C(5700000000)};
#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

/*
 * ---- By the interval timer.
 */

static void test_pit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        uint64_t before;

        begin(speeds[i]);
        pit.is_there = true;
        before = made.tsc;
        assert_near(calibrate_tsc(), speeds[i], 5000);
        assert_true(made.tsc - before < speeds[i] / 100); /* nobody waits for it for longer than 10 ms */
    }
}

static void hold_up_at(unsigned first, unsigned last)
{
    for (unsigned at = first; at <= last; at++) {
        begin(speeds[1]);
        pit.is_there = true;
        made.held_up_at = made.held_up_to = at;
        made.held_up_for = speeds[1] / 1000;
        assert_near(calibrate_tsc(), speeds[1], 5000);
    }
}

/* Something takes the processor away for a millisecond, at any one access to a port at the beginning or the end. */
static void test_held_up(void **state)
{
    unsigned accesses;

    (void)state;
    hold_up_at(1, 60);
    begin(speeds[1]);
    pit.is_there = true;
    assert_near(calibrate_tsc(), speeds[1], 5000);
    accesses = made.accesses;
    hold_up_at(accesses - 60, accesses);
}

/* So long that the count ends: that run says nothing, and others do. */
static void test_held_up_long(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 40; at++) {
        begin(speeds[1]);
        pit.is_there = true;
        made.held_up_at = made.held_up_to = at;
        made.held_up_for = speeds[1] / 4;
        assert_near(calibrate_tsc(), speeds[1], 5000);
    }
}

/* One that is always at its end, stands still or counts up is none; nobody waits for it without end. */
static void test_pit_broken(void **state)
{
    (void)state;
    begin(speeds[1]);
    made.port_ticks = 100000;
    assert_int_equal(calibrate_tsc(), 0);
    begin(speeds[1]);
    made.port_ticks = 10000000;
    pit.is_there = pit.stops = true;
    assert_int_equal(calibrate_tsc(), 0);
    begin(speeds[1]);
    pit.is_there = pit.rises = true;
    assert_int_equal(calibrate_tsc(), 0);
}

/*
 * ---- By what CPUID says, and by the other clock.
 */

static void test_crystal(void **state)
{
    (void)state;
    begin(speeds[1]);
    made.last_leaf = 0x16;
    made.crystal[0] = 2;
    made.crystal[1] = 176;
    made.crystal[2] = 24000000;
    made.mhz = 1234;
    assert_int_equal(calibrate_tsc(), UINT64_C(2112000000));
    for (unsigned i = 0; i < 3; i++) { /* what is not enumerated is 0 */
        uint32_t kept = made.crystal[i];

        made.crystal[i] = 0;
        assert_int_equal(calibrate_tsc(), 1234000000);
        made.crystal[i] = kept;
    }
    made.last_leaf = 0x15;
    assert_int_equal(calibrate_tsc(), UINT64_C(2112000000));
    made.last_leaf = 0x14;
    assert_int_equal(calibrate_tsc(), 0);
}

static void test_hypervisor(void **state)
{
    (void)state;
    begin(speeds[1]);
    made.hypervisor_last = 0x40000010;
    made.hypervisor_khz = 4100000;
    assert_int_equal(calibrate_tsc(), 0);
    made.is_guest = true;
    assert_int_equal(calibrate_tsc(), UINT64_C(4100000000));
    made.hypervisor_last = 0x4000000f;
    assert_int_equal(calibrate_tsc(), 0);
}

static void test_rtc(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPEEDS; i++) {
        begin(speeds[i]);
        made.has_rtc = made.rtc_runs = true;
        made.port_ticks = 100000;
        assert_near(calibrate_tsc(), speeds[i], 1000);
        made.rtc_runs = false;
        assert_int_equal(calibrate_tsc(), 0);
    }
}

/* The first that can tell is believed. */
static void test_order(void **state)
{
    (void)state;
    begin(speeds[0]);
    pit.is_there = made.is_guest = made.has_rtc = made.rtc_runs = true;
    made.port_ticks = 5000;
    made.last_leaf = 0x16;
    made.mhz = 2000;
    made.hypervisor_last = 0x40000010;
    made.hypervisor_khz = 3000000;
    assert_near(calibrate_tsc(), speeds[0], 1000);
    pit.is_there = false;
    assert_int_equal(calibrate_tsc(), 2000000000);
    made.mhz = 0;
    assert_int_equal(calibrate_tsc(), 3000000000);
    made.hypervisor_khz = 0;
    assert_near(calibrate_tsc(), speeds[0], 1000);
    made.has_rtc = false;
    assert_int_equal(calibrate_tsc(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pit),     cmocka_unit_test(test_held_up),    cmocka_unit_test(test_held_up_long),
        cmocka_unit_test(test_crystal), cmocka_unit_test(test_hypervisor), cmocka_unit_test(test_rtc),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_pit_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
