/* SPDX-License-Identifier: MIT */
/* The clock counts from time_init() on, by the scale that guests get as well. */
#include <hv/base/asm.h>
#include <hv/base/emulated.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/time/time.h>

#define LEAF_EXTENDED      0x80000000u
#define LEAF_POWER         0x80000007u
#define POWER_EDX_CONSTANT (1u << 8) /* the TSC runs at one rate, always */

static uint64_t tsc_hz;
static uint64_t tsc_start;
static struct clock_scale scale;
static bool tsc_constant;

static bool says_constant(void)
{
    return asm_cpuid(LEAF_EXTENDED, 0).eax >= LEAF_POWER && asm_cpuid(LEAF_POWER, 0).edx & POWER_EDX_CONSTANT;
}

/*
 * QEMU's emulation never says so, but what its processors read is one counter for all of them, that never steps back:
 * the host's clock or, with -icount, the instructions that have been carried out.  Below other hypervisors the TSCs are
 * those of real processors, and of another machine's tomorrow: there what CPUID says counts alone.
 */
static bool is_constant(void)
{
    return says_constant() || processor_is_emulated();
}

void time_init(void)
{
    tsc_hz = calibrate_tsc();
    if (tsc_hz < CLOCK_HZ_LEAST || tsc_hz > CLOCK_HZ_MOST)
        exit_unsupported("there is nothing to measure the processor's clock by: no interval timer (PIT) and no "
                         "real-time clock, and CPUID does not tell the TSC's frequency");
    scale = clock_scale_of(tsc_hz);
    tsc_constant = is_constant();
    tsc_start = asm_read_tsc();
    print("clock: TSC of %lu kHz\n", time_tsc_khz());
}

uint64_t time_now(void)
{
    return clock_ticks_to_ns(scale, asm_read_tsc() - tsc_start);
}

struct time_reading time_read(void)
{
    uint64_t tsc = asm_read_tsc();

    return (struct time_reading){tsc, clock_ticks_to_ns(scale, tsc - tsc_start), scale};
}

uint64_t time_to_ticks(uint64_t ns)
{
    return clock_ns_to_ticks(tsc_hz, ns);
}

uint64_t time_ticks_in(uint64_t ns)
{
    uint64_t ticks = time_to_ticks(ns), now = asm_read_tsc();

    return ticks < UINT64_MAX - now ? now + ticks : UINT64_MAX;
}

uint64_t time_tsc_khz(void)
{
    return tsc_hz / 1000;
}

bool time_is_constant(void)
{
    return tsc_constant;
}
