/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC counts.  By channel 0 of the interval timer (8254 PIT), whose frequency is that of all PCs and whose
 * interrupt is masked; its read-back command tells the count on machines that have no port 0x61, too.  Without one:
 * CPUID, of the processor or of a hypervisor below; and at last a second of the real-time clock.
 */
#include <stdbool.h>

#include <hv/base/asm.h>
#include <hv/time/pit.h>
#include <hv/time/rtc.h>
#include <hv/time/time.h>

#define PIT_COUNT      10700u /* 9 ms */
#define RUNS           20u
#define SAMPLES        8u
#define RUN_TICKS_MOST (UINT64_C(1) << 32) /* more than any processor counts in 9 ms, and not for ever */

#define LEAF_CRYSTAL        0x15u
#define LEAF_FREQUENCY      0x16u
#define LEAF_HYPERVISOR     0x40000000u
#define LEAF_HYPERVISOR_KHZ 0x40000010u
#define VERSION_ECX_GUEST   (1u << 31)

/* The TSC when the count was @count, give or take @doubt. */
struct sample {
    uint64_t tsc, doubt;
    unsigned count;
};

/* False: the count has ended or has not begun.  Where there is no PIT, it has always ended. */
static bool take_sample(struct sample *sample)
{
    uint64_t before = asm_read_tsc(), after;
    uint8_t status, low, high;

    asm_out8(PIT_COMMAND, PIT_READ_BACK);
    after = asm_read_tsc();
    status = asm_in8(PIT_CHANNEL0);
    low = asm_in8(PIT_CHANNEL0);
    high = asm_in8(PIT_CHANNEL0);
    *sample = (struct sample){before + (after - before) / 2, (after - before) / 2, (unsigned)high << 8 | low};
    return !(status & (PIT_STATUS_OUTPUT | PIT_STATUS_LOADING));
}

static void start_count(void)
{
    asm_out8(PIT_COMMAND, PIT_ONE_SHOT);
    asm_out8(PIT_CHANNEL0, 0xff);
    asm_out8(PIT_CHANNEL0, 0xff);
}

/* Of several samples the one that is least in doubt: whatever holds us up now and then, spoils the others. */
static bool take_best(struct sample *best)
{
    best->doubt = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLES; i++) {
        struct sample sample;

        if (!take_sample(&sample))
            return false;
        if (sample.doubt < best->doubt)
            *best = sample;
    }
    return true;
}

/*
 * From a sample to one that is PIT_COUNT later or more.  What holds us up between the two does no harm, unless the
 * count ends meanwhile.  0: it did, or does not behave like a count.
 */
static uint64_t measure(void)
{
    struct sample first, last;
    uint64_t begin = asm_read_tsc();

    start_count();
    while (!take_sample(&first)) {
        if (asm_read_tsc() - begin > RUN_TICKS_MOST / 1000)
            return 0;
    }
    if (!take_best(&first))
        return 0;
    do {
        if (!take_sample(&last) || last.count > first.count || last.tsc - begin > RUN_TICKS_MOST)
            return 0;
    } while (first.count - last.count < PIT_COUNT);
    if (!take_best(&last) || last.count > first.count)
        return 0;
    return (last.tsc - first.tsc) * PIT_HZ / (first.count - last.count);
}

/* A run that comes to nothing has been held up for long, and the next may do. */
static uint64_t measure_by_pit(void)
{
    uint64_t hz = 0;

    for (unsigned i = 0; i < RUNS && hz == 0; i++)
        hz = measure();
    return hz;
}

/* Intel SDM volume 2, CPUID leaves 15H and 16H. */
static uint64_t ask_processor(void)
{
    uint32_t most = asm_cpuid(0, 0).eax;
    struct cpuid leaf;

    if (most >= LEAF_CRYSTAL) {
        leaf = asm_cpuid(LEAF_CRYSTAL, 0);
        if (leaf.eax && leaf.ebx && leaf.ecx)
            return (uint64_t)leaf.ecx * leaf.ebx / leaf.eax;
    }
    return most >= LEAF_FREQUENCY ? (asm_cpuid(LEAF_FREQUENCY, 0).eax & 0xffff) * UINT64_C(1000000) : 0;
}

/* A leaf that several hypervisors agree on: the TSC's frequency in kHz. */
static uint64_t ask_hypervisor(void)
{
    if (!(asm_cpuid(1, 0).ecx & VERSION_ECX_GUEST) || asm_cpuid(LEAF_HYPERVISOR, 0).eax < LEAF_HYPERVISOR_KHZ)
        return 0;
    return asm_cpuid(LEAF_HYPERVISOR_KHZ, 0).eax * UINT64_C(1000);
}

/* The TSC when a second begins; 0: the clock stands still, or there is none. */
static uint64_t await_second(void)
{
    uint64_t begin = asm_read_tsc(), seconds, now;

    if (!rtc_read(&seconds))
        return 0;
    do {
        if (!rtc_read(&now) || asm_read_tsc() - begin > 4 * RUN_TICKS_MOST)
            return 0;
    } while (now == seconds);
    return asm_read_tsc();
}

static uint64_t measure_by_rtc(void)
{
    uint64_t begin = await_second(), end = begin ? await_second() : 0;

    return end ? end - begin : 0;
}

uint64_t calibrate_tsc(void)
{
    uint64_t (*const sources[])(void) = {measure_by_pit, ask_processor, ask_hypervisor, measure_by_rtc};
    uint64_t hz = 0;

    for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]) && hz == 0; i++)
        hz = sources[i]();
    return hz;
}
