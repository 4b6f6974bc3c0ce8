/* SPDX-License-Identifier: MIT */
/*
 * What hv/emulate/emulate_write.c calls, for tests that compare it with the processor: what is emulated is done to a
 * copy of memory that the processor has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRITE_COPY_MAX 0x8000u

extern uint8_t write_copy[WRITE_COPY_MAX];
extern unsigned write_exceptions; /* that the guest has got */

extern bool write_host_has_words; /* the code can be read as a word, which the short way wants */

/* Copy the @size bytes from @original on, WRITE_COPY_MAX at most; the guest has got no exceptions. */
void write_host_begin(const uint8_t *original, size_t size);
