/* SPDX-License-Identifier: MIT */
/*
 * The clock's arithmetic against 128-bit arithmetic; the real-time clock against the C library; what guests see of
 * time, computed like a guest does it; the vCPUs' timers and the calls that set them.
 */
/* links: hv/base/clock.c hv/domain/wallclock.c hv/time/rtc_decode.c hv/call/call_time.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <engine/access.h>
#include <hv/base/asm.h>
#include <hv/base/clock.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/call/calls.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/vcpu_time.h>
#include <hv/domain/wallclock.h>
#include <hv/time/apic.h>
#include <hv/time/rtc.h>
#include <hv/time/time.h>

/*
 * The processor's clock is the test's own, or the results would depend on who else is at work: it stands still but for
 * a few ticks a reading, and goes on when the test says so.  Hence the two files that read it are part of this one.
 */
static uint64_t fake_tsc = 12345678;

static uint64_t read_fake_tsc(void)
{
    fake_tsc += 7;
    return fake_tsc;
}

#define asm_read_tsc read_fake_tsc
#include <hv/domain/vcpu_time.c>
#include <hv/time/time.c>
#include <hv/time/timer.c>

__extension__ typedef unsigned __int128 uint128_t;

#define FAKE_HZ   UINT64_C(2000000000)
#define FAKE_DATE UINT64_C(1600000000)
#define AREA      UINT64_C(0x1000)

/*
 * ---- The rest of the hypervisor.
 */

struct cpu cpu_boot;
static struct hv_domain domain;
static struct hv_vcpu vcpus[2];
static struct vcpu *vcpu_table[2] = {&vcpus[0].vcpu, &vcpus[1].vcpu};
static _Alignas(4096) uint8_t shared[4096];
static struct vcpu_time_info area;
static bool area_mapped;
static unsigned virqs, wakes, ended;
static uint64_t interrupt_in;

uint64_t calibrate_tsc(void)
{
    return FAKE_HZ;
}

void apic_set_timer(uint64_t ns)
{
    interrupt_in = ns;
}

void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    assert_int_equal(virq, VIRQ_TIMER);
    virqs++;
}

void sched_wake(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    wakes++;
}

void shutdown_by_watchdog(struct hv_domain *which)
{
    assert_ptr_equal(which, &domain);
    ended = 100 + SHUTDOWN_watchdog;
}

bool access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu;
    if (!area_mapped)
        return false;
    assert_true(to.v >= AREA && to.v + size <= AREA + sizeof(area));
    memcpy((uint8_t *)&area + (to.v - AREA), from, size);
    return true;
}

void print(const char *format, ...)
{
    (void)format;
}

void exit_unsupported(const char *format, ...)
{
    fail_msg("%s", format);
    abort();
}

bool rtc_read(uint64_t *seconds)
{
    *seconds = FAKE_DATE;
    return true;
}

static int set_up(void **state)
{
    (void)state;
    memset(shared, 0, sizeof(shared));
    memset(vcpus, 0, sizeof(vcpus));
    memset(&area, 0xee, sizeof(area));
    domain = (struct hv_domain){.shared_info = shared};
    domain.domain.vcpus = vcpu_table;
    domain.domain.nr_vcpus = 2;
    for (unsigned i = 0; i < 2; i++) {
        vcpus[i].vcpu.domain = &domain.domain;
        vcpus[i].vcpu.id = i;
        vcpus[i].info = (struct vcpu_info *)shared + i;
        vcpu_time_create(&vcpus[i]);
    }
    virqs = wakes = ended = 0;
    area_mapped = true;
    cpu_boot.current = &vcpus[0];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vcpu_time_stop(&vcpus[0]);
    vcpu_time_stop(&vcpus[1]);
    return 0;
}

static void wait_until(uint64_t when)
{
    uint64_t now = time_now();

    if (when >= now)
        fake_tsc += time_to_ticks(when - now + 1);
    assert_true(time_now() > when);
    timer_run();
}

/*
 * ---- Arithmetic.
 */

