/* SPDX-License-Identifier: MIT */
/* The loop around poll() that moves bytes while QEMU runs, and decides when it has to end. */
#define _GNU_SOURCE /* pipe2, F_SETPIPE_SZ */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cli/child.h>
#include <cli/message.h>
#include <cli/relay.h>
#include <cli/session.h>
#include <cli/silence.h>
#include <cli/terminal.h>

#define GRACE_MS       2000  /* from SIGTERM to SIGKILL, */
#define WRITING_MS     58000 /* and so much more where there may be disks that are written until then */
#define ANSWER_MS      3000  /* for the hypervisor to say where each guest is */
#define PATIENT_MS     1000  /* a line of the log waits so long for the end of the guest's */
#define TRACE_MS       2     /* between looks at what is traced */
#define FOREVER        INT64_MAX
#define SOURCE_CONTROL (SOURCE_CONSOLES + CONSOLES_POLLED)
#define NR_SOURCES     (SOURCE_CONTROL + CONTROL_POLLED)

/* What is polled. */
enum { SOURCE_SIGNALS, SOURCE_OUT, SOURCE_HYPERVISOR, SOURCE_QEMU, SOURCE_IN, SOURCE_KEYS, SOURCE_CONSOLES };

struct session {
    const struct session_request *request;
    struct child child; /* its stdin stays open when ours ends: others may type as well */
    bool has_ended, is_stopping;
    bool is_waited_for; /* it has not stopped soon, and is given time for its disks */
    bool has_asked;     /* where each guest is, */
    size_t asked_at;    /* after so many lines of the hypervisor's, */
    enum session_end asked_for;
    int wait_status;
    int signals;           /* signalfd */
    int typed;             /* what comes there is for the guest in front of several; -1: nothing, or it is a terminal */
    int64_t deadline;      /* ms; when to stop, or when stopping, to kill */
    int64_t patient_until; /* the same: then lines of the log are shown, though the guest's is under way */
    struct silence silence;
    struct session_result result;
    struct relay in, out;     /* of several guests, @out is written by @request->consoles, */
    struct terminal terminal; /* and @in by them as well, if not by this */
};

static int64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- The start ---- */

/* Do the guest's words and ours go into one file, where nobody sees them come? */
static bool is_mixed(void)
{
    struct stat out, error;

    return !isatty(STDOUT_FILENO) && !fstat(STDOUT_FILENO, &out) && !fstat(STDERR_FILENO, &error) &&
           out.st_dev == error.st_dev && out.st_ino == error.st_ino;
}

/* Whose bytes the line has: the one guest's, or several guests', to be taken apart and put together. */
static void connect_consoles(struct session *session)
{
    const struct session_request *request = session->request;
    bool are_several = consoles_are_there(request->consoles);
    int input = request->is_on_terminal ? -1 : STDIN_FILENO;

    session->in = (struct relay){.from = are_several ? -1 : input, .to = session->child.in};
    session->out = (struct relay){.from = are_several ? -1 : session->child.out, .to = STDOUT_FILENO};
    session->typed = are_several ? input : -1;
    request->hypervisor->beside = request->qemu->beside = &session->out;
    request->hypervisor->is_mixed = request->qemu->is_mixed = is_mixed();
    if (are_several)
        consoles_begin(request->consoles, session->child.out, &session->out, request->control, request->is_on_terminal);
}

/* 0, or a negative errno. */
static int start(struct session *session)
{
    const struct session_request *request = session->request;
    int from = request->hypervisor->from;
    int error = child_start(&(struct child_program){.arguments = request->arguments,
                                                    .mask = request->mask,
                                                    .kept_fd = request->log_write_fd},
                            &session->child);

    if (error)
        return error;
    request->qemu->from = session->child.error;
    fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK);
    connect_consoles(session);
    return 0;
}

/* ---- The end ---- */

static void stop(struct session *session, enum session_end end, int code)
{
    if (session->is_stopping)
        return;
    session->is_stopping = true;
    session->result = (struct session_result){.end = end, .code = code, .asked_at = session->asked_at};
    session->deadline = now_ms() + GRACE_MS;
    if (!session->has_ended)
        kill(session->child.pid, SIGTERM);
}

