/* SPDX-License-Identifier: MIT */
/* Memory for the hosted machine: all of it can be accessed, whatever is asked.  playground/libc/libc.c. */
#pragma once

#include <stddef.h>

#define PROT_NONE     0
#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_PRIVATE   2
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 64
#define MAP_FAILED    ((void *)-1)

void *mmap(void *where, size_t size, int rights, int flags, int file, long offset);
int mprotect(void *where, size_t size, int rights);
int munmap(void *where, size_t size);
