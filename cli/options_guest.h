/* SPDX-License-Identifier: MIT */
/* Guests on the command line of `paravane run`, one behind the other. */
#pragma once

#include <argp.h>

#include <cli/options.h>

enum {
    KEY_CMDLINE = 'c',
    KEY_MEMORY = 'm',
    KEY_RAMDISK = 'r',
    KEY_GUEST = 0x100, /* and what comes behind it are the run's own */
    KEY_VCPUS = 0x200,
    KEY_WEIGHT,
    KEY_PRIVILEGED,
    KEY_DEMO,
    KEY_ON_REBOOT,
    KEY_DISK,
    KEY_CDROM,
    KEY_NET,
};

/* Read an option of a guest, which is one of those above other than KEY_GUEST.  False: it is none. */
bool options_read_guest(int key, char *text, struct run_options *options, struct argp_state *state);

/* What is not said of a guest. */
extern const struct guest_options options_no_guest;

/* The guest that an option is about: the last that has begun, or before the first, all of them. */
struct guest_options *options_guest(struct run_options *options);

/* The next guest begins.  A name that cannot be, or one guest too many, ends the program. */
void options_begin_guest(struct run_options *options, const char *name, struct argp_state *state);

/* All has been read: give each guest what it shares, and see that they go together. */
void options_end_guests(struct run_options *options, struct argp_state *state);
