/* SPDX-License-Identifier: MIT */
/* QEMU started as a child, and the loop around poll() that moves bytes and decides when it has to end. */
#define _GNU_SOURCE /* pipe2, F_SETPIPE_SZ */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cli/message.h>
#include <cli/relay.h>
#include <cli/session.h>
#include <cli/terminal.h>

#define GRACE_MS   2000 /* from SIGTERM to SIGKILL */
#define ANSWER_MS  3000 /* for the hypervisor to say where the guest is */
#define QUIET_MS   2000 /* without a sign of life, a message says that things are under way, */
#define BUILD_MS   5000 /* or that the guest is being built */
#define FOREVER    INT64_MAX
#define ROOM       (1 << 20) /* bytes; what Linux lets anybody have */
#define NR_SOURCES 6

struct session {
    const struct session_request *request;
    pid_t child;
    bool has_ended, is_stopping;
    bool has_asked;  /* where the guest is, */
    size_t asked_at; /* after so many lines of the hypervisor's, */
    enum session_end asked_for;
    int wait_status;
    int signals;  /* signalfd */
    int child_in; /* the relayed console, our end; -1: closed */
    int child_out;
    int64_t deadline;    /* ms; when to stop, or when stopping, to kill */
    int64_t quiet_until; /* ms */
    struct session_result result;
    struct relay in, out;
    struct terminal terminal; /* then @in has nothing to read from */
};

static int64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- The start ---- */

struct ends {
    int in[2], out[2], error[2], started[2];
};

/* In the child.  What goes wrong is told through @ends->started, which exec() closes. */
_Noreturn static void become(const struct session_request *request, const struct ends *ends, pid_t parent)
{
    union {
        const char *const *given;
        char *const *taken; /* exec() changes nothing */
    } arguments = {request->arguments};
    int error;

    /* If this program is killed without a chance to clean up, the other goes as well. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    dup2(ends->in[0], STDIN_FILENO);
    dup2(ends->out[1], STDOUT_FILENO);
    dup2(ends->error[1], STDERR_FILENO);
    fcntl(request->log_write_fd, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, request->mask, NULL);
    execvp(arguments.taken[0], arguments.taken);
    error = errno;
    if (write(ends->started[1], &error, sizeof(error)) != (ssize_t)sizeof(error))
        _exit(126);
    _exit(127);
}

static int make_ends(struct ends *ends)
{
    if (pipe2(ends->in, O_CLOEXEC) || pipe2(ends->out, O_CLOEXEC) || pipe2(ends->error, O_CLOEXEC) ||
        pipe2(ends->started, O_CLOEXEC))
        return -errno;
    /*
     * A serial line does not wait: what a guest writes while this program, or whoever reads its output, does not come
     * to read it is lost once the pipe is full.  A smaller pipe is no reason to give up.
     */
    fcntl(ends->out[1], F_SETPIPE_SZ, ROOM);
    return 0;
}

