/* SPDX-License-Identifier: MIT */
/* The words of the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is @word one of the words of @line? */
bool option_is_set(const char *line, const char *word);

/*
 * Is there a word @name=TEXT with a text of @size - 1 characters?  Only then it is written to @text, with its end, and
 * overwritten in @line: what is a secret does not appear wherever the line is shown.
 */
bool option_take_text(char *line, const char *name, char *text, size_t size);

/* Is there a word @name=VALUE, VALUE being a hexadecimal number of at most 64 bits?  Only then @value is written. */
bool option_number(const char *line, const char *name, uint64_t *value);

/* The same of a decimal number. */
bool option_count(const char *line, const char *name, uint64_t *value);
