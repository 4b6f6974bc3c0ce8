/* SPDX-License-Identifier: MIT */
/* The button, and the way to S5: 4.8.3 and 16.1.7 of the specification. */
#include <hv/base/asm.h>
#include <hv/base/power.h>

#define BUTTON               (1u << 8) /* in both registers; its status is cleared by writing it */
#define CONTROL_IS_ACPI      (1u << 0) /* SCI_EN */
#define CONTROL_SLEEP_SHIFT  10u
#define CONTROL_SLEEP_MASK   (7u << CONTROL_SLEEP_SHIFT)
#define CONTROL_SLEEP_ENABLE (1u << 13)

/* Firmware, and power, may take their time, but not for ever; a read of a port takes about a microsecond. */
#define SPINS 1000000u

static struct power power;

static void enable_acpi(void)
{
    if (!power.command || (asm_in16(power.control[0]) & CONTROL_IS_ACPI))
        return;
    asm_out8(power.command, power.enable);
    for (unsigned i = 0; i < SPINS && !(asm_in16(power.control[0]) & CONTROL_IS_ACPI); i++)
        ;
}

/* The interrupt that comes with it stays masked: who wants to know asks. */
void power_init(const struct power *found)
{
    power = *found;
    enable_acpi();
    if (power.button) {
        asm_out16(power.button, BUTTON);
        asm_out16(power.button_on, (uint16_t)(asm_in16(power.button_on) | BUTTON));
    }
}

bool power_button_is_pressed(void)
{
    if (!power.button || !(asm_in16(power.button) & BUTTON))
        return false;
    asm_out16(power.button, BUTTON);
    return true;
}

void power_off(void)
{
    uint16_t values[2] = {0, 0};

    if (!power.control[0])
        return;
    for (unsigned i = 0; i < 2; i++) {
        if (!power.control[i])
            continue;
        values[i] = (uint16_t)((asm_in16(power.control[i]) & ~(CONTROL_SLEEP_MASK | CONTROL_SLEEP_ENABLE)) |
                               (unsigned)power.sleep_type[i] << CONTROL_SLEEP_SHIFT);
        asm_out16(power.control[i], values[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (power.control[i])
            asm_out16(power.control[i], (uint16_t)(values[i] | CONTROL_SLEEP_ENABLE));
    }
    for (unsigned i = 0; i < SPINS; i++)
        (void)asm_in16(power.control[0]);
}