static void check_scale(uint64_t hz)
{
    struct clock_scale made = clock_scale_of(hz);
    static const uint64_t seconds[] = {0, 1, 2, 3600, 86400, 315360000};

    assert_true(made.mul >> 31 == 1);
    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        uint64_t ticks = hz * seconds[i], ns = clock_ticks_to_ns(made, ticks), exact = seconds[i] * NS_PER_SECOND;

        assert_true(ns <= exact);
        assert_true(exact - ns <= (exact >> 30) + 2);
    }
}

static void test_scales(void **state)
{
    (void)state;
    srandom(1);
    check_scale(CLOCK_HZ_LEAST);
    check_scale(CLOCK_HZ_MOST);
    for (unsigned shift = 0; shift < 4; shift++) {
        for (uint64_t delta = 0; delta < 3; delta++) {
            check_scale((NS_PER_SECOND << shift) + delta - 1);
            check_scale((NS_PER_SECOND >> shift) + delta - 1);
        }
    }
    for (unsigned i = 0; i < 100000; i++)
        check_scale(CLOCK_HZ_LEAST +
                    ((uint64_t)random() << 31 | (uint64_t)random()) % (CLOCK_HZ_MOST - CLOCK_HZ_LEAST));
}

/* A guest's clock, which adds to an older reading, is never ahead of the hypervisor's: no step back at a refresh. */
static void test_no_step_back(void **state)
{
    (void)state;
    srandom(2);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t hz = CLOCK_HZ_LEAST + (uint64_t)random() * 4;
        struct clock_scale made = clock_scale_of(hz);
        uint64_t a = (uint64_t)random() << 20, b = (uint64_t)random();
        uint64_t sum = clock_ticks_to_ns(made, a + b);
        uint64_t parts = clock_ticks_to_ns(made, a) + clock_ticks_to_ns(made, b);

        assert_true(parts <= sum);
        assert_true(sum - parts <= 2 + (made.shift < 0 ? 1u << -made.shift : 0));
    }
}

static void check_ticks(uint64_t hz, uint64_t ns)
{
    uint128_t exact = (uint128_t)ns * hz / NS_PER_SECOND;

    assert_true(clock_ns_to_ticks(hz, ns) == (exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact));
}

static void test_ticks(void **state)
{
    (void)state;
    srandom(3);
    check_ticks(CLOCK_HZ_MOST, UINT64_MAX);
    check_ticks(CLOCK_HZ_LEAST, UINT64_MAX);
    check_ticks(FAKE_HZ, 0);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t ns = ((uint64_t)random() << 33 ^ (uint64_t)random() << 11) >> random() % 64;

        check_ticks(CLOCK_HZ_LEAST + ((uint64_t)random() << 3) % (CLOCK_HZ_MOST - CLOCK_HZ_LEAST), ns);
    }
}

/*
 * ---- The real-time clock.
 */

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

/*
 * ---- What guests see.
 */

static uint64_t guest_time(const struct vcpu_time_info *info, uint64_t tsc)
{
    uint64_t delta = tsc - info->tsc_timestamp;

    delta = info->tsc_shift < 0 ? delta >> -info->tsc_shift : delta << info->tsc_shift;
    return info->system_time + (uint64_t)((uint128_t)delta * info->tsc_to_system_mul >> 32);
}

static void check_guest_time(const struct vcpu_time_info *info)
{
    uint64_t before = time_now(), seen = guest_time(info, read_fake_tsc()), after = time_now();

    assert_true(info->version % 2 == 0 && info->version > 0);
    assert_true(seen + 2 >= before && seen <= after);
}

static void test_info(void **state)
{
    const struct vcpu_time_info *info = &vcpus[0].info->time;
    uint32_t version = info->version;

    (void)state;
    check_guest_time(info);
    vcpu_time_update(&vcpus[0]);
    assert_true(info->version != version);
    check_guest_time(info);
    vcpus[0].info->time.version = 12345; /* the guest's own fault, and nobody else's */
    vcpu_time_update(&vcpus[0]);
    check_guest_time(info);
    assert_int_equal(vcpus[0].info->evtchn_upcall_pending, 0);
    assert_true(vcpus[0].info->arch.cr2 == 0);
}

