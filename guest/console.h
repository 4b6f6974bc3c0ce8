/* SPDX-License-Identifier: MIT */
/*
 * The console: the ring where there is one with somebody at its other end, console_io otherwise.
 */
#pragma once

#include <guest/types.h>

/* Decide which, from start_info.  Output before goes to console_io. */
void console_init(void);

/* Bytes as they are, but each "\n" as "\r\n".  Waits while the ring is full. */
void console_write(const char *text, size_t length);

/* At most @size bytes of input; the number of bytes, 0 for none at present.  Does not wait. */
size_t console_read(char *buffer, size_t size);

/* Wait until the other end has taken all output from the ring, or gave up taking it. */
void console_drain(void);

/* The ring, for those who test it; NULL without one. */
struct xencons_interface *console_ring(void);
