/* SPDX-License-Identifier: MIT */
/* The real-time clock with the battery, MC146818 and its descendants. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Its registers, as they are read. */
struct rtc_time {
    uint8_t second, minute, hour, day, month, year, century;
    uint8_t format; /* status register B */
};

#define RTC_FORMAT_24H    (1u << 1)
#define RTC_FORMAT_BINARY (1u << 2)

/* Seconds since 1970 UTC of what the registers say, taken for UTC.  False: they say nothing that can be a time. */
bool rtc_decode(const struct rtc_time *time, uint64_t *seconds);

/* Read the clock.  False: there is none, or it has no time. */
bool rtc_read(uint64_t *seconds);
