/* SPDX-License-Identifier: MIT */
/* QEMU while it runs: its console, its messages, the time that it may take, the signals that end it. */
#pragma once

#include <signal.h>

#include <cli/consoles.h>
#include <cli/control.h>
#include <cli/log.h>
#include <cli/qemu.h>
#include <cli/record.h>
#include <cli/trace.h>

enum session_end {
    SESSION_EXITED,      /* by itself; @code is its exit status */
    SESSION_KILLED,      /* by a signal from elsewhere; @code is its number */
    SESSION_TIMEOUT,     /* ended here, being out of time */
    SESSION_LEFT,        /* ended here, as whoever sits at the terminal has asked for */
    SESSION_INTERRUPTED, /* ended here because of a signal; @code is its number */
    SESSION_OUTPUT_LOST, /* ended here, because a console cannot be written to @lost; @code is the errno */
    SESSION_NOT_STARTED, /* the program could not be started; @code is the errno */
};

struct session_result {
    enum session_end end;
    int code;
    const char *lost; /* of SESSION_OUTPUT_LOST: stdout, or a file */
    size_t asked_at;  /* of SESSION_TIMEOUT, SESSION_LEFT: so many lines had the hypervisor said before it was asked */
};

struct session_request {
    const char *const *arguments; /* the program and its arguments, ended by NULL */
    bool is_on_terminal;          /* the console is a terminal, where Ctrl-A is for us: terminal.h */
    bool has_devices;             /* there may be disks that the program writes until it ends */
    struct consoles *consoles;    /* opened; or with none in it: QEMU's line is the console of the one guest */
    struct trace *trace;          /* told of what the hypervisor has written */
    struct record *record;        /* the same, for a recording */
    struct control *control;      /* opened: commands that speak to the run */
    unsigned timeout_seconds;     /* 0: none */
    const sigset_t *mask;         /* the signals that the program starts with blocked */
    int log_write_fd;             /* its end of the hypervisor's line of messages; closed here after the start */
    struct log *hypervisor;       /* the other end: what is read there; a byte that is sent asks where the guests are */
    struct log *qemu;             /* its stderr; @from is set here */
};

/*
 * Block the signals that would end this program, so that nothing is left behind; *before is the mask up to now.  A run
 * takes notice of them all the same, also of those that came before it.
 */
void session_block_signals(sigset_t *before);

/* The same, and a descriptor (signalfd) that they are read from; -1 with errno. */
int session_open_signals(sigset_t *before);

/*
 * Start the program, and come back when it has ended: it never outlives the call.  The terminal is then as it was.
 * Signals that would end this program, which must be blocked, end the other and are reported in the result.  One that
 * does not end soon is killed; with devices it has a minute, and whoever waits is told: to ask once more kills it.
 */
struct session_result session_run(const struct session_request *request);
