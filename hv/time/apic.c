/* SPDX-License-Identifier: MIT */
/*
 * Intel SDM volume 3, chapter 11.  The timer counts down to an interrupt, or, where the processor can do that, compares
 * the TSC with a deadline.
 */
#include <stdbool.h>

#include <engine/level.h>
#include <hv/base/asm.h>
#include <hv/base/clock.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/ipi.h>
#include <hv/mem/paging.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>

#define LEAF_VERSION         1u
#define VERSION_EDX_APIC     (1u << 9)
#define VERSION_ECX_DEADLINE (1u << 24)

#define MSR_APIC_BASE     0x1bu
#define MSR_TSC_DEADLINE  0x6e0u
#define MSR_X2APIC        0x800u
#define APIC_BASE_ENABLED (UINT64_C(1) << 11)
#define APIC_BASE_X2APIC  (UINT64_C(1) << 10)
#define APIC_BASE_ADDRESS UINT64_C(0x000ffffffffff000)

enum apic_register {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_END = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_LVT_CMCI = 0x2f0,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_COUNTERS = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_INITIAL_COUNT = 0x380,
    APIC_CURRENT_COUNT = 0x390,
    APIC_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE (1u << 8)
#define LVT_MASKED      (1u << 16)
#define LVT_DEADLINE    (2u << 17)
#define DIVIDE_BY_1     0xbu

#define CALIBRATION_RUNS 3u
#define CALIBRATION_NS   UINT64_C(10000000)

static bool x2apic;
static uint64_t address; /* of the registers in memory, of all processors */
static bool deadline_mode;
static uint64_t timer_hz; /* of the count */

static uint32_t read(enum apic_register reg)
{
    if (x2apic)
        return (uint32_t)asm_read_msr(MSR_X2APIC + reg / 16);
    return *(const volatile uint32_t *)(DEVICE_BASE + reg);
}

static void write(enum apic_register reg, uint32_t value)
{
    if (x2apic)
        asm_write_msr(MSR_X2APIC + reg / 16, value);
    else
        *(volatile uint32_t *)(DEVICE_BASE + reg) = value;
}

/* Which entries of the local vector table there are: section 11.5.1, "Max LVT Entry". */
static void mask_all(void)
{
    static const struct {
        uint16_t reg;
        uint8_t least;
    } entries[] = {
        {APIC_LVT_TIMER, 0},    {APIC_LVT_LINT0, 1},   {APIC_LVT_LINT1, 2}, {APIC_LVT_ERROR, 3},
        {APIC_LVT_COUNTERS, 4}, {APIC_LVT_THERMAL, 5}, {APIC_LVT_CMCI, 6},
    };
    unsigned most = read(APIC_VERSION) >> 16 & 0xff;

    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (entries[i].least <= most)
            write(entries[i].reg, LVT_MASKED | VECTOR_SPURIOUS);
    }
}

/* Counts that pass in a time, as a frequency. */
static uint64_t measure(void)
{
    uint64_t begin, end;
    uint32_t left;

    write(APIC_INITIAL_COUNT, UINT32_MAX);
    begin = time_now();
    do {
        end = time_now();
    } while (end - begin < CALIBRATION_NS);
    left = read(APIC_CURRENT_COUNT);
    return (UINT32_MAX - left) * NS_PER_SECOND / (end - begin);
}

/* The one in the middle: what disturbs a run makes it too short or too long. */
static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;

    return c < low ? low : c > high ? high : c;
}

static void calibrate(void)
{
    uint64_t runs[CALIBRATION_RUNS];

    write(APIC_DIVIDE, DIVIDE_BY_1);
    for (unsigned i = 0; i < CALIBRATION_RUNS; i++)
        runs[i] = measure();
    write(APIC_INITIAL_COUNT, 0);
    timer_hz = middle(runs[0], runs[1], runs[2]);
    if (timer_hz == 0)
        exit_unsupported("the timer of the local APIC does not count");
}

static void enable(void)
{
    uint64_t base = asm_read_msr(MSR_APIC_BASE);

    if (!(base & APIC_BASE_ENABLED)) {
        base |= APIC_BASE_ENABLED;
        asm_write_msr(MSR_APIC_BASE, base);
    }
    x2apic = base & APIC_BASE_X2APIC;
    if (!x2apic) {
        address = base & APIC_BASE_ADDRESS;
        paging_set(DEVICE_BASE, address | MAP_DATA | ENTRY_PCD | ENTRY_PWT);
        asm_flush_page(DEVICE_BASE);
    }
    ipi_init(x2apic);
}

/* Whatever mode this one is in, it is in that of the first afterwards: section 11.12.5 has the ways between them. */
static void follow(void)
{
    uint64_t base = asm_read_msr(MSR_APIC_BASE);

    if (x2apic) {
        if (base & APIC_BASE_X2APIC)
            return;
        base |= APIC_BASE_ENABLED;
        asm_write_msr(MSR_APIC_BASE, base);
        asm_write_msr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
        return;
    }
    if (base & APIC_BASE_X2APIC) {
        base &= ~(APIC_BASE_X2APIC | APIC_BASE_ENABLED);
        asm_write_msr(MSR_APIC_BASE, base);
    }
    asm_write_msr(MSR_APIC_BASE, (base & ~APIC_BASE_ADDRESS) | address | APIC_BASE_ENABLED);
}

static void silence(void)
{
    mask_all();
    write(APIC_TASK_PRIORITY, 0);
    write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    cpu_here()->apic = apic_id();
}

static void start_timer(void)
{
    write(APIC_DIVIDE, DIVIDE_BY_1);
    write(APIC_LVT_TIMER, VECTOR_TIMER | (deadline_mode ? LVT_DEADLINE : 0));
    /* The deadline's register may overtake the write to memory before it: section 11.5.4.1. */
    __asm__ volatile("mfence" : : : "memory");
}

void apic_init(void)
{
    struct cpuid version = asm_cpuid(LEAF_VERSION, 0);

    if (!(version.edx & VERSION_EDX_APIC))
        exit_unsupported("the processor has no local APIC, whose timer is needed");
    enable();
    silence();
    deadline_mode = version.ecx & VERSION_ECX_DEADLINE;
    if (!deadline_mode)
        calibrate();
    start_timer();
}

void apic_init_other(void)
{
    follow();
    silence();
    start_timer();
}

static void set_deadline(uint64_t ns)
{
    uint64_t now = asm_read_tsc(), ticks = time_to_ticks(ns);

    if (ns == UINT64_MAX)
        asm_write_msr(MSR_TSC_DEADLINE, 0);
    else
        asm_write_msr(MSR_TSC_DEADLINE, ticks < UINT64_MAX - now ? now + ticks : UINT64_MAX);
}

/* A time that the count does not reach ends early, and timer_run() sets the rest. */
static void set_count(uint64_t ns)
{
    uint64_t count = clock_ns_to_ticks(timer_hz, ns);

    if (ns == UINT64_MAX)
        write(APIC_INITIAL_COUNT, 0);
    else
        write(APIC_INITIAL_COUNT, count >= UINT32_MAX ? UINT32_MAX : (uint32_t)count + 1);
}

void apic_set_timer(uint64_t ns)
{
    if (deadline_mode)
        set_deadline(ns);
    else
        set_count(ns);
}

void apic_end(void)
{
    write(APIC_END, 0);
}

uint32_t apic_id(void)
{
    return x2apic ? read(APIC_ID) : read(APIC_ID) >> 24;
}
