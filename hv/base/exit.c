/* SPDX-License-Identifier: MIT */
/* The ways out of a run, with a code for QEMU; where there is no QEMU, the processor stands still. */
#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/options.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>

static char proof[EXIT_PROOF_LENGTH + 1];

void exit_take_proof(char *line)
{
    (void)option_take_text(line, "proof", proof, sizeof(proof));
}

_Noreturn void exit_proved(unsigned code)
{
    if (*proof)
        print("ended with %x, proof %s\n", code, proof);
    exit_with(code);
}

_Noreturn void exit_with(unsigned code)
{
    serial_release_log();
    asm_out8(EXIT_PORT, (uint8_t)code);
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
