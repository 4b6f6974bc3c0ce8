/* SPDX-License-Identifier: MIT */
/* What a kernel's notes are called, and what they say, for people. */
#pragma once

#include <hv/kernel/notes.h>

/* What the documentation calls notes of this type; NULL: not known. */
const char *note_name(unsigned type);

/* A line on stdout. */
void note_print(enum notes_origin origin, const struct note *note);
