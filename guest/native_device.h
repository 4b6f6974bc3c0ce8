/* SPDX-License-Identifier: MIT */
/*
 * The devices that a kernel on bare hardware needs to say something and to end.  Needs nothing of the rest of guest/.
 */
#pragma once

#include <stddef.h>

/* The serial line at 0x3f8: 115200 baud, 8 bits.  Output is as that of console_write(). */
void native_console_init(void);
void native_console_write(const char *text, size_t length);

/* Let no interrupt through. */
void native_interrupts_mask(void);

/*
 * End the run: @reason 0 is written as 0x10 to QEMU's isa-debug-exit device at port 0xf4, another as 0x15; QEMU then
 * exits with 33 or 43.  Without the device the processor is reset by a triple fault.
 */
_Noreturn void native_shutdown(unsigned reason);
