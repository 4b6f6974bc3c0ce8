/* SPDX-License-Identifier: MIT */
/* A buffer between two descriptors that do not block: filled when it is empty, then drained. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cli/relay.h>

static bool is_empty(const struct relay *relay)
{
    return relay->begin == relay->end;
}

struct pollfd relay_poll(const struct relay *relay)
{
    if (relay->is_broken)
        return (struct pollfd){.fd = -1};
    if (!is_empty(relay))
        return (struct pollfd){.fd = relay->to, .events = POLLOUT};
    return (struct pollfd){.fd = relay->from, .events = POLLIN};
}

static bool is_passing(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

static void fill(struct relay *relay)
{
    ssize_t got = read(relay->from, relay->buffer, sizeof(relay->buffer));

    if (got < 0 && is_passing(errno))
        return;
    if (got <= 0) {
        relay->from = -1;
        return;
    }
    relay->begin = 0;
    relay->end = (size_t)got;
    relay->has_moved = true;
}

static void drain(struct relay *relay)
{
    ssize_t put = write(relay->to, relay->buffer + relay->begin, relay->end - relay->begin);

    if (put > 0) {
        relay->begin += (size_t)put;
        relay->in_line = relay->buffer[relay->begin - 1] != '\n';
    } else if (put < 0 && !is_passing(errno)) {
        relay->is_broken = true;
        relay->error = errno;
    }
}

void relay_move(struct relay *relay, short events)
{
    if (is_empty(relay) && (events & (POLLIN | POLLHUP | POLLERR)))
        fill(relay);
    else if (!is_empty(relay) && (events & (POLLOUT | POLLERR)))
        drain(relay);
}

size_t relay_room(const struct relay *relay)
{
    return sizeof(relay->buffer) - (relay->end - relay->begin);
}

void relay_put(struct relay *relay, const char *bytes, size_t count)
{
    if (relay->begin > 0)
        memmove(relay->buffer, relay->buffer + relay->begin, relay->end - relay->begin);
    relay->end -= relay->begin;
    relay->begin = 0;
    if (count > sizeof(relay->buffer) - relay->end)
        count = sizeof(relay->buffer) - relay->end;
    memcpy(relay->buffer + relay->end, bytes, count);
    relay->end += count;
}

bool relay_ends_in_line(const struct relay *relay)
{
    return is_empty(relay) ? relay->in_line : relay->buffer[relay->end - 1] != '\n';
}

void relay_leave_line(struct relay *relay)
{
    if (relay->in_line && isatty(relay->to) && isatty(STDERR_FILENO))
        fputc('\n', stderr);
    relay->in_line = false;
}

bool relay_is_done(const struct relay *relay)
{
    return relay->is_broken || (relay->from < 0 && is_empty(relay));
}
