/* SPDX-License-Identifier: MIT */
/* The command line of `paravane map`. */
#pragma once

struct map_options {
    const char *file;      /* the page to be made */
    const char *recording; /* what it shows */
    const char *stop_at;   /* an operation; NULL: not given */
};

/* Read the options, which @arguments begins with.  Wrong ones, and --help, end the program. */
void options_read_map(int count, char **arguments, struct map_options *options);
