/* SPDX-License-Identifier: MIT */
/* Reading the real-time clock, MC146818, while it goes on: a clock at ports 0x70 and 0x71 that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>

/* Ports by name, not by instruction: a clock that never is done is asked a million times. */
static void out(uint16_t port, uint8_t value);
static uint8_t in(uint16_t port);

#define asm_out8 out
#define asm_in8  in
#include <hv/time/rtc.c>

#define UPDATING 0x80u

static bool is_there;
static uint8_t registers[128];
static unsigned selected;
static unsigned reads;          /* of all registers but that of the status */
static unsigned status_reads;   /* of that */
static unsigned updating_until; /* so many of them say that an update is under way */
static void (*on_read)(void);   /* before each of the former */

static struct rtc_time decoded;
static unsigned decodes;
static bool is_time;

bool rtc_decode(const struct rtc_time *time, uint64_t *seconds)
{
    decoded = *time;
    decodes++;
    *seconds = 1234567;
    return is_time;
}

static void out(uint16_t port, uint8_t value)
{
    assert_int_equal(port, 0x70); /* nothing is ever written to the clock itself */
    selected = value & 0x7f;
}

static uint8_t in(uint16_t port)
{
    assert_int_equal(port, 0x71);
    if (!is_there)
        return 0xff;
    if (selected == 0x0a)
        return ++status_reads <= updating_until ? UPDATING | 0x26 : 0x26;
    reads++;
    if (on_read)
        on_read();
    return registers[selected];
}

/* 23:59:58 on 31 December 2029, all as decimal digits; status B says so. */
static void begin(void)
{
    static const uint8_t date[] = {[0x00] = 0x58, [0x02] = 0x59, [0x04] = 0x23, [0x06] = 0x02,
                                   [0x07] = 0x31, [0x08] = 0x12, [0x09] = 0x29, [0x0b] = 0x02};

    is_there = true;
    memset(registers, 0xee, sizeof(registers));
    memcpy(registers, date, sizeof(date));
    registers[0x32] = 0x20;
    reads = status_reads = updating_until = decodes = 0;
    on_read = NULL;
    is_time = true;
}

static void assert_old(void)
{
    const struct rtc_time old = {0x58, 0x59, 0x23, 0x31, 0x12, 0x29, 0x20, 0x02};

    assert_int_equal(decodes, 1);
    assert_memory_equal(&decoded, &old, sizeof(old));
}

/* Two seconds later. */
static void move_on(void)
{
    registers[0x00] = registers[0x02] = registers[0x04] = 0;
    registers[0x07] = registers[0x08] = 0x01;
    registers[0x09] = 0x30;
}

static void assert_new(void)
{
    const struct rtc_time new = {0, 0, 0, 0x01, 0x01, 0x30, 0x20, 0x02};

    assert_int_equal(decodes, 1);
    assert_memory_equal(&decoded, &new, sizeof(new));
}

static void test_read(void **state)
{
    uint64_t seconds = 0;

    (void)state;
    begin();
    assert_true(rtc_read(&seconds));
    assert_int_equal(seconds, 1234567);
    assert_old();
    begin();
    is_time = false;
    assert_false(rtc_read(&seconds));
}

/* While the clock says that it is being updated, its registers are not looked at. */
static void test_update(void **state)
{
    uint64_t seconds;

    (void)state;
    begin();
    updating_until = 500;
    assert_true(rtc_read(&seconds));
    assert_true(status_reads > 500);
    assert_old();
}

static unsigned moves_at;

static void move_in_time(void)
{
    if (reads == moves_at)
        move_on();
}

/* Whenever it goes on, a whole time comes out, never the hours of one day and the date of another. */
static void test_goes_on(void **state)
{
    uint64_t seconds;

    (void)state;
    for (moves_at = 1; moves_at <= 32; moves_at++) {
        begin();
        on_read = move_in_time;
        assert_true(rtc_read(&seconds));
        if (decoded.day == 0x31)
            assert_old();
        else
            assert_new();
    }
}

static void never_twice(void)
{
    registers[0x00]++;
}

/* No clock is waited for without end: one that never rests, one that never is done, and none at all. */
static void test_ends(void **state)
{
    uint64_t seconds;

    (void)state;
    begin();
    on_read = never_twice;
    assert_false(rtc_read(&seconds));
    begin();
    updating_until = UINT32_MAX;
    assert_false(rtc_read(&seconds));
    assert_int_equal(reads, 0);
    begin();
    is_there = false;
    assert_false(rtc_read(&seconds));
    assert_int_equal(decodes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
