/* SPDX-License-Identifier: MIT */
/* Names of functions, from a table that the build makes out of a first link of the image (hv/make-symbols). */
#pragma once

#include <stdint.h>

/* The function that @address lies in, and how far in.  NULL: in none of ours. */
const char *symbol_find(uint64_t address, uint64_t *offset);
