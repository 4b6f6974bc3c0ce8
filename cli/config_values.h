/* SPDX-License-Identifier: MIT */
/* Values of a configuration file, which Debian's libxlutil has parsed. */
#pragma once

#include <libxlutil.h>
#include <stdbool.h>
#include <stdio.h>

#include <cli/message.h>

struct config {
    const char *path;
    XLU_Config *parsed;
    FILE *report; /* what the library complains of goes to: */
    char *text;
    size_t size, told;
    bool is_bad; /* something has been complained of */
};

/* Parse the file.  STATUS_GOOD: config_close() it; otherwise it has been said what is wrong. */
enum status __must_check config_open(struct config *config, const char *path);
void config_close(struct config *config);

/* Say what is wrong with the file: it is bad then. */
void config_complain(struct config *config, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Say what the library has to say, if it has; it is bad then. */
void config_tell(struct config *config);

/* Is the key there, as whatever? */
bool config_has(const struct config *config, const char *key);

/* The value of a string, or of a number as text, which lasts as long as @config; NULL: it is not there, or bad. */
const char *config_string(struct config *config, const char *key);
/* A number from @least to @most; @otherwise: it is not there, or bad. */
long config_number(struct config *config, const char *key, long least, long most, long otherwise);
/* The string at @place of a list, from 0 on; NULL: there is none there.  It lasts as long as @config. */
const char *config_item(struct config *config, const char *key, unsigned place);

/* What lasts as long as the program: a copy of a text, NULL of NULL; and what is printed. */
char *config_keep(const char *text);
char *config_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
