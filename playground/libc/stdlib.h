/* SPDX-License-Identifier: MIT */
/* Of the C library what the hosted machine asks of it: playground/libc/libc.c. */
#pragma once

#include <stddef.h>

void *calloc(size_t count, size_t size);
void free(void *memory);
_Noreturn void abort(void);
