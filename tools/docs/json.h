/* SPDX-License-Identifier: MIT */
/* JSON on stdout, in order: one value after the other, the commas between them and the indentation by itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Begin and end an object or an array.  @name: what the value is called in the object around it; NULL: in an array. */
void json_begin(const char *name, char bracket);
void json_end(char bracket);

/* One value.  Texts are printable ASCII. */
void json_text(const char *name, const char *text);
void json_number(const char *name, uint64_t number); /* decimal */
void json_bits(const char *name, uint64_t bits); /* as a text in hexadecimal: readers may have 53 bits to a number */
void json_truth(const char *name, bool truth);