/* Once a second, whatever the guest does. */
static void test_refresh(void **state)
{
    const struct vcpu_time_info *info = &vcpus[1].info->time;
    uint32_t version = info->version;

    (void)state;
    timer_run();
    assert_true(interrupt_in <= NS_PER_SECOND);
    assert_int_equal(info->version, version);
    wait_until(vcpus[1].time.refresh.deadline);
    assert_int_equal(info->version, version + 2);
    assert_true(vcpus[1].time.refresh.active);
}

static void test_area(void **state)
{
    (void)state;
    vcpus[0].time.area = AREA;
    vcpu_time_update(&vcpus[0]);
    check_guest_time(&area);
    assert_memory_equal(&area, &vcpus[0].info->time, sizeof(area));

    memset(&area, 0xee, sizeof(area));
    vcpus[0].vcpu.user_mode = true;
    vcpu_time_update(&vcpus[0]);
    vcpus[0].vcpu.user_mode = false;
    cpu_boot.current = &vcpus[1];
    vcpu_time_update(&vcpus[0]);
    cpu_boot.current = &vcpus[0];
    area_mapped = false;
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(area.version, 0xeeeeeeee);
}

static uint64_t wall_seconds(uint64_t *nanoseconds)
{
    const struct shared_info *info = (const struct shared_info *)shared;

    assert_true(info->wc_version % 2 == 0 && info->wc_version > 0);
    *nanoseconds = info->wc_nsec;
    return (uint64_t)info->wc_sec_hi << 32 | info->wc_sec;
}

static void test_wallclock(void **state)
{
    const struct compat_shared_info *compat = (const struct compat_shared_info *)shared;
    uint64_t nanoseconds;

    (void)state;
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == FAKE_DATE - 1); /* what passed before the clock was read */
    assert_in_range(nanoseconds, NS_PER_SECOND / 2, NS_PER_SECOND - 1);
    assert_int_equal(wallclock_set(1, NS_PER_SECOND, 0), -XEN_EINVAL);
    assert_int_equal(wallclock_set(UINT64_C(0x123456789), 5, 7 * NS_PER_SECOND + 6), 0);
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == UINT64_C(0x123456789) - 8);
    assert_true(nanoseconds == NS_PER_SECOND - 1);
    assert_int_equal(wallclock_set(100, 999999999, 2 * NS_PER_SECOND), 0);
    wallclock_update(&domain);
    assert_true(wall_seconds(&nanoseconds) == 98 && nanoseconds == 999999999);

    memset(shared, 0, sizeof(shared));
    domain.domain.width = WIDTH_PAE;
    assert_int_equal(wallclock_set(UINT64_C(0x200000003), 4, 0), 0);
    wallclock_update(&domain);
    assert_int_equal(compat->wc_sec, 3);
    assert_int_equal(compat->arch.wc_sec_hi, 2);
    assert_int_equal(compat->wc_nsec, 4);
    assert_true(compat->wc_version > 0 && compat->wc_version % 2 == 0);
}

/*
 * ---- Timers.
 */

static void test_singleshot(void **state)
{
    uint64_t begin = time_now();

    (void)state;
    vcpu_time_set_singleshot(&vcpus[0], begin);
    assert_int_equal(virqs, 1);
    vcpu_time_set_singleshot(&vcpus[0], begin + 1000000);
    assert_int_equal(virqs, 1);
    wait_until(begin + 1000000);
    assert_int_equal(virqs, 2);
    vcpu_time_set_singleshot(&vcpus[0], time_now() + 1000000);
    vcpu_time_set_singleshot(&vcpus[0], 1); /* replaces it */
    assert_int_equal(virqs, 3);
    assert_false(vcpus[0].time.singleshot.active);
    vcpu_time_set_singleshot(&vcpus[0], time_now() + NS_PER_SECOND);
    vcpu_time_stop_singleshot(&vcpus[0]);
    assert_false(vcpus[0].time.singleshot.active);
}

