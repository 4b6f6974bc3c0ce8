/* SPDX-License-Identifier: MIT */
/* The other end of control.h: the runs under way, as a command finds them, and the guest that it means. */
#pragma once

#include <cli/control_line.h>
#include <cli/message.h>
#include <cli/run_place.h>

#define CLIENT_LINE_MAX  1023u
#define CLIENT_ANSWER_MS 10000 /* for an answer of the hypervisor's; building a large guest takes its time */

struct client_run {
    int fd; /* -1: closed */
    pid_t pid;
    unsigned nr_guests;
    char names[GUESTS_MAX][GUEST_NAME_MAX + 1];
    size_t begin, end; /* of what has been received, and is not taken */
    char bytes[4096];
};

struct client {
    unsigned nr_runs;
    struct client_run runs[RUN_PLACES_MAX];
};

/*
 * Find the runs of this user.  One that does not answer, or has no room, is told of, and left out.  STATUS_FAILED: it
 * cannot be known which there are.  client_close() in any case.
 */
enum status __must_check client_open(struct client *client);
void client_close(struct client *client);

/*
 * client_open(), and of these the run that has a guest of that name; of process @pid, unless it is 0.  STATUS_USAGE:
 * none has, or several have, which are told.  client_close() in any case.
 */
enum status __must_check client_find(struct client *client, const char *name, pid_t pid, struct client_run **run);

/* Say a line to it.  False: it is gone. */
bool client_ask(struct client_run *run, const struct ask *ask);

/*
 * Ask for what concerns one guest, and wait until @deadline, as of client_read(), that it is done or begun.  Otherwise
 * it is said: STATUS_REFUSED; STATUS_TIMEOUT, no answer; STATUS_FAILED, the run is gone, which client_tell_gone() says.
 */
enum status __must_check client_request(struct client_run *run, const struct ask *ask, int64_t deadline);
enum status client_tell_gone(const struct ask *ask);

/*
 * The next line, waited for until @deadline, in ms as of client_now(), with a tick of progress (message.h) now and
 * then.  CLIENT_GONE: there is none, nor will be; of a run that is looked for also CLIENT_BUSY, which says why.
 */
enum client_wait { CLIENT_LINE, CLIENT_LATE, CLIENT_GONE, CLIENT_BUSY };
enum client_wait client_read(struct client_run *run, int64_t deadline, char line[CLIENT_LINE_MAX + 1]);
int64_t client_now(void);
