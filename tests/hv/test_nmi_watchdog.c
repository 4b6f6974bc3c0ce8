/* SPDX-License-Identifier: MIT */
/*
 * When NMIs find a hypervisor that hangs, and when not: hv/time/nmi_watchdog.c with a clock that the test moves.  That
 * NMIs come at all is seen by tests/boot, and by guests/tests/vm86.
 */
/* links: hv/time/nmi_watchdog.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <hv/cpu/cpu_frame.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/ipi.h>
#include <hv/cpu/stop.h>
#include <hv/cpu/wait.h>
#include <hv/time/ioapic.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define TICK_NS UINT64_C(55000000)
#define HANG_NS UINT64_C(2000000000)
#define TICKS   100u /* more than that takes */

struct cpu cpu_boot;

static struct cpu beside[2] = {{.id = 1, .apic = 11}, {.id = 2, .apic = 12}};
static unsigned online, asked, sent[2]; /* processors; whether one has been asked to stop; NMIs to the others */

static uint64_t now;
static bool reported;
static jmp_buf end;

uint64_t time_now(void)
{
    return now;
}

_Noreturn void fault_report_hang(const struct cpu_frame *frame)
{
    (void)frame;
    reported = true;
    longjmp(end, 1);
}

struct cpu *cpu_find(unsigned id)
{
    return id >= online ? NULL : id == 0 ? &cpu_boot : &beside[id - 1];
}

void ipi_send_nmi(uint32_t apic)
{
    assert_in_range(apic, 11, 12);
    sent[apic - 11]++;
}

void stop_if_asked(const struct cpu_frame *frame)
{
    assert_non_null(frame);
    asked++;
}

bool ioapic_init(void)
{
    return false;
}

void ioapic_route_nmi(unsigned pin)
{
    (void)pin;
}

void ioapic_mask(unsigned pin)
{
    (void)pin;
}

void print(const char *format, ...)
{
    (void)format;
}

static const struct cpu_frame stuck = {.cs = HV_CS, .rflags = RFLAGS_ONE};
static const struct cpu_frame idle = {.cs = HV_CS, .rflags = RFLAGS_ONE | RFLAGS_IF};
static const struct cpu_frame guest = {.cs = FLAT_RING3_CS64, .rflags = RFLAGS_ONE | RFLAGS_IF};
static const struct cpu_frame guest_without = {.cs = FLAT_RING3_CS64, .rflags = RFLAGS_ONE};

static void begin(void)
{
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    online = 1;
    asked = 0;
    memset(sent, 0, sizeof(sent));
    now = 0;
    nmi_watchdog_start();
}

/* @count NMIs at @frame, @distance apart.  Returns how many it took until one was too many; 0: none was. */
static unsigned ticks(const struct cpu_frame *frame, unsigned count, uint64_t distance)
{
    volatile unsigned i;

    reported = false;
    for (i = 1; i <= count; i++) {
        now += distance;
        if (setjmp(end) == 0)
            nmi_watchdog_tick(frame);
        if (reported)
            return i;
    }
    return 0;
}

/* Two seconds, from the first NMI that finds it so, and no later than the next. */
static void test_hang(void **state)
{
    (void)state;
    begin();
    assert_int_not_equal(ticks(&stuck, TICKS, TICK_NS), 0);
    assert_in_range(now - TICK_NS, HANG_NS, HANG_NS + TICK_NS);
}

/* Who idles, and who is in the guest, takes interrupts, for as long as it likes. */
static void test_no_hang(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ticks(&idle, TICKS, TICK_NS), 0);
    assert_int_equal(ticks(&guest, TICKS, TICK_NS), 0);
    assert_int_equal(ticks(&guest_without, TICKS, TICK_NS), 0);
}

/* Any of these in between, and the time begins anew. */
static void test_gets_on(void **state)
{
    const struct cpu_frame *const others[] = {&idle, &guest};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin();
        assert_int_equal(ticks(&stuck, 36, TICK_NS), 0);
        assert_int_equal(ticks(others[i], 1, TICK_NS), 0);
        assert_int_equal(ticks(&stuck, 36, TICK_NS), 0);
    }
    begin();
    assert_int_equal(ticks(&stuck, 36, TICK_NS), 0);
    nmi_watchdog_pet();
    assert_int_equal(ticks(&stuck, 36, TICK_NS), 0);
}

/* A machine that was held up itself has had few NMIs in a long time, or many in a short one. */
static void test_held_up(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ticks(&stuck, 36, 100 * TICK_NS), 0);
    begin();
    assert_int_equal(ticks(&stuck, TICKS, TICK_NS / 100), 0);
}

/* NMIs that processor 1 gets from the first in @count of the timer's, and looks at from @frame. */
static bool other_hangs(const struct cpu_frame *frame, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned before = sent[0];
        bool hangs;

        assert_int_equal(ticks(&guest, 1, TICK_NS), 0);
        if (sent[0] == before)
            continue;
        cpu_of_thread = &beside[0];
        hangs = ticks(frame, 1, 0);
        cpu_of_thread = NULL;
        if (hangs)
            return true;
    }
    return false;
}