static void test_periodic(void **state)
{
    uint64_t begin;

    (void)state;
    vcpu_time_set_periodic(&vcpus[0], 1000000);
    begin = vcpus[0].time.periodic.deadline;
    wait_until(begin);
    assert_int_equal(virqs, 1);
    wait_until(begin + 5500000); /* late: once for all that was missed, and in step afterwards */
    assert_int_equal(virqs, 2);
    assert_true(vcpus[0].time.periodic.active);
    assert_true(vcpus[0].time.periodic.deadline == begin + 6000000);
    vcpu_time_set_periodic(&vcpus[0], 0);
    assert_false(vcpus[0].time.periodic.active);
}

static void test_poll_and_watchdogs(void **state)
{
    uint64_t begin = time_now();

    (void)state;
    vcpu_time_set_poll(&vcpus[0], begin + 1000);
    wait_until(begin + 1000);
    assert_int_equal(wakes, 1);
    vcpu_time_set_watchdog(&domain, 0, 3);
    vcpu_time_set_watchdog(&domain, 1, 1);
    assert_true(vcpu_time_has_watchdog(&domain, 0) && vcpu_time_has_watchdog(&domain, 1));
    vcpu_time_set_watchdog(&domain, 0, 0);
    assert_false(vcpu_time_has_watchdog(&domain, 0));
    wait_until(vcpus[0].time.watchdogs[1].deadline);
    assert_int_equal(ended, 100 + 4);
    assert_false(vcpu_time_has_watchdog(&domain, 1));
}

static int64_t set_timer(uint64_t low, uint64_t high)
{
    const uint64_t args[6] = {low, high};

    return call_set_timer_op(&vcpus[0], args);
}

/* -1: off; otherwise how far ahead the timer is. */
static int64_t timer_ahead(void)
{
    const struct timer *timer = &vcpus[0].time.singleshot;

    return timer->active ? (int64_t)(timer->deadline - time_now()) : -1;
}

static void test_set_timer_op(void **state)
{
    const int64_t second = 1000000000, mistake = 100000000;
    uint64_t far = time_now() + (UINT64_C(1) << 50);

    (void)state;
    assert_int_equal(set_timer(time_now() + 2 * NS_PER_SECOND, 0), 0);
    assert_in_range(timer_ahead(), second, 2 * second);
    assert_int_equal(set_timer(0, 0), 0);
    assert_int_equal(timer_ahead(), -1);
    assert_int_equal(set_timer(1, 0), 0);
    assert_int_equal(virqs, 1);
    assert_int_equal(set_timer(far - NS_PER_SECOND, 0), 0);
    assert_true(timer_ahead() > second);
    assert_int_equal(set_timer(far + 10 * NS_PER_SECOND, 0), 0);
    assert_in_range(timer_ahead(), mistake / 2, mistake);
    assert_int_equal(set_timer((uint64_t)INT64_MIN, 0), 0);
    assert_in_range(timer_ahead(), mistake / 2, mistake);
    assert_int_equal(set_timer(UINT64_MAX, 0), 0);
    assert_in_range(timer_ahead(), mistake / 2, mistake);

    domain.domain.width = WIDTH_PAE;
    far = time_now() + 20 * NS_PER_SECOND;
    assert_int_equal(set_timer(far & UINT32_MAX, far >> 32), 0);
    assert_in_range(timer_ahead(), 19 * second, 20 * second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_no_step_back),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_rtc_times),
        cmocka_unit_test(test_rtc_century),
        cmocka_unit_test(test_rtc_refused),
        cmocka_unit_test_setup_teardown(test_info, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_area, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wallclock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_singleshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_periodic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_poll_and_watchdogs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_timer_op, set_up, tear_down),
    };

    time_init();
    wallclock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
