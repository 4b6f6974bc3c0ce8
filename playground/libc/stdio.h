/* SPDX-License-Identifier: MIT */
/* Of the C library what the hosted machine asks of it: playground/libc/libc.c.  There are no files; words are lost. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct file FILE;
extern FILE *const stdout, *const stderr;

int fflush(FILE *file);
int fprintf(FILE *file, const char *format, ...);
int vsnprintf(char *to, size_t size, const char *format, va_list args);
