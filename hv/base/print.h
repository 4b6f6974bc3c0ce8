/* SPDX-License-Identifier: MIT */
/*
 * Words on the console: %s %c %d %u %x %p %%, a length of l or ll, a width, and 0 for padding with zeroes.  What one
 * call says is in one piece, whatever other processors say.
 */
#pragma once

#include <stdarg.h>

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
