/* SPDX-License-Identifier: MIT */
/* Guests on a command line, one behind the other. */
#pragma once

#include <argp.h>

#include <cli/options.h>

/* Of their options in --help; what comes behind it is a command's own. */
#define OPTIONS_GROUP_GUEST 1

enum {
    KEY_CMDLINE = 'c',
    KEY_MEMORY = 'm',
    KEY_RAMDISK = 'r',
    KEY_GUEST = 0x100, /* and what comes behind it are the run's own */
    KEY_VCPUS = 0x200,
    KEY_MAXMEM,
    KEY_WEIGHT,
    KEY_UUID,
    KEY_PRIVILEGED,
    KEY_LINEAR_TABLES,
    KEY_DEMO,
    KEY_ON_REBOOT,
    KEY_DISK,
    KEY_CDROM,
    KEY_NET,
    KEY_SHARE,
    KEY_PIN,
};

/* What is not said of a guest. */
extern const struct guest_options options_no_guest;

/*
 * Read a command line into @input: all options that are about guests, and files, beside those of @parser, a command's
 * own.  At its ARGP_KEY_INIT @parser makes a struct run_options the child's input, whose common guest is
 * options_no_guest.  At the end each guest has what it shares, and they go together.  Wrong ones end the program.
 */
void options_read_guests(struct argp parser, int count, char **arguments, void *input);
