/* SPDX-License-Identifier: MIT */
/* The ways out of a run: a code for QEMU; where there is no QEMU, no power any more; or the processor stands still. */
#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/options.h>
#include <hv/base/power.h>
#include <hv/base/print.h>
#include <hv/base/reset.h>
#include <hv/base/serial.h>

static char proof[EXIT_PROOF_LENGTH + 1];

static enum { OFF_NEVER, OFF_IF_GOOD, OFF_ALWAYS } powers_off;

void exit_set_power_off(bool always)
{
    powers_off = always ? OFF_ALWAYS : OFF_IF_GOOD;
}

void exit_take_proof(char *line)
{
    (void)option_take_text(line, "proof", proof, sizeof(proof));
}

static void end_log(unsigned code)
{
    if (code == EXIT_GOOD)
        serial_forget_log();
    serial_release_log();
    serial_drain();
}

_Noreturn void exit_proved(unsigned code)
{
    if (!*proof)
        exit_with(code);
    print("ended with %x, proof %s\n", code, proof);
    end_log(code);
    reset_machine();
}

_Noreturn void exit_with(unsigned code)
{
    end_log(code);
    asm_out8(EXIT_PORT, (uint8_t)code);
    if (powers_off == OFF_ALWAYS || (powers_off == OFF_IF_GOOD && code == EXIT_GOOD))
        power_off();
    print("halted\n");
    asm_halt_forever();
}

_Noreturn void exit_unsupported(const char *format, ...)
{
    va_list args;

    print("Paravane cannot run here: ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    exit_with(EXIT_UNSUPPORTED);
}
