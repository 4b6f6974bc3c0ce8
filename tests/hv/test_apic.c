/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, by its registers in memory and as x2APIC: a device that counts, its registers where Intel SDM volume
 * 3, chapter 11 has them.
 */
/* links: hv/base/clock.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <tests/hv/lib/fake_cpu.h>

struct cpu cpu_boot;

static uint32_t version_ecx, version_edx;
static bool sends_by_msr;
static uint64_t tsc;

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    assert_int_equal(leaf, 1);
    assert_int_equal(subleaf, 0);
    return (struct cpuid){.ecx = version_ecx, .edx = version_edx};
}

static uint64_t read_fake_tsc(void)
{
    return tsc;
}

/* A process cannot keep a device at the hypervisor's address. */
#undef DEVICE_BASE
#define DEVICE_BASE  UINT64_C(0x300000000000)
#define asm_cpuid    fake_cpuid
#define asm_read_tsc read_fake_tsc
#include <hv/time/apic.c>

#define APIC_ADDRESS UINT64_C(0xfee00000)
#define TIMER_HZ     UINT64_C(62500000)
#define LVT_LAST     6u /* of the largest APIC that there is */

static uint64_t now;                  /* ns */
static uint64_t counts_from;          /* when the count was set */
static uint64_t speed = TIMER_HZ;     /* of it */
static unsigned hesitates;            /* so many runs are disturbed */
static uint64_t mapped_to, mapped_at; /* by paging_set() */
static uint32_t registers[64];        /* as they were written last, by number */
static unsigned writes[64];           /* how often */
static unsigned lvt_last = LVT_LAST;  /* what the version says */
static jmp_buf ended;

uint64_t time_now(void)
{
    now += 100;
    return now;
}

uint64_t time_to_ticks(uint64_t ns) /* of 4 GHz */
{
    return ns > UINT64_MAX / 4 ? UINT64_MAX : ns * 4;
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    mapped_at = vaddr;
    mapped_to = entry;
}

_Noreturn void exit_unsupported(const char *format, ...)
{
    (void)format;
    longjmp(ended, 1);
}

void ipi_init(bool by_msr)
{
    sends_by_msr = by_msr;
}

/*
 * ---- The device.
 */

/* The count goes down from what it was set to, at its full speed; a run that is disturbed sees less of it. */
static uint32_t current_count(void)
{
    uint64_t gone = (now - counts_from) * speed / 1000000000u;

    assert_int_equal(registers[0x3e], 0xb); /* by one */
    if (hesitates > 0) {
        hesitates--;
        gone /= 3;
    }
    return gone < registers[0x38] ? registers[0x38] - (uint32_t)gone : 0;
}

static uint32_t device_read(uint64_t offset)
{
    assert_int_equal(offset % 16, 0);
    switch (offset) {
    case 0x20:
        return 5u << 24;
    case 0x30:
        return 0x14 | lvt_last << 16;
    case 0x390:
        return current_count();
    default:
        fail_msg("register %lx read", (unsigned long)offset);
        return 0;
    }
}

static void device_write(uint64_t offset, uint32_t value)
{
    assert_int_equal(offset % 16, 0);
    assert_in_range(offset, 0x80, 0x3e0);
    registers[offset / 16] = value;
    writes[offset / 16]++;
    if (offset == 0x380)
        counts_from = now;
}

static void begin(bool deadline)
{
    fake_cpu_reset();
    fake_cpu.device = DEVICE_BASE;
    fake_cpu.on_device_read = device_read;
    fake_cpu.on_device_write = device_write;
    memset(registers, 0xff, sizeof(registers));
    memset(writes, 0, sizeof(writes));
    *fake_cpu_msr(0x1b) = APIC_ADDRESS | 1u << 11 | 1u << 8;
    version_edx = 1u << 9;
    version_ecx = deadline ? 1u << 24 : 0;
    mapped_at = mapped_to = 0;
    hesitates = 0;
    lvt_last = LVT_LAST;
    speed = TIMER_HZ;
}

/*
 * ---- Setting it up.
 */

