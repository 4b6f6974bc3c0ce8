/* SPDX-License-Identifier: MIT */
/* Values of options, as people write them.  What argp is given to complain with ends the program if it does. */
#pragma once

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include <cli/options.h>

#define PAGE_KIB       4u
#define MEMORY_MAX_KIB ((uint64_t)1 << 34) /* 16 TiB */

/* "512M" and the like, without a unit MiB, in KiB.  Returns false if it is none, or 0, or not whole pages of 4 KiB. */
bool options_parse_memory(const char *text, uint64_t *kib);

/*
 * 32 hexadecimal digits with hyphens as in 01234567-89ab-cdef-0123-456789abcdef, into @uuid in small letters.  False:
 * it is none, or has zeroes alone.
 */
bool options_parse_uuid(const char *text, char uuid[static UUID_TEXT_SIZE]);

/* A number of digits alone, 1 to @limit; 0: it is none. */
unsigned long long options_parse_count(const char *text, unsigned long long limit);

/* "2", "2,max=4": virtual processors, and how many there may come to be, 0 if not said.  False: it is neither. */
bool options_parse_vcpus(const char *text, unsigned *count, unsigned *most);

/*
 * Processors, as xl.cfg has them: "0-1,3", "all", and behind those, which are taken away again, "^2".  Bit n of
 * *@processors is processor n; all are 0.  False: it is no such list, or none is left.
 */
bool options_parse_processors(const char *text, uint64_t *processors);

/* The name of a file to be read, @what for short. */
const char *options_read_name(const char *what, const char *text, struct argp_state *state);

/* The kernel: a second one is one too many. */
void options_read_kernel(const char **kernel, const char *text, struct argp_state *state);
