/* SPDX-License-Identifier: MIT */
#include <hv/asm.h>
#include <hv/exit.h>
#include <hv/print.h>
#include <hv/serial.h>

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
