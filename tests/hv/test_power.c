/* SPDX-License-Identifier: MIT */
/* Powering a machine off, with the registers of ACPI 6.5, 4.8.3.2: what is written where, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>

/* Ports by name, not by instruction: they are asked a million times. */
static void out8(uint16_t port, uint8_t value);
static void out16(uint16_t port, uint16_t value);
static uint16_t in16(uint16_t port);

#define asm_out8  out8
#define asm_out16 out16
#define asm_in16  in16
#include <hv/base/power.c>

static char written[256]; /* everything, in order */
static uint16_t control[2];
static uint16_t button, button_on;
static bool is_dumb; /* what asks for ACPI does not help */
static unsigned patience, reads;

static void note(uint16_t port, unsigned value)
{
    size_t length = strlen(written);

    snprintf(written + length, sizeof(written) - length, "%x=%x ", port, value);
}

static void out8(uint16_t port, uint8_t value)
{
    note(port, value);
}

static void out16(uint16_t port, uint16_t value)
{
    note(port, value);
    if (port == 0x600)
        button &= (uint16_t)~value; /* a status is cleared by writing it */
    else if (port == 0x602)
        button_on = value;
    else
        control[port == 0xb04] = value;
}

static uint16_t in16(uint16_t port)
{
    if (port == 0x600 || port == 0x602)
        return port == 0x600 ? button : button_on;
    assert_true(port == 0x604 || port == 0xb04);
    reads++;
    if (written[0] && !is_dumb && reads == patience)
        control[0] |= 1;
    return control[port == 0xb04];
}

static void begin(uint16_t first, uint16_t second)
{
    control[0] = first;
    control[1] = second;
    written[0] = '\0';
    patience = reads = 0;
    is_dumb = false;
}

/* The type first, then the bit that makes it so; what else is there stays as it is. */
static void test_one_register(void **state)
{
    const struct power found = {.control = {0x604, 0}, .sleep_type = {5, 0}};

    (void)state;
    begin(0x0801, 0);
    power_init(&found);
    power_off();
    assert_string_equal(written, "604=1401 604=3401 ");
    begin(0x3c02, 0); /* another type, and the bit: not with each other */
    power_init(&found);
    power_off();
    assert_string_equal(written, "604=1402 604=3402 ");
}

static void test_two_registers(void **state)
{
    const struct power found = {.control = {0x604, 0xb04}, .sleep_type = {7, 1}};

    (void)state;
    begin(1, 0x20);
    power_init(&found);
    power_off();
    assert_string_equal(written, "604=1c01 b04=420 604=3c01 b04=2420 ");
}

/* A machine that is not ACPI's yet becomes so first, and is waited for. */
static void test_enable(void **state)
{
    const struct power found = {.command = 0xb2, .enable = 0xf1, .control = {0x604, 0}};

    (void)state;
    begin(0, 0);
    patience = 20;
    power_init(&found);
    power_off();
    assert_string_equal(written, "b2=f1 604=1 604=2001 ");
    begin(1, 0);
    power_init(&found);
    power_off();
    assert_string_equal(written, "604=1 604=2001 ");
}

/* Nothing is waited for without end: neither that, nor for the power to go. */
static void test_patience(void **state)
{
    const struct power found = {.command = 0xb2, .enable = 0xf1, .control = {0x604, 0}};

    (void)state;
    begin(0, 0);
    is_dumb = true;
    power_init(&found);
    power_off();
    assert_string_equal(written, "b2=f1 604=0 604=2000 ");
    assert_in_range(reads, 100000, 10000000);
}

/* It is noticed once, and what else is in the registers is nobody's business. */
static void test_button(void **state)
{
    const struct power found = {.control = {0x604, 0}, .button = 0x600, .button_on = 0x602};

    (void)state;
    begin(1, 0);
    button = 0x8101;
    button_on = 0x20;
    power_init(&found);
    assert_string_equal(written, "600=100 602=120 ");
    assert_int_equal(button, 0x8001);
    assert_false(power_button_is_pressed());
    button |= 0x100;
    assert_true(power_button_is_pressed());
    assert_false(power_button_is_pressed());
    assert_int_equal(button, 0x8001);
    assert_string_equal(written, "600=100 602=120 600=100 ");
}

/* Of a machine that nothing is known of, no port is touched. */
static void test_unknown(void **state)
{
    (void)state;
    begin(1, 0);
    power = (struct power){0};
    assert_false(power_button_is_pressed());
    power_off();
    assert_string_equal(written, "");
    assert_int_equal(reads, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_register), cmocka_unit_test(test_two_registers), cmocka_unit_test(test_enable),
        cmocka_unit_test(test_patience),     cmocka_unit_test(test_button),        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
