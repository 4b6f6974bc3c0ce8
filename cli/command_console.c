/* SPDX-License-Identifier: MIT */
/* In order: keys; signals; the loop; the way to it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cli/client.h>
#include <cli/command_console.h>
#include <cli/relay.h>
#include <cli/session.h>
#include <cli/terminal.h>

#define KEYS "Ctrl-A x leaves this console, and the guest goes on; Ctrl-A a sends Ctrl-A, Ctrl-A h says this"

struct attached {
    struct terminal terminal;
    struct relay in, out; /* to the run, from it */
    int signals;          /* signalfd */
    int died_of;          /* 0: no signal */
    bool has_left;
};

/* ---- Keys. */

/* Those of several guests' consoles mean nothing here; keys for which there is no room are lost. */
static void read_keys(struct attached *attached)
{
    terminal_read(&attached->terminal);
    while (terminal_has_keys(&attached->terminal) && !attached->has_left) {
        char keys[TERMINAL_ROOM];
        size_t count;
        enum terminal_wish wish = terminal_take_keys(&attached->terminal, keys, &count);

        relay_put(&attached->in, keys, count);
        attached->has_left = wish == TERMINAL_LEAVE;
        if (wish == TERMINAL_HELP) {
            relay_leave_line(&attached->out);
            say("%s", KEYS);
        }
    }
}

/* ---- Signals. */

static void suspend(struct attached *attached)
{
    terminal_give_back(&attached->terminal);
    raise(SIGSTOP);
    terminal_take(&attached->terminal);
}

static void on_signal(struct attached *attached)
{
    struct signalfd_siginfo seen;

    while (read(attached->signals, &seen, sizeof(seen)) == (ssize_t)sizeof(seen)) {
        if (seen.ssi_signo == SIGTSTP)
            suspend(attached);
        else if (seen.ssi_signo == SIGCONT)
            terminal_take(&attached->terminal);
        else if (seen.ssi_signo != SIGCHLD)
            attached->died_of = (int)seen.ssi_signo;
    }
}

/* ---- The loop. */

static bool is_over(const struct attached *attached)
{
    return attached->has_left || attached->died_of || attached->out.is_broken || relay_is_done(&attached->out);
}

static void move(struct attached *attached)
{
    bool takes_keys = terminal_is_in_front(&attached->terminal) && attached->in.begin == attached->in.end;
    struct pollfd polls[] = {
        {.fd = attached->signals, .events = POLLIN},
        relay_poll(&attached->in),
        relay_poll(&attached->out),
        {.fd = takes_keys ? attached->terminal.fd : -1, .events = POLLIN},
    };

    if (poll(polls, sizeof(polls) / sizeof(polls[0]), -1) < 0)
        return;
    if (polls[0].revents)
        on_signal(attached);
    relay_move(&attached->in, polls[1].revents);
    relay_move(&attached->out, polls[2].revents);
    if (polls[3].revents)
        read_keys(attached);
}

/* The terminal is as it was, and signals are not blocked any more. */
static enum status tell_end(struct attached *attached, const char *name)
{
    relay_leave_line(&attached->out);
    if (attached->out.is_broken && attached->out.error == EPIPE)
        attached->died_of = SIGPIPE;
    if (attached->died_of) {
        signal(attached->died_of, SIG_DFL);
        raise(attached->died_of);
    }
    if (attached->out.is_broken) {
        say_error("stdout cannot be written: %s", strerror(attached->out.error));
        return STATUS_FAILED;
    }
    if (attached->has_left)
        say("left; %s goes on", name);
    else
        say("%s: its run has ended", name);
    return STATUS_GOOD;
}

/* What has come behind the run's answer is the console's. */
static enum status attach(struct client_run *run, const char *name)
{
    bool is_on_terminal = isatty(STDIN_FILENO) == 1;
    struct attached attached = {
        .in = {.from = is_on_terminal ? -1 : STDIN_FILENO, .to = run->fd},
        .out = {.from = run->fd, .to = STDOUT_FILENO},
        .terminal = {.fd = -1},
    };
    sigset_t mask;

    attached.signals = session_open_signals(&mask);
    if (attached.signals < 0) {
        say_error("signals cannot be had: %s", strerror(errno));
        return STATUS_FAILED;
    }
    if (is_on_terminal) {
        terminal_open(&attached.terminal);
        say("this is the console of %s; Ctrl-A x leaves", name);
    }
    terminal_take(&attached.terminal);
    relay_put(&attached.out, run->bytes + run->begin, run->end - run->begin);
    while (!is_over(&attached))
        move(&attached);
    terminal_give_back(&attached.terminal);
    close(attached.signals);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return tell_end(&attached, name);
}

/* ---- The way to it. */

enum status command_console(const struct control_options *options)
{
    static struct client client;
    struct client_run *run;
    enum status status = client_find(&client, options->ask.name, options->run, &run);

    if (!status)
        status = client_request(run, &options->ask, client_now() + CLIENT_ANSWER_MS);
    if (!status)
        status = attach(run, options->ask.name);
    client_close(&client);
    return status;
}