/* The timer's NMIs come to the first, who passes them on to each that is watched and has not got on by itself. */
static void test_others(void **state)
{
    (void)state;
    begin();
    online = 3;
    cpu_of_thread = &beside[0];
    nmi_watchdog_start();
    cpu_of_thread = NULL;
    assert_true(other_hangs(&stuck, TICKS));
    assert_in_range(now, HANG_NS, HANG_NS + 3 * TICK_NS);
    assert_int_equal(sent[1], 0); /* is not watched */
    beside[0].nmi_ticks = 0;
    assert_false(other_hangs(&guest, TICKS));
    assert_in_range(sent[0], TICKS / 2, 2 * TICKS); /* a guest that has switched interrupts off comes back, too */
    beside[0].nmi_ticks = 0;
    sent[0] = 0;
    for (unsigned i = 0; i < TICKS; i++) {
        assert_int_equal(ticks(&guest, 1, TICK_NS), 0);
        beside[0].nmi_ticks = 0; /* gets on by itself */
    }
    assert_int_equal(sent[0], 0);
    assert_true(asked > TICKS);
    beside[0].is_watched = false;
}

/* Does one of two hang, each of which is at its frame at all ticks?  NULL: it has no NMIs. */
static bool one_hangs(const struct cpu_frame *first, const struct cpu_frame *other)
{
    for (unsigned i = 0; i < 3 * TICKS; i++) {
        bool hangs = first && ticks(first, 1, TICK_NS) != 0;

        if (!first)
            now += TICK_NS;
        cpu_of_thread = &beside[0];
        hangs = hangs || (other && ticks(other, 1, 0) != 0);
        cpu_of_thread = NULL;
        if (hangs)
            return true;
    }
    return false;
}

static void begin_two(uint32_t waits, uint32_t waits_beside)
{
    begin();
    online = 2;
    beside[0] = (struct cpu){.id = 1, .apic = 11, .waits = waits_beside};
    cpu_boot.waits = waits;
    cpu_of_thread = &beside[0];
    nmi_watchdog_start();
    cpu_of_thread = NULL;
}

/* Whoever waits hangs if nobody is left who could end it. */
static void test_waits(void **state)
{
    (void)state;
    begin_two(1, 7);
    assert_true(one_hangs(&stuck, &idle)); /* one that has halted in the middle of it, too */
    assert_in_range(now, HANG_NS, HANG_NS + 5 * TICK_NS);
    begin_two(1, 0);
    assert_true(one_hangs(&stuck, &guest));
    begin_two(1, 0);
    assert_true(one_hangs(&stuck, &idle));
    begin_two(1, 0);
    assert_true(one_hangs(&idle, &guest)); /* halted, and nobody else to say so */
    begin_two(0, 1);
    assert_true(one_hangs(&guest_without, &stuck));
    begin_two(0, 1);
    beside[0].is_watched = false; /* it idles */
    assert_false(one_hangs(&idle, NULL));
    cpu_boot.waits = 1;
    assert_true(one_hangs(&stuck, NULL));
}

/* For one that works, with its watch ended, or with its host at something else, anybody waits as long as it takes. */
static void test_waits_for_one_that_works(void **state)
{
    (void)state;
    begin_two(0, 1);
    nmi_watchdog_stop();
    assert_false(one_hangs(&stuck, &stuck));
    begin_two(1, 0);
    assert_false(one_hangs(&stuck, NULL));
    begin_two(1, 1);
    assert_false(one_hangs(&stuck, NULL));
    begin_two(1, 1);
    assert_false(one_hangs(NULL, &stuck));
    begin_two(1, 0);
    assert_true(one_hangs(&stuck, &stuck)); /* it is the other one */
    assert_true(wait_is_one(cpu_boot.waits));
}

/* Others that wait, and get on. */
static void test_waits_end(void **state)
{
    (void)state;
    begin_two(1, 1);
    for (unsigned i = 0; i < TICKS; i++) {
        assert_int_equal(ticks(&stuck, 1, TICK_NS), 0);
        beside[0].waits += i % 30 == 0 ? 2 : 0;
        cpu_of_thread = &beside[0];
        assert_int_equal(ticks(&stuck, 1, 0), 0);
        cpu_of_thread = NULL;
        beside[0].nmi_ticks = 0;
    }
    assert_true(sent[0] >= TICKS - 3); /* while somebody waits, whether it gets on or not */
}

/* NMIs that have not come, since nobody ran it, were no chance to get on. */
static void test_one_held_up(void **state)
{
    (void)state;
    begin_two(0, 0);
    assert_int_equal(ticks(&guest, TICKS, TICK_NS), 0);
    assert_true(sent[0] >= TICKS - 2);
    cpu_of_thread = &beside[0];
    assert_int_equal(ticks(&stuck, 30, TICK_NS), 0);
    cpu_of_thread = NULL;
}

/* Before and after the run it may take as long as it needs. */
static void test_unwatched(void **state)
{
    (void)state;
    begin();
    nmi_watchdog_stop();
    assert_int_equal(ticks(&stuck, TICKS, TICK_NS), 0);
    assert_int_equal(cpu_boot.nmis, TICKS);
    nmi_watchdog_start();
    assert_int_equal(ticks(&stuck, 36, TICK_NS), 0);
    assert_int_not_equal(ticks(&stuck, TICKS, TICK_NS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),     cmocka_unit_test(test_waits_for_one_that_works),
        cmocka_unit_test(test_waits_end), cmocka_unit_test(test_one_held_up),
        cmocka_unit_test(test_others),    cmocka_unit_test(test_hang),
        cmocka_unit_test(test_no_hang),   cmocka_unit_test(test_gets_on),
        cmocka_unit_test(test_held_up),   cmocka_unit_test(test_unwatched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
