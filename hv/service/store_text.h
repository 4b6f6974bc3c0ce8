/* SPDX-License-Identifier: MIT */
/* Texts and paths of the xenstore, and payloads in the making.  Lengths are in bytes; a path has no zero byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that somebody else holds. */
struct store_text {
    const char *bytes;
    size_t length;
};

/* The text of a literal, or of a string that ends with a zero byte. */
struct store_text store_text(const char *string);
bool store_text_equal(struct store_text a, struct store_text b);

/* Take the text up to the next zero byte, or to the end, off @rest. */
struct store_text store_next_text(struct store_text *rest);

/* Is @path "/", or names of letters, digits and -/_@ with a single slash before each? */
bool store_path_is_good(struct store_text path);

/* Is @path @above itself, or below it? */
bool store_path_is_within(struct store_text path, struct store_text above);

/* The path above @path, which is not "/". */
struct store_text store_path_above(struct store_text path);

/* How many names @path has: none if it is "/". */
unsigned store_path_depth(struct store_text path);

/* The name that begins behind the slash at *@at of @path; *@at is the next slash then, or the end. */
struct store_text store_path_name(struct store_text path, size_t *at);

/* Put a number in decimal, STORE_DIGITS_MAX bytes at most, at @to.  Returns its length; no zero byte is added. */
#define STORE_DIGITS_MAX 20u
size_t store_put_number(char *to, uint64_t number);

/* False: not a number below 10^9. */
bool store_read_number(struct store_text text, uint32_t *number);

/* A payload in the making: its bytes lie where they will be sent from. */
struct store_reply {
    char *bytes;
    size_t length;
};

/* Add @text, or @before and a number in decimal, and a zero byte.  There is room: the caller sees to that. */
void store_reply_text(struct store_reply *reply, struct store_text text);
void store_reply_number(struct store_reply *reply, struct store_text before, uint64_t number);
