/* SPDX-License-Identifier: MIT */
/* The real-time clock against the C library, and what is no time at all. */
/* links: hv/time/rtc_decode.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <hv/time/rtc.h>

static int bcd(int value)
{
    return value / 10 * 16 + value % 10;
}

static struct rtc_time make_rtc(time_t when, uint8_t format)
{
    int (*const digits)(int) = format & RTC_FORMAT_BINARY ? NULL : bcd;
    struct tm tm;
    int hour;

    assert_non_null(gmtime_r(&when, &tm));
    hour = format & RTC_FORMAT_24H ? tm.tm_hour : (tm.tm_hour + 11) % 12 + 1;
#define FIELD(value) (uint8_t)(digits ? digits(value) : (value))
    return (struct rtc_time){
        .second = FIELD(tm.tm_sec),
        .minute = FIELD(tm.tm_min),
        .hour = (uint8_t)(FIELD(hour) | (!(format & RTC_FORMAT_24H) && tm.tm_hour >= 12 ? 0x80 : 0)),
        .day = FIELD(tm.tm_mday),
        .month = FIELD(tm.tm_mon + 1),
        .year = FIELD(tm.tm_year % 100),
        .century = FIELD(tm.tm_year / 100 + 19),
        .format = format,
    };
#undef FIELD
}

static void test_rtc_times(void **state)
{
    (void)state;
    srandom(4);
    for (unsigned i = 0; i < 200000; i++) {
        time_t when = (time_t)(((uint64_t)random() << 3 | (uint64_t)random() % 8) % UINT64_C(13569465600)); /* < 2400 */
        uint8_t format = (uint8_t)(random() & (RTC_FORMAT_24H | RTC_FORMAT_BINARY));
        struct rtc_time rtc = make_rtc(when, format);
        uint64_t seconds;

        assert_true(rtc_decode(&rtc, &seconds));
        assert_true(seconds == (uint64_t)when);
    }
}

static void test_rtc_century(void **state)
{
    struct rtc_time rtc = make_rtc(1600000000, RTC_FORMAT_24H);
    uint64_t seconds;

    (void)state;
    rtc.century = 0xff;
    assert_true(rtc_decode(&rtc, &seconds));
    assert_true(seconds == 1600000000);
    rtc = make_rtc(900000000, RTC_FORMAT_24H | RTC_FORMAT_BINARY);
    rtc.century = 0;
    assert_true(rtc_decode(&rtc, &seconds));
    assert_true(seconds == 900000000);
}

static void test_rtc_refused(void **state)
{
    static const struct {
        size_t field;
        uint8_t value;
    } wrong[] = {
        {offsetof(struct rtc_time, second), 61},  {offsetof(struct rtc_time, minute), 60},
        {offsetof(struct rtc_time, hour), 24},    {offsetof(struct rtc_time, day), 0},
        {offsetof(struct rtc_time, day), 32},     {offsetof(struct rtc_time, month), 0},
        {offsetof(struct rtc_time, month), 13},   {offsetof(struct rtc_time, year), 100},
        {offsetof(struct rtc_time, second), 255},
    };
    struct rtc_time rtc;
    uint64_t seconds;

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        rtc = make_rtc(1600000000, RTC_FORMAT_24H | RTC_FORMAT_BINARY);
        assert_true(rtc_decode(&rtc, &seconds));
        ((uint8_t *)&rtc)[wrong[i].field] = wrong[i].value;
        assert_false(rtc_decode(&rtc, &seconds));
    }
    rtc = make_rtc(1600000000, 0);
    rtc.minute = 0x5a; /* not a decimal digit */
    assert_false(rtc_decode(&rtc, &seconds));
    rtc = make_rtc(1600000000, 0);
    rtc.hour = 0x13; /* of twelve */
    assert_false(rtc_decode(&rtc, &seconds));
    memset(&rtc, 0xff, sizeof(rtc)); /* no clock */
    assert_false(rtc_decode(&rtc, &seconds));
    rtc = make_rtc(1613000000, RTC_FORMAT_24H | RTC_FORMAT_BINARY); /* February 2021 */
    rtc.day = 29;
    assert_false(rtc_decode(&rtc, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtc_times),
        cmocka_unit_test(test_rtc_century),
        cmocka_unit_test(test_rtc_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
