/* SPDX-License-Identifier: MIT */
/* In order: lines; runs and their greeting; the one that is meant; what it is asked for. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cli/client.h>

#define GREETING_MS 5000 /* all of them */
#define LEAST_MS    500  /* one that comes behind others which took that long: it has had that time as well */
#define TICK_MS     200

/* ---- Lines. */

int64_t client_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A line that is longer than there is room for ends there. */
static bool take_line(struct client_run *run, char line[CLIENT_LINE_MAX + 1])
{
    const char *start = run->bytes + run->begin, *end = memchr(start, '\n', run->end - run->begin);
    size_t length = end ? (size_t)(end - start) : run->end - run->begin;

    if (!end && length < CLIENT_LINE_MAX)
        return false;
    if (length > CLIENT_LINE_MAX)
        length = CLIENT_LINE_MAX;
    memcpy(line, start, length);
    line[length] = '\0';
    run->begin += length + (end == start + length);
    return true;
}

/* False: it is gone. */
static bool receive(struct client_run *run)
{
    ssize_t got;

    memmove(run->bytes, run->bytes + run->begin, run->end - run->begin);
    run->end -= run->begin;
    run->begin = 0;
    got = recv(run->fd, run->bytes + run->end, sizeof(run->bytes) - run->end, 0);
    if (got > 0)
        run->end += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

enum client_wait client_read(struct client_run *run, int64_t deadline, char line[CLIENT_LINE_MAX + 1])
{
    while (!take_line(run, line)) {
        struct pollfd poll_for = {.fd = run->fd, .events = POLLIN};
        int64_t left = deadline - client_now();

        if (left <= 0)
            return CLIENT_LATE;
        progress_tick(-1);
        if (poll(&poll_for, 1, left < TICK_MS ? (int)left : TICK_MS) > 0 && !receive(run))
            return CLIENT_GONE;
    }
    return CLIENT_LINE;
}

bool client_ask(struct client_run *run, const struct ask *ask)
{
    char line[ASK_LINE_MAX + 2];
    size_t length;

    ask_print(ask, line);
    length = strlen(line);
    line[length++] = '\n';
    return send(run->fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* ---- Runs and their greeting. */

static enum client_wait read_greeting(struct client_run *run, int64_t deadline)
{
    int64_t least = client_now() + LEAST_MS;
    char line[CLIENT_LINE_MAX + 1];
    enum client_wait wait;

    deadline = deadline > least ? deadline : least;
    while ((wait = client_read(run, deadline, line)) == CLIENT_LINE && strcmp(line, "end") != 0) {
        if (!strcmp(line, "busy"))
            return CLIENT_BUSY;
        if (run->nr_guests < GUESTS_MAX && sscanf(line, "name %31s", run->names[run->nr_guests]) == 1)
            run->nr_guests++;
    }
    return wait;
}

enum status client_open(struct client *client)
{
    struct run_peer peers[RUN_PLACES_MAX];
    char why[RUN_PLACE_WHY_MAX];
    int count = run_place_connect(peers, why);
    int64_t deadline = client_now() + GREETING_MS;

    client->nr_runs = 0;
    if (count < 0) {
        say_error("the runs under way cannot be found: %s", why);
        return STATUS_FAILED;
    }
    for (int i = 0; i < count; i++) {
        struct client_run *run = &client->runs[client->nr_runs];
        enum client_wait wait;

        *run = (struct client_run){.fd = peers[i].fd, .pid = peers[i].pid};
        wait = read_greeting(run, deadline);
        if (wait == CLIENT_LINE) {
            client->nr_runs++;
            continue;
        }
        close(run->fd);
        if (wait == CLIENT_LATE)
            say("run %d does not answer, and is left out; is it stopped? `kill -CONT %d` lets it go on", (int)run->pid,
                (int)run->pid);
        else if (wait == CLIENT_BUSY)
            say("run %d speaks to as many commands as it can, and is left out; a console that is left makes room",
                (int)run->pid);
    }
    return STATUS_GOOD;
}

void client_close(struct client *client)
{
    for (unsigned i = 0; i < client->nr_runs; i++)
        close(client->runs[i].fd);
    client->nr_runs = 0;
}

/* ---- The one that is meant. */

static bool has_guest(const struct client_run *run, const char *name)
{
    for (unsigned i = 0; i < run->nr_guests; i++) {
        if (!strcmp(run->names[i], name))
            return true;
    }
    return false;
}

static enum status refuse_several(const struct client *client, const char *name)
{
    char list[256] = "";
    size_t length = 0;

    for (unsigned i = 0; i < client->nr_runs && length < sizeof(list) - 16; i++) {
        if (has_guest(&client->runs[i], name))
            length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%d", length ? ", " : "",
                                       (int)client->runs[i].pid);
    }
    say_error("%s: several runs have a guest of that name: %s; say which by --run", name, list);
    return STATUS_USAGE;
}

enum status client_find(struct client *client, const char *name, pid_t pid, struct client_run **run)
{
    enum status status = client_open(client);
    unsigned found = 0;

    if (status)
        return status;
    for (unsigned i = 0; i < client->nr_runs; i++) {
        if ((pid && client->runs[i].pid != pid) || !has_guest(&client->runs[i], name))
            continue;
        *run = &client->runs[i];
        found++;
    }
    if (found == 1)
        return STATUS_GOOD;
    if (found > 1)
        return refuse_several(client, name);
    if (pid)
        say_error("%s: run %d is not under way, or has no guest of that name; `paravane list` shows them", name,
                  (int)pid);
    else
        say_error("%s: no run under way has a guest of that name; `paravane list` shows them", name);
    return STATUS_USAGE;
}

/* ---- What it is asked for. */

enum status client_tell_gone(const struct ask *ask)
{
    say_error("%s: its run has ended without an answer", ask->name);
    return STATUS_FAILED;
}

static void say_late(const struct ask *ask)
{
    if (ask->verb == ASK_UNPLUG)
        say_error("%s: %s: out of time: the guest has not let go of it; it goes when that happens, and "
                  "`paravane unplug --force %s %s` removes it at once",
                  ask->name, ask->device, ask->name, ask->device);
    else
        say_error("%s: the hypervisor has not answered; while it builds a guest it does not", ask->name);
}

enum status client_request(struct client_run *run, const struct ask *ask, int64_t deadline)
{
    char line[CLIENT_LINE_MAX + 1];
    enum client_wait wait;

    if (!client_ask(run, ask))
        return client_tell_gone(ask);
    wait = client_read(run, deadline, line);
    if (wait == CLIENT_LATE) {
        say_late(ask);
        return STATUS_TIMEOUT;
    }
    if (wait == CLIENT_GONE)
        return client_tell_gone(ask);
    if (strncmp(line, "ok", 2) != 0) {
        say_error("%s%s%s: %s", ask->name, *ask->device ? ": " : "", ask->device,
                  strncmp(line, "no ", 3) ? line : line + 3);
        return STATUS_REFUSED;
    }
    if (strstr(line, "has not said that it listens"))
        say("%s has not said that it listens to such a wish: it may still be booting, or never do", ask->name);
    return STATUS_GOOD;
}
