/* SPDX-License-Identifier: MIT */
/* Bytes from one file descriptor to another, without ever waiting for either. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* No more than a pipe takes at once when poll() says that it takes anything. */
#define RELAY_BUFFER 4096

struct relay {
    int from, to;      /* -1: closed */
    size_t begin, end; /* what has been read and not yet written */
    bool has_moved;    /* at least one byte has been read */
    bool in_line;      /* what was written last does not end a line */
    bool is_broken;    /* nothing can be written to @to any more, */
    int error;         /* with this errno: EPIPE if nobody reads there */
    char buffer[RELAY_BUFFER];
};

/* What to poll for; an fd of -1 where there is nothing to wait for. */
struct pollfd relay_poll(const struct relay *relay);

/*
 * poll() has answered @events for it: read or write once.  At the end of @from, from becomes -1.  What has been put
 * since is not written because there is something to read: nobody knows that there is room for it.
 */
void relay_move(struct relay *relay, short events);

/* For how many bytes is there room? */
size_t relay_room(const struct relay *relay);

/* Put as much of it as there is room for behind what has been read. */
void relay_put(struct relay *relay, const char *bytes, size_t count);

/* Will a line be under way when all of it is written? */
bool relay_ends_in_line(const struct relay *relay);

/* A message of ours is going to stand on a line of its own, if both are on a terminal. */
void relay_leave_line(struct relay *relay);

/* Has all been moved, or can nothing be moved any more? */
bool relay_is_done(const struct relay *relay);
