/* SPDX-License-Identifier: MIT */
/* What the command says to whoever runs it, and what it ends with. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * How the command ends.  A function that returns a status other than STATUS_GOOD has said why on stderr.
 */
enum status {
    STATUS_GOOD = 0,       /* the guest powered off or wants to reboot; the kernel would boot, or the entry be taken */
    STATUS_FAILED = 1,     /* something is missing here: memory, room on a disk, a part of Paravane */
    STATUS_USAGE = 2,      /* wrong use: bad options, a file that cannot be read or is no kernel */
    STATUS_CRASHED = 3,    /* the guest crashed, or came to another bad end */
    STATUS_REFUSED = 4,    /* the guest was refused before its start; the kernel would not boot; the entry is refused */
    STATUS_HYPERVISOR = 5, /* the hypervisor's fault, or an end that it has not confirmed */
    STATUS_QEMU = 6,       /* QEMU failed, or was ended by somebody else */
    STATUS_LEFT = 7,       /* whoever sat at the terminal left */
    STATUS_DESTROYED = 8,  /* a guest was ended by `paravane destroy` */
    STATUS_TIMEOUT = 124,  /* out of time */
};

#define __must_check __attribute__((warn_unused_result))

/* Write @text so that no terminal takes any of it for a command: an escape becomes \x1b. */
void write_safely(FILE *to, const char *text);

/* The same as one word of a shell's, quoted where that takes it; a word with control characters is for people alone. */
void write_quoted(FILE *to, const char *text);

/* One line on stderr, with "paravane: " in front. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line for programs, with nothing in front. */
void say_object(const char *line);

/* The same as say() for what is wrong; in red on a terminal. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Progress of what may take long: from two seconds after the beginning, a line on stderr says what is being done.  On a
 * terminal it comes with the share that is done, and goes away at the end.  One task at a time.
 */
void progress_begin(const char *task);
/* @share: 0 to 100; less than 0: not known. */
void progress_tick(int share);
void progress_end(void);
