/* SPDX-License-Identifier: MIT */
/* The command line of `paravane image`. */
#pragma once

#include <cli/options.h>

#define IMAGE_PATH_MAX 4000u /* characters: others are made from it */

enum medium_format { MEDIUM_RAW, MEDIUM_QCOW2, MEDIUM_ISO };

struct image_options {
    struct run_options run; /* of it the guests, and what the machine is to be */
    const char *output;
    bool has_format;
    enum medium_format format;
    bool halts_on_failure; /* otherwise the machine is powered off then, as after a good end */
};

/* Read the options, which @arguments begins with.  Wrong ones, and --help, end the program. */
void options_read_image(int count, char **arguments, struct image_options *options);