/* Its registers are mapped so that no cache keeps them, for the hypervisor alone; only the timer interrupts. */
static void test_init(void **state)
{
    static const unsigned masked[] = {0x2f, 0x33, 0x34, 0x35, 0x36, 0x37};

    (void)state;
    begin(false);
    apic_init();
    assert_int_equal(mapped_at, DEVICE_BASE);
    assert_int_equal(mapped_to & ~UINT64_C(0x60), APIC_ADDRESS | UINT64_C(0x8000000000000103) | 0x18);
    assert_int_equal(fake_cpu.flushed_page, DEVICE_BASE);
    for (unsigned i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
        assert_int_equal(registers[masked[i]] >> 16 & 1, 1);
    assert_int_equal(registers[0x32], VECTOR_TIMER); /* once, by the count */
    assert_int_equal(registers[0x0f], 0x1ff);
    assert_int_equal(registers[0x08], 0);
    assert_int_equal(registers[0x38], 0);
    assert_int_equal(apic_id(), 5);
    assert_int_equal(cpu_boot.apic, 5);
    assert_false(sends_by_msr);
    assert_int_equal(*fake_cpu_msr(0x1b), APIC_ADDRESS | 1u << 11 | 1u << 8);
}

/* What firmware has switched off is on; it lies where the MSR says. */
static void test_off(void **state)
{
    (void)state;
    begin(true);
    *fake_cpu_msr(0x1b) = UINT64_C(0x12345678000) | 1u << 8;
    apic_init();
    assert_int_equal(*fake_cpu_msr(0x1b), UINT64_C(0x12345678000) | 1u << 11 | 1u << 8);
    assert_int_equal(mapped_to & UINT64_C(0xffffffffff000), UINT64_C(0x12345678000));
}

/* An entry that there is not is not written: the processor faults then, or notes an error. */
static void test_entries(void **state)
{
    static const struct {
        unsigned reg, least;
    } entries[] = {{0x37, 3}, {0x34, 4}, {0x33, 5}, {0x2f, 6}};

    (void)state;
    for (unsigned last = 3; last <= 6; last++) {
        begin(true);
        lvt_last = last;
        apic_init();
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(writes[entries[i].reg], entries[i].least <= last);
        assert_int_equal(writes[0x35], 1);
        assert_int_equal(writes[0x36], 1);
    }
}

static void test_none(void **state)
{
    (void)state;
    begin(true);
    version_edx = ~(1u << 9);
    if (setjmp(ended) == 0) {
        apic_init();
        fail();
    }
    assert_int_equal(fake_cpu.instructions, 0);
    begin(false);
    speed = 0; /* it does not count */
    if (setjmp(ended) == 0) {
        apic_init();
        fail();
    }
}

/* An x2APIC has the same registers as MSRs from 0x800 on, and is not in memory: any access there would end the test. */
static void test_x2apic(void **state)
{
    (void)state;
    begin(true);
    fake_cpu.device = 0;
    *fake_cpu_msr(0x1b) |= 1u << 10;
    *fake_cpu_msr(0x802) = 0x12345;
    *fake_cpu_msr(0x803) = 0x60014;
    *fake_cpu_msr(0x80b) = 77;
    apic_init();
    assert_int_equal(mapped_at, 0);
    assert_int_equal(*fake_cpu_msr(0x80f), 0x1ff);
    assert_int_equal(*fake_cpu_msr(0x808), 0);
    assert_int_equal(*fake_cpu_msr(0x832), 2u << 17 | VECTOR_TIMER);
    assert_int_equal(*fake_cpu_msr(0x835) >> 16 & 1, 1);
    assert_int_equal(*fake_cpu_msr(0x82f) >> 16 & 1, 1);
    assert_int_equal(apic_id(), 0x12345);
    assert_int_equal(cpu_boot.apic, 0x12345);
    assert_true(sends_by_msr);
    apic_end();
    assert_int_equal(*fake_cpu_msr(0x80b), 0);
}

/* Another processor: its APIC is as the first's afterwards, whatever it was before; its timer is not measured again. */
static void test_other(void **state)
{
    static struct cpu other;

    (void)state;
    begin(false);
    apic_init();
    cpu_of_thread = &other;
    for (unsigned mode = 0; mode < 3; mode++) {
        uint64_t *base = fake_cpu_msr(0x1b);

        memset(writes, 0, sizeof(writes));
        *base = UINT64_C(0xabcde000) | (uint64_t)(mode == 0 ? 0 : mode == 1 ? 2 : 3) << 10;
        other.apic = 0;
        apic_init_other();
        assert_int_equal(*base, APIC_ADDRESS | 1u << 11);
        assert_int_equal(registers[0x0f], 0x1ff);
        assert_int_equal(registers[0x32], VECTOR_TIMER);
        assert_int_equal(registers[0x35] >> 16 & 1, 1);
        assert_int_equal(writes[0x38], 0);
        assert_int_equal(other.apic, 5);
    }
    cpu_of_thread = NULL;
    begin(true);
    fake_cpu.device = 0;
    *fake_cpu_msr(0x1b) |= 1u << 10;
    *fake_cpu_msr(0x803) = 0x60014;
    apic_init();
    *fake_cpu_msr(0x1b) = APIC_ADDRESS;
    apic_init_other();
    assert_int_equal(*fake_cpu_msr(0x1b), APIC_ADDRESS | 3u << 10);
    assert_int_equal(*fake_cpu_msr(0x80f), 0x1ff);
}

static void test_end(void **state)
{
    (void)state;
    begin(true);
    apic_init();
    apic_end();
    assert_int_equal(registers[0x0b], 0);
    assert_int_equal(writes[0x0b], 1);
}

/*
 * ---- The timer.
 */

/* By the count: no earlier than asked for, and late by a hundredth at most, or early where the count is too short. */
static void test_count(void **state)
{
    static const uint64_t times[] = {1000, 1000000, UINT64_C(1000000000), UINT64_C(60000000000)};

    (void)state;
    for (unsigned disturbed = 0; disturbed < 2; disturbed++) { /* one run of the calibration */
        begin(false);
        hesitates = disturbed;
        apic_init();
        for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
            uint64_t exact = times[i] * TIMER_HZ / 1000000000u;

            apic_set_timer(times[i]);
            assert_in_range(registers[0x38], exact - exact / 1000, exact + exact / 100 + 1);
        }
        apic_set_timer(UINT64_C(3600000000000));
        assert_int_equal(registers[0x38], UINT32_MAX);
        apic_set_timer(UINT64_MAX - 1);
        assert_int_equal(registers[0x38], UINT32_MAX);
        apic_set_timer(0);
        assert_int_equal(registers[0x38], 1); /* 0 would stop it */
        apic_set_timer(UINT64_MAX);
        assert_int_equal(registers[0x38], 0);
    }
}

