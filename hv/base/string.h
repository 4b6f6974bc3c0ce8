/* SPDX-License-Identifier: MIT */
/* Memory and strings, as in C11 7.24; the hosted tests take the C library's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
