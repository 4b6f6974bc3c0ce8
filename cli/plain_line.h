/* SPDX-License-Identifier: MIT */
/* A line of what a guest says, without what a terminal would take for a command: nothing but text can come of it. */
#pragma once

#include <stdbool.h>

#define PLAIN_LINE_MAX 240u

/* All zero is an empty one. */
struct plain_line {
    unsigned length;
    char text[PLAIN_LINE_MAX];
    enum { PLAIN_TEXT, PLAIN_ESCAPE, PLAIN_SEQUENCE, PLAIN_STRING } within;
};

/* The next byte.  True: the line is to be shown, being at its end or full; whoever shows it sets @length to 0. */
bool plain_line_add(struct plain_line *line, char byte);
