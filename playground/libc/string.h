/* SPDX-License-Identifier: MIT */
/* Of the C library what the hosted machine, and the compiler by itself, ask of it: playground/libc/libc.c. */
#pragma once

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);
size_t strlen(const char *text);
