/* SPDX-License-Identifier: MIT */
/* What the registers of a real-time clock mean. */
#include <hv/time/rtc.h>

#define HOUR_PM         0x80u
#define SECONDS_PER_DAY UINT64_C(86400)

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 0xf));
}

/* Each digit one, and within its bounds. */
static bool is_bcd(uint8_t value)
{
    return (value & 0xf) <= 9 && value >> 4 <= 9;
}

static bool fields_to_binary(struct rtc_time *time)
{
    uint8_t *fields[] = {&time->second, &time->minute, &time->hour, &time->day, &time->month, &time->year};

    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!is_bcd(*fields[i]))
            return false;
        *fields[i] = from_bcd(*fields[i]);
    }
    return true;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* A century that makes no sense is the one that was there when this was written, or the one before. */
static unsigned full_year(const struct rtc_time *time)
{
    unsigned century = from_bcd(time->century);

    if (time->format & RTC_FORMAT_BINARY && time->century >= 19 && time->century <= 24)
        century = time->century;
    if (century < 19 || century > 24)
        century = time->year >= 70 ? 19 : 20;
    return century * 100 + time->year;
}

static bool hour_to_24(struct rtc_time *time, bool pm)
{
    if (time->format & RTC_FORMAT_24H)
        return time->hour < 24;
    if (time->hour < 1 || time->hour > 12)
        return false;
    time->hour = (uint8_t)(time->hour % 12 + (pm ? 12 : 0));
    return true;
}

static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    uint64_t days = day - 1;

    for (unsigned i = 1970; i < year; i++)
        days += is_leap(i) ? 366 : 365;
    for (unsigned i = 1; i < month; i++)
        days += days_of_month(year, i);
    return days;
}

bool rtc_decode(const struct rtc_time *time, uint64_t *seconds)
{
    struct rtc_time copy = *time;
    bool pm = false;
    unsigned year;

    if (!(copy.format & RTC_FORMAT_24H)) {
        pm = copy.hour & HOUR_PM;
        copy.hour &= (uint8_t)~HOUR_PM;
    }
    if (!(copy.format & RTC_FORMAT_BINARY) && !fields_to_binary(&copy))
        return false;
    if (copy.year > 99 || copy.month < 1 || copy.month > 12 || !hour_to_24(&copy, pm))
        return false;
    year = full_year(&copy);
    if (year < 1970 || copy.day < 1 || copy.day > days_of_month(year, copy.month) || copy.minute > 59 ||
        copy.second > 60)
        return false;
    *seconds = days_since_1970(year, copy.month, copy.day) * SECONDS_PER_DAY + copy.hour * 3600u + copy.minute * 60u +
               copy.second;
    return true;
}
