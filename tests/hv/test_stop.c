/* SPDX-License-Identifier: MIT */
/* Who has the last words, and what becomes of the others: each is a processor here that does what the test says. */
/* links: tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <tests/hv/lib/fake_cpu.h>

static uint64_t tsc;

static uint64_t read_fake_tsc(void)
{
    return tsc += UINT64_C(1) << 20;
}

#define asm_read_tsc read_fake_tsc
#include <hv/cpu/cpu_frame.h>
#include <hv/cpu/stop.c>

struct cpu cpu_boot;

static struct cpu others[2] = {{.id = 1, .apic = 21}, {.id = 2, .apic = 22}};
static struct cpu_frame places[2];
static unsigned silent; /* a bit for each of them that does not answer */
static unsigned sent;
static jmp_buf halted;

struct cpu *cpu_find(unsigned id)
{
    return id == 0 ? &cpu_boot : id < 3 ? &others[id - 1] : NULL;
}

static void on_halt(void)
{
    longjmp(halted, 1);
}

/* Does the NMI that comes to @cpu stop it for ever? */
static bool stops(struct cpu *cpu, const struct cpu_frame *frame)
{
    struct cpu *before = cpu_of_thread;
    volatile bool stopped = true;

    cpu_of_thread = cpu;
    if (setjmp(halted) == 0) {
        stop_if_asked(frame);
        stopped = false;
    }
    cpu_of_thread = before;
    return stopped;
}

void ipi_send(uint32_t apic, uint32_t command)
{
    unsigned i = apic - 21;

    assert_int_equal(command, IPI_NMI);
    assert_in_range(apic, 20, 22);
    sent++;
    if (apic == 20)
        assert_true(stops(&cpu_boot, &places[0]));
    else if (!(silent & 1u << i))
        assert_true(stops(&others[i], &places[i]));
}

static void begin(void)
{
    fake_cpu_reset();
    fake_cpu.on_halt = on_halt;
    cpu_boot = (struct cpu){.apic = 20};
    others[0].stopped_at = others[1].stopped_at = NULL;
    speaker = NULL;
    silent = sent = 0;
}

static void test_stop(void **state)
{
    (void)state;
    begin();
    assert_false(stops(&others[0], &places[0])); /* an NMI of the watchdog's */
    assert_true(stop_others());
    assert_int_equal(sent, 2);
    assert_ptr_equal(stop_place(&others[0]), &places[0]);
    assert_ptr_equal(stop_place(&others[1]), &places[1]);
    assert_false(stop_others()); /* a fault while speaking */
    assert_int_equal(sent, 2);
    assert_false(stops(&cpu_boot, &places[0])); /* who speaks goes on */
}

/* The wait for one that does not answer ends. */
static void test_silent(void **state)
{
    uint64_t before = tsc;

    (void)state;
    begin();
    silent = 1;
    assert_true(stop_others());
    assert_null(stop_place(&others[0]));
    assert_non_null(stop_place(&others[1]));
    assert_in_range(tsc - before, PATIENCE_TICKS, 2 * PATIENCE_TICKS);
}

/* One that wants to speak as well is silent for ever, and the first one's words stand. */
static void test_second(void **state)
{
    volatile bool spoke = true;

    (void)state;
    begin();
    cpu_of_thread = &others[0];
    assert_true(stop_others());
    assert_ptr_equal(stop_place(&cpu_boot), &places[0]);
    cpu_of_thread = NULL;
    if (setjmp(halted) == 0)
        spoke = stop_others();
    else
        spoke = false;
    assert_false(spoke);
    assert_int_equal(sent, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
