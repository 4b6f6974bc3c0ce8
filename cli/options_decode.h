/* SPDX-License-Identifier: MIT */
/* The command line of `paravane decode`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct decode_options {
    uint64_t entry;
    unsigned level; /* 0: not given */
    bool is_narrow; /* of a 32-bit guest */
};

/* Read the options, which @arguments begins with.  Wrong ones, and --help, end the program. */
void options_read_decode(int count, char **arguments, struct decode_options *options);
