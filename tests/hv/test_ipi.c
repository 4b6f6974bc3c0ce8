/* SPDX-License-Identifier: MIT */
/* Commands to other local APICs, Intel SDM volume 3, 11.6.1: in memory, where two writes make one, and as an MSR. */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <tests/hv/lib/fake_cpu.h>

/* A process cannot keep a device at the hypervisor's address. */
#undef DEVICE_BASE
#define DEVICE_BASE UINT64_C(0x300000000000)
#include <hv/cpu/ipi.c>

struct cpu cpu_boot;

static struct cpu other = {.id = 3, .apic = 0x21};
/* Changed behind the back of the compiler, by the accesses themselves. */
static volatile uint64_t sent[5];            /* as the APIC sees it: the destination in the upper half */
static volatile unsigned count, busy, names; /* writes of the upper half */
static volatile uint32_t high;

struct cpu *cpu_find(unsigned id)
{
    return id == 3 ? &other : NULL;
}

static uint32_t device_read(uint64_t offset)
{
    if (offset == 0x310)
        return high;
    assert_int_equal(offset, 0x300);
    return busy > 0 && busy-- ? 1u << 12 : 0;
}

static void device_write(uint64_t offset, uint32_t value)
{
    if (offset == 0x310) {
        high = value;
        names++;
        return;
    }
    assert_int_equal(offset, 0x300);
    assert_int_equal(busy, 0);
    sent[count++] = (uint64_t)high << 32 | value;
    busy = 2; /* until it is out */
}

static void begin(bool x2apic)
{
    fake_cpu_reset();
    fake_cpu.device = x2apic ? 0 : DEVICE_BASE;
    fake_cpu.on_device_read = device_read;
    fake_cpu.on_device_write = device_write;
    count = busy = names = 0;
    cpu_boot.command_high = 0;
    ipi_init(x2apic);
}

static void test_memory(void **state)
{
    (void)state;
    begin(false);
    assert_true(ipi_reaches(254));
    assert_false(ipi_reaches(255)); /* all of them */
    busy = 3;                       /* until a command of whoever was here before is out */
    ipi_send(0x21, IPI_INIT);
    ipi_send(0xfe, IPI_START(0x9f));
    ipi_send(1, IPI_NMI);
    cpu_kick(3);
    assert_int_equal(count, 4);
    assert_int_equal(sent[0], UINT64_C(0x2100000000004500));
    assert_int_equal(sent[1], UINT64_C(0xfe0000000000469f));
    assert_int_equal(sent[2], UINT64_C(0x0100000000004400));
    assert_int_equal(sent[3], UINT64_C(0x21000000000040f1));
    cpu_ask(3);
    assert_int_equal(sent[4], UINT64_C(0x21000000000040f2));
}

/* Who is meant is written once, whatever the register has had before, and again when it is another one. */
static void test_same(void **state)
{
    (void)state;
    begin(false);
    high = 0x21000000;
    for (unsigned i = 0; i < 3; i++)
        cpu_kick(3);
    assert_int_equal(names, 1);
    ipi_send(0, IPI_NMI);
    cpu_kick(3);
    assert_int_equal(names, 3);
    assert_int_equal(sent[2], UINT64_C(0x21000000000040f1));
    assert_int_equal(sent[3], UINT64_C(0x0000000000004400));
    assert_int_equal(sent[4], UINT64_C(0x21000000000040f1));
    begin(false);
    high = 0x21000000;
    ipi_send(0, IPI_NMI); /* of which all bits are zero */
    assert_int_equal(sent[0], UINT64_C(0x0000000000004400));
}

/* Between the halves of another command: its first half is there again, and is what is known, once the NMI is out. */
static void test_nmi(void **state)
{
    (void)state;
    begin(false);
    high = 0x77000000;
    busy = 2;
    ipi_send_nmi(9);
    assert_int_equal(sent[0], UINT64_C(0x0900000000004400));
    assert_int_equal(high, 0x77000000);
    begin(false);
    cpu_kick(3);
    ipi_send_nmi(9);
    cpu_kick(3);
    ipi_send_nmi(9);
    ipi_send(9, IPI_FIXED(0xf1));
    assert_int_equal(sent[1], UINT64_C(0x0900000000004400));
    assert_int_equal(sent[2], UINT64_C(0x21000000000040f1));
    assert_int_equal(sent[4], UINT64_C(0x09000000000040f1));
    begin(true);
    ipi_send_nmi(9);
    assert_int_equal(*fake_cpu_msr(0x830), UINT64_C(0x0000000900004400));
}

static void test_msr(void **state)
{
    (void)state;
    begin(true);
    assert_true(ipi_reaches(255));
    ipi_send(0x12345, IPI_NMI);
    assert_int_equal(*fake_cpu_msr(0x830), UINT64_C(0x0001234500004400));
    cpu_kick(3);
    assert_int_equal(*fake_cpu_msr(0x830), UINT64_C(0x00000021000040f1));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_msr),
    };

    return fake_cpu_reserve(DEVICE_BASE, 4096) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
