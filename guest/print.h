/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: %s %c %d %u %x %lu %ld %lx %p %%, a width, "-" to the left, "0" for zeroes.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

__attribute__((format(printf, 1, 0))) void print_list(const char *format, va_list args);

/* At most @size bytes with the final zero; returns the length of what was stored. */
__attribute__((format(printf, 3, 4))) size_t print_to(char *buffer, size_t size, const char *format, ...);

__attribute__((format(printf, 3, 0))) size_t print_list_to(char *buffer, size_t size, const char *format, va_list args);
