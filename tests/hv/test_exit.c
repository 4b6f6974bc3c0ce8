/* SPDX-License-Identifier: MIT */
/* The ways out of a run: what QEMU's debug-exit device gets, what the log says, and the proof that comes back in it. */
/* links: hv/base/exit.c hv/base/options.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/exit.h>
#include <hv/base/power.h>
#include <hv/base/print.h>
#include <hv/base/reset.h>
#include <hv/base/serial.h>
#include <tests/hv/lib/fake_cpu.h>

static char said[512];
static jmp_buf ended;

void print_list(const char *format, va_list args)
{
    size_t length = strlen(said);

    vsnprintf(said + length, sizeof(said) - length, format, args);
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

void serial_forget_log(void)
{
    print("[forgotten]");
}

void serial_drain(void)
{
    print("[drained]");
}

void power_off(void)
{
    print("[off]");
}

_Noreturn void reset_machine(void)
{
    print("[reset]");
    longjmp(ended, 1);
}

void serial_release_log(void)
{
    print("[released]");
}

static void out(uint16_t port, uint8_t value)
{
    assert_int_equal(port, 0xf4);
    print("[out %x]", value);
}

/* The end of QEMU: nothing of the hypervisor's comes after it. */
static void out_and_end(uint16_t port, uint8_t value)
{
    out(port, value);
    longjmp(ended, 1);
}

static void halt(void)
{
    assert_false(fake_cpu.interrupts);
    if (fake_cpu.halts == 3) /* it stays so, whatever wakes it */
        longjmp(ended, 1);
}

static void begin(bool in_qemu)
{
    fake_cpu_reset();
    fake_cpu.interrupts = true;
    fake_cpu.on_out = in_qemu ? out_and_end : out;
    fake_cpu.on_halt = halt;
    said[0] = '\0';
}

#define assert_ends(in_qemu, expression, words) \
    do {                                        \
        begin(in_qemu);                         \
        if (setjmp(ended) == 0)                 \
            expression;                         \
        assert_string_equal(said, words);       \
    } while (0)

/* QEMU exits with twice the code plus one: what it says of each is known to whoever runs it. */
static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(2 * EXIT_GOOD + 1, 33);
    assert_int_equal(2 * EXIT_SELFTEST + 1, 35);
    assert_int_equal(2 * EXIT_USAGE + 1, 37);
    assert_int_equal(2 * EXIT_UNSUPPORTED + 1, 39);
    assert_int_equal(2 * EXIT_BROKEN + 1, 41);
    assert_int_equal(2 * EXIT_CRASHED + 1, 43);
    assert_int_equal(2 * EXIT_REFUSED + 1, 45);
    assert_int_equal(2 * EXIT_DESTROYED + 1, 47);
}

/* The log is on its way before the run ends; where there is no QEMU, the processor stands still. */
static void test_exit(void **state)
{
    (void)state;
    assert_ends(true, exit_with(EXIT_CRASHED), "[released][drained][out 15]");
    assert_int_equal(fake_cpu.halts, 0);
    assert_ends(false, exit_with(EXIT_GOOD), "[forgotten][released][drained][out 10]halted\n");
    assert_int_equal(fake_cpu.halts, 3);
}

static void test_unsupported(void **state)
{
    (void)state;
    assert_ends(true, exit_unsupported("%u of %s", 7, "them"),
                "Paravane cannot run here: 7 of them\n[released][drained][out 13]");
}

/* Without a proof to give nothing is claimed; that is so until one has been taken. */
static void test_no_proof(void **state)
{
    char wrong[] = "proof=0123456789abcde proof=0123456789abcdefg";

    (void)state;
    assert_ends(true, exit_proved(EXIT_GOOD), "[forgotten][released][drained][out 10]");
    exit_take_proof(wrong); /* of another length */
    assert_ends(true, exit_proved(EXIT_GOOD), "[forgotten][released][drained][out 10]");
}

/* It comes back with the code, before the end, and can be read nowhere else; the end is no write to the port then. */
static void test_proof(void **state)
{
    char line[] = "audit proof=0123456789abcdef verbose";

    (void)state;
    exit_take_proof(line);
    assert_null(strstr(line, "0123456789abcdef"));
    assert_non_null(strstr(line, "audit "));
    assert_non_null(strstr(line, " verbose"));
    assert_ends(true, exit_proved(EXIT_CRASHED), "ended with 15, proof 0123456789abcdef\n[released][drained][reset]");
    assert_ends(true, exit_proved(EXIT_GOOD),
                "ended with 10, proof 0123456789abcdef\n[forgotten][released][drained][reset]");
    assert_ends(true, exit_with(EXIT_GOOD), "[forgotten][released][drained][out 10]");
}

/* Where it is asked for, after a good end or any: and if it does not help, it halts as ever. */
static void test_power_off(void **state)
{
    (void)state;
    exit_set_power_off(false);
    assert_ends(true, exit_with(EXIT_GOOD), "[forgotten][released][drained][out 10]");
    assert_ends(false, exit_with(EXIT_GOOD), "[forgotten][released][drained][out 10][off]halted\n");
    assert_int_equal(fake_cpu.halts, 3);
    assert_ends(false, exit_with(EXIT_BROKEN), "[released][drained][out 14]halted\n");
    exit_set_power_off(true);
    assert_ends(false, exit_with(EXIT_GOOD), "[forgotten][released][drained][out 10][off]halted\n");
    assert_ends(false, exit_with(EXIT_CRASHED), "[released][drained][out 15][off]halted\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),    cmocka_unit_test(test_exit),  cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_no_proof), cmocka_unit_test(test_proof), cmocka_unit_test(test_power_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
