/* SPDX-License-Identifier: MIT */
/* Reading the registers until two readings agree. */
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/time/rtc.h>

#define INDEX_PORT 0x70
#define DATA_PORT  0x71

enum rtc_register {
    RTC_SECOND = 0x00,
    RTC_MINUTE = 0x02,
    RTC_HOUR = 0x04,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_STATUS_A = 0x0a,
    RTC_STATUS_B = 0x0b,
    RTC_CENTURY = 0x32, /* where firmware of PCs keeps it */
};

#define STATUS_A_UPDATING (1u << 7)

#define READS_MOST 1000000u /* of the status; an update takes 2 ms */
#define TRIES_MOST 100u

static uint8_t read_register(enum rtc_register reg)
{
    asm_out8(INDEX_PORT, (uint8_t)reg);
    return asm_in8(DATA_PORT);
}

static bool wait_for_update(void)
{
    for (unsigned i = 0; i < READS_MOST; i++) {
        if (!(read_register(RTC_STATUS_A) & STATUS_A_UPDATING))
            return true;
    }
    return false;
}

static struct rtc_time read_registers(void)
{
    return (struct rtc_time){
        .second = read_register(RTC_SECOND),
        .minute = read_register(RTC_MINUTE),
        .hour = read_register(RTC_HOUR),
        .day = read_register(RTC_DAY),
        .month = read_register(RTC_MONTH),
        .year = read_register(RTC_YEAR),
        .century = read_register(RTC_CENTURY),
        .format = read_register(RTC_STATUS_B),
    };
}

/* An update may begin at any moment: what counts is what has been read twice. */
bool rtc_read(uint64_t *seconds)
{
    struct rtc_time seen, again;

    for (unsigned i = 0; i < TRIES_MOST; i++) {
        if (!wait_for_update())
            return false;
        seen = read_registers();
        again = read_registers();
        if (memcmp(&seen, &again, sizeof(seen)) == 0)
            return rtc_decode(&seen, seconds);
    }
    return false;
}
