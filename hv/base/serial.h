/* SPDX-License-Identifier: MIT */
/*
 * The serial lines: 16550s, 115200 baud, 8 bits, no parity, 1 stop bit.  The console, at 0x3f8, is the guest's, and the
 * hypervisor's own messages, the log, go there too unless they are sent to a second line at 0x2f8.  Where there is no
 * UART at 0x3f8, the debug port of emulators at 0xe9 takes what is written; where there is neither, silence.
 *
 * Nothing here waits for ever: a line that stays busy for too long loses bytes.  The log says how many of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Look what there is and set it up.  Never waits for a device that does not answer. */
void serial_init(void);

/* Send @count bytes to the console, as they are.  False: some of them are lost. */
bool serial_write(const char *bytes, size_t count);

/*
 * All that was sent has left the lines, as far as it gets on at all: what a UART has still in it is lost when the
 * machine ends.
 */
void serial_drain(void);

/* A byte that has come on the console; -1: there is none. */
int serial_get(void);

/*
 * Send a byte to the log; a line feed is preceded by a carriage return.  Whoever sends some has the lines to itself
 * from serial_begin() to serial_end(), not for long; what else is here and sends sees to that itself.
 */
void serial_put(char byte);
void serial_begin(void);
void serial_end(void);

/* From now on nobody waits for the lines: whoever has them may have been stopped in the middle. */
void serial_last_words(void);

/* A byte that has come on the second line, where the log goes there; -1: there is none. */
int serial_log_get(void);

/*
 * The log waits until it is known where it goes: after serial_hold_log(), the first 4 KiB of it are kept until
 * serial_set_log().  More than that, and serial_release_log(), which is called before the end of any run, send it to
 * the console; without a hold the latter does nothing.
 */
void serial_hold_log(void);
void serial_release_log(void);

/*
 * A log that waits may be kept, the last 4 KiB of it, rather than go to the console: until serial_set_log() finds a
 * second line for it, or serial_release_log().  serial_forget_log(): nothing of what is kept will go anywhere.
 */
void serial_keep_log(void);
void serial_forget_log(void);

/*
 * Send the log to the second line or to the console.  False: there is no second line, and it goes to the console, or is
 * kept.
 */
bool serial_set_log(bool com2);
