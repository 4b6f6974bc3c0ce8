/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: %s %c %d %u %x %p %%, with l, ll or z for wider numbers, a width, "-" to the left, "0" for zeroes.
 * For uint64_t there are PRId64, PRIu64 and PRIx64.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <guest/width.h>

__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

__attribute__((format(printf, 1, 0))) void print_list(const char *format, va_list args);

/* At most @size bytes with the final zero; returns the length of what was stored. */
__attribute__((format(printf, 3, 4))) size_t print_to(char *buffer, size_t size, const char *format, ...);

__attribute__((format(printf, 3, 0))) size_t print_list_to(char *buffer, size_t size, const char *format, va_list args);