/* By the TSC: the moment itself; 0 disarms, so that it stands for never. */
static void test_deadline(void **state)
{
    (void)state;
    begin(true);
    apic_init();
    assert_int_equal(registers[0x32], 2u << 17 | VECTOR_TIMER);
    assert_int_equal(writes[0x38], 0);
    tsc = 1000000;
    apic_set_timer(500);
    assert_int_equal(*fake_cpu_msr(0x6e0), 1000000 + 4 * 500);
    apic_set_timer(0);
    assert_int_equal(*fake_cpu_msr(0x6e0), 1000000);
    apic_set_timer(UINT64_MAX);
    assert_int_equal(*fake_cpu_msr(0x6e0), 0);
    apic_set_timer(UINT64_MAX / 4);
    assert_int_equal(*fake_cpu_msr(0x6e0), UINT64_MAX); /* not sometime in the past */
    apic_set_timer(UINT64_MAX - 1);
    assert_int_equal(*fake_cpu_msr(0x6e0), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),  cmocka_unit_test(test_off),   cmocka_unit_test(test_entries),
        cmocka_unit_test(test_other), cmocka_unit_test(test_none),  cmocka_unit_test(test_x2apic),
        cmocka_unit_test(test_end),   cmocka_unit_test(test_count), cmocka_unit_test(test_deadline),
    };

    return fake_cpu_reserve(DEVICE_BASE, 4096) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
