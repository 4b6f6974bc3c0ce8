/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC counts.  By channel 0 of the interval timer (8254 PIT), whose frequency is that of all PCs and whose
 * interrupt is masked; its read-back command shows the end of a count on machines that have no port 0x61, too.  Without
 * one: CPUID, of the processor or of a hypervisor below; and at last a second of the real-time clock.
 */
#include <stdbool.h>

#include <hv/asm.h>
#include <hv/rtc.h>
#include <hv/time.h>

#define PIT_HZ        UINT64_C(1193182)
#define PIT_COUNT     11932u /* 10 ms */
#define PIT_CHANNEL0  0x40
#define PIT_COMMAND   0x43
#define PIT_ONE_SHOT  0x30 /* channel 0, both bytes, mode 0: the output rises at the end of the count */
#define PIT_READ_BACK 0xe2 /* the status of channel 0 */

#define STATUS_OUTPUT  (1u << 7)
#define RUNS           5u
#define RUN_TICKS_MOST (UINT64_C(1) << 32) /* more than any processor counts in 10 ms, and not for ever */

#define LEAF_CRYSTAL        0x15u
#define LEAF_FREQUENCY      0x16u
#define LEAF_HYPERVISOR     0x40000000u
#define LEAF_HYPERVISOR_KHZ 0x40000010u
#define VERSION_ECX_GUEST   (1u << 31)

/* The ticks of a run lie between @ticks - @doubt and @ticks + @doubt: something may have held us up. */
struct run {
    uint64_t ticks, doubt;
};

/* Where there is no PIT, it is too. */
static bool output_is_high(void)
{
    asm_out8(PIT_COMMAND, PIT_READ_BACK);
    return asm_in8(PIT_CHANNEL0) & STATUS_OUTPUT;
}

/* False: the output does not behave like that of a counter. */
static bool measure(struct run *run)
{
    uint64_t begin, begun, low, high;

    asm_out8(PIT_COMMAND, PIT_ONE_SHOT);
    asm_out8(PIT_CHANNEL0, PIT_COUNT & 0xff);
    begin = asm_read_tsc();
    asm_out8(PIT_CHANNEL0, PIT_COUNT >> 8); /* now it counts */
    begun = asm_read_tsc();
    if (output_is_high())
        return false;
    high = begun;
    do {
        low = high;
        high = asm_read_tsc();
        if (high - begun > RUN_TICKS_MOST)
            return false;
    } while (!output_is_high());
    high = asm_read_tsc();
    run->ticks = low + (high - low) / 2 - (begin + (begun - begin) / 2);
    run->doubt = (high - low) / 2 + (begun - begin) / 2;
    return true;
}

/* Of several runs the one that is least in doubt. */
static uint64_t measure_by_pit(void)
{
    struct run best = {0, UINT64_MAX};

    for (unsigned i = 0; i < RUNS; i++) {
        struct run run;

        if (measure(&run) && run.doubt < best.doubt)
            best = run;
    }
    return best.ticks * PIT_HZ / PIT_COUNT;
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