/* It has not stopped in time. */
static void finish(struct session *session)
{
    if (session->has_ended)
        return;
    if (session->request->has_devices && !session->is_waited_for) {
        session->is_waited_for = true;
        session->deadline = now_ms() + WRITING_MS;
        say("QEMU still writes what the disks were given; to end it at once, and lose that, ask once more");
        return;
    }
    kill(session->child.pid, SIGKILL);
    session->deadline = FOREVER;
    if (session->is_waited_for)
        say_error("QEMU has been killed: what it had not written to the disks is lost");
}

/* Somebody wants it to end, and may have wanted that before. */
static void stop_at_once(struct session *session, enum session_end end, int code)
{
    if (session->is_waited_for && session->deadline != FOREVER)
        finish(session);
    else
        stop(session, end, code);
}

/* A hypervisor that has said nothing yet will not say where its guests are. */
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

/* The end, once the hypervisor has said where each guest is; who asks for it twice does not want to wait. */
static void end_with_answer(struct session *session, enum session_end end)
{
    if (!session->is_stopping && ask(session, end))
        session->deadline = now_ms() + ANSWER_MS;
    else
        stop_at_once(session, end, 0);
}

static bool is_answered(const struct session *session)
{
    return session->has_asked && !session->is_stopping &&
           !strcmp(log_last(session->request->hypervisor), "this is where each guest is");
}

static void on_deadline(struct session *session)
{
    if (session->is_stopping)
        finish(session);
    else
        end_with_answer(session, session->has_asked ? session->asked_for : SESSION_TIMEOUT);
}

static void reap(struct session *session)
{
    int status;

    if (session->has_ended || waitpid(session->child.pid, &status, WNOHANG) != session->child.pid)
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
        kill(session->child.pid, SIGSTOP);
    raise(SIGSTOP);
    if (!session->has_ended)
        kill(session->child.pid, SIGCONT);
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
            stop_at_once(session, SESSION_INTERRUPTED, (int)seen.ssi_signo);
    }
    reap(session);
}

/* ---- While it runs ---- */

