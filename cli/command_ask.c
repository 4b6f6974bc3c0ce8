/* SPDX-License-Identifier: MIT */
/* Something is asked for; the end that was is waited for. */
#include <stdio.h>
#include <string.h>

#include <cli/client.h>
#include <cli/command_ask.h>

#define FOREVER INT64_MAX

/* By verb. */
static const struct {
    const char *end;     /* what the hypervisor says of the end that is wanted; NULL: none is */
    const char *waiting; /* for it */
} wanted[] = {
    [ASK_POWEROFF] = {"powered off", "waiting until it powers off"},
    [ASK_REBOOT] = {"wants to reboot", "waiting until it reboots"},
    [ASK_DESTROY] = {"was destroyed", "waiting until it is gone"},
    [ASK_REMOVE] = {NULL, NULL},
};

static enum status tell_end(const struct control_options *options, const char *words)
{
    const char *name = options->ask.name;

    if (!strcmp(words, wanted[options->ask.verb].end)) {
        say("%s %s", name, options->ask.verb == ASK_REBOOT ? "reboots" : words);
        return STATUS_GOOD;
    }
    say_error("%s came to another end: %s", name, words);
    return STATUS_CRASHED;
}

static int64_t deadline_of(const struct control_options *options)
{
    return options->timeout_seconds ? client_now() + (int64_t)options->timeout_seconds * 1000 : FOREVER;
}

/* A guest may take its time to let go of a device; the hypervisor answers at once. */
static enum status request(struct client_run *run, const struct control_options *options)
{
    bool waits = options->ask.verb == ASK_UNPLUG;
    enum status status;

    if (waits)
        progress_begin("waiting until the guest lets go of it");
    status = client_request(run, &options->ask, waits ? deadline_of(options) : client_now() + CLIENT_ANSWER_MS);
    if (waits)
        progress_end();
    return status;
}

static enum status wait_for_end(struct client_run *run, const struct control_options *options)
{
    unsigned seconds = options->timeout_seconds;
    char line[CLIENT_LINE_MAX + 1];
    enum client_wait wait;

    progress_begin(wanted[options->ask.verb].waiting);
    wait = client_read(run, deadline_of(options), line);
    progress_end();
    if (wait == CLIENT_LATE) {
        say_error("%s: out of time after %u seconds: it runs on; `paravane destroy %s` ends it", options->ask.name,
                  seconds, options->ask.name);
        return STATUS_TIMEOUT;
    }
    if (wait == CLIENT_GONE || strncmp(line, "ended ", 6) != 0)
        return client_tell_gone(&options->ask);
    return tell_end(options, line + 6);
}

enum status command_ask(const struct control_options *options)
{
    static struct client client;
    struct client_run *run;
    enum status status = client_find(&client, options->ask.name, options->run, &run);

    if (!status)
        status = request(run, options);
    if (!status && wanted[options->ask.verb].end)
        status = wait_for_end(run, options);
    client_close(&client);
    return status;
}
