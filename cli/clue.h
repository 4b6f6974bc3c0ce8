/* SPDX-License-Identifier: MIT */
/* What a guest's console has said that explains a crash to whoever can do something about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cli/options.h>

struct clue {
    unsigned matched; /* characters of it that have just been said */
    bool has_no_root; /* Linux has found no root file system */
};

/* The console has said this, behind what it said before. */
void clue_look(struct clue *clue, const char *bytes, size_t count);

/* Say what a guest that has crashed may be missing, if there is anything to be said: @options is what it was given. */
void clue_tell(const struct clue *clue, const struct guest_options *options);
