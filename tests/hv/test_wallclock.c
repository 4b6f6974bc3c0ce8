/* SPDX-License-Identifier: MIT */
/* The time of day as guests of both widths find it. */
/* links: hv/domain/wallclock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/base/clock.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/domain/wallclock.h>
#include <hv/time/rtc.h>
#include <hv/time/time.h>

#define FAKE_DATE UINT64_C(1600000000)
#define NOW       700u /* ns */

static struct hv_domain domain;
static _Alignas(4096) uint8_t shared[4096];
static bool has_rtc = true;

uint64_t time_now(void)
{
    return NOW;
}

bool rtc_read(uint64_t *seconds)
{
    *seconds = FAKE_DATE;
    return has_rtc;
}

void print(const char *format, ...)
{
    (void)format;
}

static uint64_t wall_seconds(uint64_t *nanoseconds)
{
    const struct shared_info *info = (const struct shared_info *)shared;

    assert_true(info->wc_version % 2 == 0 && info->wc_version > 0);
    *nanoseconds = info->wc_nsec;
    return (uint64_t)info->wc_sec_hi << 32 | info->wc_sec;
}

/* Shows time.wallclock. */
static void test_wallclock(void **state)
{
    const struct compat_shared_info *compat = (const struct compat_shared_info *)shared;
    uint64_t nanoseconds;

    (void)state;
    domain = (struct hv_domain){.shared_info = shared};
    wallclock_init();
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == FAKE_DATE - 1); /* what passed before the clock was read */
    assert_true(nanoseconds == NS_PER_SECOND - NOW);
    assert_int_equal(wallclock_set(1, NS_PER_SECOND, 0), -XEN_EINVAL);
    assert_int_equal(wallclock_set(UINT64_C(0x123456789), 5, 7 * NS_PER_SECOND + 6), 0);
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == UINT64_C(0x123456789) - 8);
    assert_true(nanoseconds == NS_PER_SECOND - 1);
    assert_int_equal(wallclock_set(100, 999999999, 2 * NS_PER_SECOND), 0);
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == 98 && nanoseconds == 999999999);

    memset(shared, 0, sizeof(shared));
    domain.engine.width = WIDTH_PAE;
    assert_int_equal(wallclock_set(UINT64_C(0x200000003), 4, 0), 0);
    wallclock_update(&domain);
    assert_int_equal(compat->wc_sec, 3);
    assert_int_equal(compat->arch.wc_sec_hi, 2);
    assert_int_equal(compat->wc_nsec, 4);
    assert_true(compat->wc_version > 0 && compat->wc_version % 2 == 0);
}

/* A machine without a clock. */
static void test_no_clock(void **state)
{
    uint64_t nanoseconds;

    (void)state;
    domain = (struct hv_domain){.shared_info = shared};
    assert_int_equal(wallclock_set(5, 0, 0), 0);
    has_rtc = false;
    wallclock_init();
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == 5 && nanoseconds == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wallclock),
        cmocka_unit_test(test_no_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
