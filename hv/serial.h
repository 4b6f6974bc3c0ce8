/* SPDX-License-Identifier: MIT */
/*
 * The console's line: a 16550 at 0x3f8, 115200 baud, 8 bits, no parity, 1 stop bit.  Where there is none, the debug
 * port of emulators at 0xe9; where there is neither, silence.
 */
#pragma once

/* Look what there is and set it up.  Never waits for a device that does not answer. */
void serial_init(void);

/* Send a byte; a line feed is preceded by a carriage return.  A line that stays busy for too long loses bytes. */
void serial_put(char byte);