static void make_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* 0, or a negative errno. */
static int start(struct session *session)
{
    const struct session_request *request = session->request;
    pid_t parent = getpid();
    struct ends ends;
    int error = make_ends(&ends);

    if (error)
        return error;
    session->child = fork();
    if (session->child == 0)
        become(request, &ends, parent);
    if (session->child < 0)
        return -errno;
    close(ends.in[0]);
    close(ends.out[1]);
    close(ends.error[1]);
    close(ends.started[1]);
    close(request->log_write_fd);
    if (read(ends.started[0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
        waitpid(session->child, NULL, 0);
        return -error;
    }
    close(ends.started[0]);
    session->child_in = ends.in[1];
    session->child_out = ends.out[0];
    request->qemu->from = ends.error[0];
    make_nonblocking(ends.out[0]);
    make_nonblocking(ends.error[0]);
    make_nonblocking(request->hypervisor->from);
    session->in = (struct relay){.from = request->is_on_terminal ? -1 : STDIN_FILENO, .to = ends.in[1]};
    session->out = (struct relay){.from = ends.out[0], .to = STDOUT_FILENO};
    return 0;
}

/* ---- The end ---- */

static void stop(struct session *session, enum session_end end, int code)
{
    if (session->is_stopping)
        return;
    session->is_stopping = true;
    session->result = (struct session_result){end, code, session->asked_at};
    session->deadline = now_ms() + GRACE_MS;
    if (!session->has_ended)
        kill(session->child, SIGTERM);
}

/* A hypervisor that has said nothing yet will not say where its guest is. */
static bool ask(struct session *session, enum session_end what_for)
{
    const struct log *log = session->request->hypervisor;

    if (session->has_asked || session->has_ended || !log->nr_lines || log->from < 0)
        return false;
    session->has_asked = send(log->from, "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
    session->asked_at = log->nr_lines;
    session->asked_for = what_for;
    return session->has_asked;
}

/* The end, once the hypervisor has said where the guest is; who asks for it twice does not want to wait. */
static void end_with_answer(struct session *session, enum session_end end)
{
    if (ask(session, end))
        session->deadline = now_ms() + ANSWER_MS;
    else
        stop(session, end, 0);
}

static bool is_answered(const struct session *session)
{
    return session->has_asked && !session->is_stopping &&
           !strcmp(log_last(session->request->hypervisor), "this is where the guest is");
}

static void on_deadline(struct session *session)
{
    if (!session->is_stopping) {
        end_with_answer(session, session->has_asked ? session->asked_for : SESSION_TIMEOUT);
        return;
    }
    kill(session->child, SIGKILL);
    session->deadline = FOREVER;
}

static void reap(struct session *session)
{
    int status;

    if (session->has_ended || waitpid(session->child, &status, WNOHANG) != session->child)
        return;
    session->has_ended = true;
    if (session->is_stopping)
        return;
    if (WIFSIGNALED(status))
        session->result = (struct session_result){.end = SESSION_KILLED, .code = WTERMSIG(status)};
    else
        session->result = (struct session_result){.end = SESSION_EXITED, .code = WEXITSTATUS(status)};
}

/* Stand still, guest and all, until somebody has us go on; meanwhile the terminal is another's. */
static void suspend(struct session *session)
{
    terminal_give_back(&session->terminal);
    if (!session->has_ended)
        kill(session->child, SIGSTOP);
    raise(SIGSTOP);
    if (!session->has_ended)
        kill(session->child, SIGCONT);
    terminal_take(&session->terminal);
}

static void on_signal(struct session *session)
{
    struct signalfd_siginfo seen;

    while (read(session->signals, &seen, sizeof(seen)) == (ssize_t)sizeof(seen)) {
        if (seen.ssi_signo == SIGTSTP)
            suspend(session);
        else if (seen.ssi_signo == SIGCONT)
            terminal_take(&session->terminal);
        else if (seen.ssi_signo != SIGCHLD)
            stop(session, SESSION_INTERRUPTED, (int)seen.ssi_signo);
    }
    reap(session);
}

/* ---- While it runs ---- */

/* Has all been read from QEMU?  After its end, what is in the pipes is all that will come. */
static bool is_drained(const struct session *session)
{
    struct pollfd polls[] = {
        {.fd = session->out.from, .events = POLLIN},
        {.fd = session->request->hypervisor->from, .events = POLLIN},
        {.fd = session->request->qemu->from, .events = POLLIN},
    };

    if (session->out.begin != session->out.end && !session->out.is_broken)
        return false;
    if (poll(polls, 3, 0) <= 0)
        return true;
    return !((polls[0].revents | polls[1].revents | polls[2].revents) & POLLIN);
}

/*
 * Input waits until something has come out: the serial line takes a byte before anybody has set it up, and setting it
 * up throws the byte away.
 */
static bool input_may_flow(const struct session *session)
{
    return session->child_in >= 0 && (session->out.has_moved || session->request->hypervisor->nr_lines);
}

static int poll_time(const struct session *session)
{
    int64_t next = session->deadline < session->quiet_until ? session->deadline : session->quiet_until;
    int64_t left = next == FOREVER ? -1 : next - now_ms();

    if (next == FOREVER)
        return -1;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void move_input(struct session *session, short events)
{
    relay_move(&session->in, events);
    /* A terminal has no end. */
    if (session->child_in >= 0 && !session->request->is_on_terminal && relay_is_done(&session->in)) {
        close(session->child_in);
        session->child_in = -1;
    }
}

/* Keys for the guest wait in the relay; those for which there is no room are lost, but not those for us. */
static void read_keys(struct session *session)
{
    struct relay *in = &session->in;
    char keys[256];
    size_t count;

    switch (terminal_read(&session->terminal, keys, sizeof(keys), &count)) {
    case TERMINAL_LEAVE:
        end_with_answer(session, SESSION_LEFT);
        break;
    case TERMINAL_HELP:
        say(TERMINAL_KEYS);
        break;
    case TERMINAL_NOTHING:
        break;
    }
    relay_put(in, keys, count);
}

static void move(struct session *session, const struct pollfd *polls)
{
    if (polls[0].revents)
        on_signal(session);
    relay_move(&session->out, polls[1].revents);
    if (session->out.is_broken && session->out.error == EPIPE)
        stop(session, SESSION_INTERRUPTED, SIGPIPE);
    else if (session->out.is_broken)
        stop(session, SESSION_OUTPUT_LOST, session->out.error);
    if (polls[2].revents)
        (void)log_read(session->request->hypervisor);
    if (polls[3].revents)
        (void)log_read(session->request->qemu);
    if (polls[4].revents)
        move_input(session, polls[4].revents);
    if (polls[5].revents)
        read_keys(session);
    if (polls[1].revents)
        session->quiet_until = FOREVER;
    else if (polls[2].revents)
        session->quiet_until = log_is_building(session->request->hypervisor) ? now_ms() + BUILD_MS : FOREVER;
}

/* Once. */
static void break_silence(struct session *session)
{
    if (log_is_building(session->request->hypervisor))
        say("the hypervisor is still building the guest: the more memory, the longer it takes");
    else
        say("started; nothing has come from the guest yet");
    session->quiet_until = FOREVER;
}

static void watch(struct session *session)
{
    /* Having been told to stop, it does not wait until somebody takes what is left of the output. */
    while (!session->has_ended || !(session->is_stopping || is_drained(session))) {
        struct pollfd polls[NR_SOURCES] = {
            {.fd = session->signals, .events = POLLIN},
            relay_poll(&session->out),
            {.fd = session->request->hypervisor->from, .events = POLLIN},
            {.fd = session->request->qemu->from, .events = POLLIN},
            {.fd = -1},
            {.fd = terminal_is_in_front(&session->terminal) ? session->terminal.fd : -1, .events = POLLIN},
        };

        if (input_may_flow(session))
            polls[4] = relay_poll(&session->in);
        if (poll(polls, NR_SOURCES, poll_time(session)) < 0 && errno != EINTR)
            stop(session, SESSION_INTERRUPTED, SIGTERM);
        else
            move(session, polls);
        if (now_ms() >= session->quiet_until)
            break_silence(session);
        if (is_answered(session))
            stop(session, session->asked_for, 0);
        if (now_ms() >= session->deadline)
            on_deadline(session);
    }
}

/* ---- All of it ---- */

/* Those that end this program, and those after which the terminal is another's or ours again. */
static void signals_that_matter(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGTSTP);
    sigaddset(set, SIGCONT);
}

void session_block_signals(sigset_t *before)
{
    sigset_t blocked;

    signals_that_matter(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, before);
    signal(SIGPIPE, SIG_IGN);
}

struct session_result session_run(const struct session_request *request)
{
    struct session session = {.request = request, .child_in = -1, .deadline = FOREVER, .quiet_until = FOREVER};
    sigset_t blocked;
    int error;

    signals_that_matter(&blocked);
    session.signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    error = session.signals < 0 ? -errno : start(&session);
    if (error)
        return (struct session_result){.end = SESSION_NOT_STARTED, .code = -error};
    session.terminal.fd = -1;
    if (request->is_on_terminal)
        terminal_open(&session.terminal);
    terminal_take(&session.terminal);
    if (request->timeout_seconds)
        session.deadline = now_ms() + (int64_t)request->timeout_seconds * 1000;
    if (!request->is_on_terminal)
        session.quiet_until = now_ms() + QUIET_MS;
    watch(&session);
    while (request->hypervisor->from >= 0 && log_read(request->hypervisor))
        continue;
    while (request->qemu->from >= 0 && log_read(request->qemu))
        continue;
    terminal_give_back(&session.terminal);
    close(session.signals);
    return session.result;
}