/* Has all been read from QEMU?  After its end, what is in the pipes is all that will come. */
static bool is_drained(const struct session *session)
{
    struct pollfd polls[] = {
        {.fd = session->child.out, .events = POLLIN},
        {.fd = session->request->hypervisor->from, .events = POLLIN},
        {.fd = session->request->qemu->from, .events = POLLIN},
    };

    if ((session->out.begin != session->out.end && !session->out.is_broken) ||
        consoles_are_busy(session->request->consoles))
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
    return session->out.has_moved || session->request->hypervisor->nr_lines;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int poll_time(const struct session *session)
{
    int64_t next = earliest(session->deadline, earliest(session->silence.until, session->patient_until));
    int64_t left = next == FOREVER ? -1 : next - now_ms();

    if (control_is_behind(session->request->control))
        return 0;
    if (session->request->trace->is_on || session->request->record->is_on)
        return TRACE_MS;
    if (next == FOREVER)
        return -1;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Of one guest the relay reads itself. */
static void read_typed(struct session *session)
{
    char bytes[RELAY_BUFFER / 2 - 2]; /* there is room for it, even if each byte takes two, behind a selection */
    ssize_t got = read(session->typed, bytes, sizeof(bytes));

    if (got > 0)
        consoles_type(session->request->consoles, &session->in, bytes, (size_t)got);
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        session->typed = -1;
}

static void help(struct session *session)
{
    relay_leave_line(&session->out);
    say("%s", consoles_are_there(session->request->consoles) ? TERMINAL_KEYS_OF_GUESTS : TERMINAL_KEYS);
}

/* Those of guests mean nothing where there is one. */
static void fulfil(struct session *session, enum terminal_wish wish)
{
    struct consoles *consoles = session->request->consoles;

    if (wish == TERMINAL_LEAVE)
        end_with_answer(session, SESSION_LEFT);
    else if (wish == TERMINAL_HELP)
        help(session);
    else if (!consoles_are_there(consoles))
        return;
    else if (wish == TERMINAL_GUEST)
        consoles_bring(consoles, session->terminal.place);
    else if (wish == TERMINAL_NEXT)
        consoles_bring_next(consoles);
    else if (wish == TERMINAL_LIST)
        consoles_ask(consoles, &session->in);
}

/* Keys for the guest wait in the relay; those for which there is no room are lost, but not those for us. */
static void read_keys(struct session *session)
{
    struct consoles *consoles = session->request->consoles;

    terminal_read(&session->terminal);
    while (terminal_has_keys(&session->terminal)) {
        char keys[TERMINAL_ROOM];
        size_t count;
        enum terminal_wish wish = terminal_take_keys(&session->terminal, keys, &count);

        if (consoles_are_there(consoles))
            consoles_type(consoles, &session->in, keys, count);
        else
            relay_put(&session->in, keys, count);
        fulfil(session, wish);
        /* What has been typed behind that is for nobody. */
        if (wish == TERMINAL_LEAVE)
            return;
    }
}

static void stop_without_output(struct session *session, const char *lost, int error)
{
    stop(session, SESSION_OUTPUT_LOST, error);
    if (session->result.end == SESSION_OUTPUT_LOST)
        session->result.lost = lost;
}

static void move_consoles(struct session *session, const struct pollfd *line)
{
    struct consoles *consoles = session->request->consoles;
    const char *broken;
    int error = 0;

    if (!consoles_are_there(consoles))
        return;
    consoles_read(consoles, line->revents);
    consoles_work(consoles);
    consoles_type(consoles, &session->in, NULL, 0);
    broken = consoles_broken(consoles, &error);
    if (broken)
        stop_without_output(session, broken, error);
}

/* Of one guest, what has just been read is in the relay; consoles show theirs themselves. */
static void move_out(struct session *session, short events)
{
    struct relay *out = &session->out;
    bool was_empty = out->begin == out->end;

    relay_move(out, events);
    if (was_empty && !consoles_are_there(session->request->consoles))
        control_show(session->request->control, 0, out->buffer + out->begin, out->end - out->begin);
}

/* What is typed at another terminal. */
static void move_control(struct session *session, const struct pollfd *polls)
{
    struct consoles *consoles = session->request->consoles;
    char keys[CONTROL_KEYS_MAX];
    unsigned place;
    size_t count;

    control_move(session->request->control, polls);
    while (relay_room(&session->in) >= 2 * CONTROL_KEYS_MAX + 2 &&
           control_take_keys(session->request->control, &place, keys, &count)) {
        if (consoles_are_there(consoles))
            consoles_type_for(consoles, &session->in, place, keys, count);
        else
            relay_put(&session->in, keys, count);
    }
}

static void move(struct session *session, const struct pollfd *polls)
{
    bool was_behind = control_is_behind(session->request->control);

    if (polls[SOURCE_SIGNALS].revents)
        on_signal(session);
    move_control(session, polls + SOURCE_CONTROL);
    move_out(session, polls[SOURCE_OUT].revents);
    if (session->out.is_broken && session->out.error == EPIPE)
        stop(session, SESSION_INTERRUPTED, SIGPIPE);
    else if (session->out.is_broken)
        stop_without_output(session, "stdout", session->out.error);
    if (polls[SOURCE_HYPERVISOR].revents)
        (void)log_read(session->request->hypervisor);
    if (polls[SOURCE_QEMU].revents)
        (void)log_read(session->request->qemu);
    if (polls[SOURCE_IN].revents)
        relay_move(&session->in, polls[SOURCE_IN].revents);
    if (polls[SOURCE_KEYS].revents && session->typed >= 0)
        read_typed(session);
    else if (polls[SOURCE_KEYS].revents)
        read_keys(session);
    move_consoles(session, &polls[SOURCE_CONSOLES]);
    /* A guest's last words are in the pipe when its end is told. */
    if (was_behind && !polls[SOURCE_OUT].revents && !polls[SOURCE_CONSOLES].revents)
        control_catch_up(session->request->control);
    if (polls[SOURCE_OUT].revents || polls[SOURCE_CONSOLES].revents)
        silence_hear_guest(&session->silence, session->request->control, now_ms());
    else if (polls[SOURCE_HYPERVISOR].revents)
        silence_hear_hypervisor(&session->silence, session->request->control, now_ms());
}

/* What the hypervisor and QEMU have said while the guest's line was under way: some guests never end theirs. */
static void show_late(struct session *session)
{
    bool is_time = now_ms() >= session->patient_until;
    bool hypervisor_waits = log_catch_up(session->request->hypervisor, is_time);
    bool qemu_waits = log_catch_up(session->request->qemu, is_time);

    if (!hypervisor_waits && !qemu_waits)
        session->patient_until = FOREVER;
    else if (session->patient_until == FOREVER)
        session->patient_until = now_ms() + PATIENT_MS;
}

/* From whom there are keys to be read. */
static struct pollfd poll_keys(const struct session *session)
{
    bool has_room = session->in.begin == session->in.end;

    if (session->typed >= 0)
        return (struct pollfd){.fd = has_room ? session->typed : -1, .events = POLLIN};
    return (struct pollfd){.fd = terminal_is_in_front(&session->terminal) ? session->terminal.fd : -1,
                           .events = POLLIN};
}

static void gather(const struct session *session, struct pollfd polls[NR_SOURCES])
{
    polls[SOURCE_SIGNALS] = (struct pollfd){.fd = session->signals, .events = POLLIN};
    polls[SOURCE_OUT] = relay_poll(&session->out);
    polls[SOURCE_HYPERVISOR] = (struct pollfd){.fd = session->request->hypervisor->from, .events = POLLIN};
    polls[SOURCE_QEMU] = (struct pollfd){.fd = session->request->qemu->from, .events = POLLIN};
    polls[SOURCE_IN] = input_may_flow(session) ? relay_poll(&session->in) : (struct pollfd){.fd = -1};
    polls[SOURCE_KEYS] = poll_keys(session);
    consoles_poll(session->request->consoles, polls + SOURCE_CONSOLES);
    control_poll(session->request->control, polls + SOURCE_CONTROL);
}

static void watch(struct session *session)
{
    /* Having been told to stop, it does not wait until somebody takes what is left of the output. */
    while (!session->has_ended || !(session->is_stopping || is_drained(session))) {
        struct pollfd polls[NR_SOURCES];

        gather(session, polls);
        if (poll(polls, NR_SOURCES, poll_time(session)) < 0 && errno != EINTR)
            stop(session, SESSION_INTERRUPTED, SIGTERM);
        else
            move(session, polls);
        show_late(session);
        trace_drain(session->request->trace);
        record_drain(session->request->record);
        if (now_ms() >= session->silence.until)
            silence_break(&session->silence, session->request->control, consoles_are_there(session->request->consoles));
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

static int open_signals(void)
{
    sigset_t blocked;

    signals_that_matter(&blocked);
    return signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
}

int session_open_signals(sigset_t *before)
{
    session_block_signals(before);
    return open_signals();
}

struct session_result session_run(const struct session_request *request)
{
    struct session session = {
        .request = request, .deadline = FOREVER, .silence.until = SILENCE_NEVER, .patient_until = FOREVER};
    int error;

    session.signals = open_signals();
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
        silence_begin(&session.silence, now_ms());
    watch(&session);
    while (request->hypervisor->from >= 0 && log_read(request->hypervisor))
        continue;
    while (request->qemu->from >= 0 && log_read(request->qemu))
        continue;
    log_catch_up(request->hypervisor, true);
    log_catch_up(request->qemu, true);
    relay_leave_line(&session.out);
    request->hypervisor->beside = request->qemu->beside = NULL;
    terminal_give_back(&session.terminal);
    close(session.signals);
    return session.result;
}
