/* SPDX-License-Identifier: MIT */
/* The steps of a run: make what is run, start QEMU, tell how it ended, tidy up. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cli/ending.h>
#include <cli/map.h>
#include <cli/payload.h>
#include <cli/qemu.h>
#include <cli/run.h>

struct run {
    const struct run_options *options;
    struct payload payload;
    const struct guest *reported; /* the one that the hypervisor spoke of last; NULL: the back end */
    struct outcomes outcomes;
    struct consoles consoles;
    struct control control;
    struct log hypervisor_log, qemu_log;
    struct proof proof;
    struct errand errand;
    struct trace trace;
    struct record record;
};

/* What a console is written to is emptied. */
static enum status spare_inputs(const struct run *run)
{
    for (unsigned i = 0; i < run->options->nr_guests; i++) {
        const char *path = run->options->guests[i].console;

        if (!payload_is_made_of(&run->payload, path))
            continue;
        say_error("--console: %s is a kernel, ramdisk or disk of this run, and would be written over; name another "
                  "file",
                  path);
        return STATUS_USAGE;
    }
    return STATUS_GOOD;
}

/* Each guest with a console to itself has an end of its own. */
static enum status open_consoles(struct run *run)
{
    const char *paths[GUESTS_MAX];
    enum status status = spare_inputs(run);

    if (status || !options_have_consoles(run->options))
        return status;
    run->outcomes.count = run->options->nr_guests;
    for (unsigned i = 0; i < run->outcomes.count; i++) {
        run->outcomes.list[i] = (struct outcome){.number = run->payload.guests[i].number,
                                                 .name = guest_title(&run->payload.guests[i]),
                                                 .ends_by_reboot = run->options->guests[i].ends_by_reboot};
        paths[i] = run->options->guests[i].console;
    }
    return consoles_open(&run->consoles, &run->outcomes, paths);
}

/* It was this program that ended QEMU. */
static bool take_noise(void *owner, const char *line)
{
    (void)owner;
    return strstr(line, "terminating on signal");
}

static bool take_line(void *owner, const char *line)
{
    struct run *run = owner;

    outcomes_note(&run->outcomes, line);
    errand_note(&run->errand, line);
    trace_note(&run->trace, line);
    record_note(&run->record, line);
    return control_note(&run->control, line) || proof_take(&run->proof, line);
}

static const struct guest *find_guest(const struct run *run, unsigned number)
{
    for (unsigned i = 0; i < run->options->nr_guests; i++) {
        if (run->payload.guests[i].number == number)
            return &run->payload.guests[i];
    }
    return NULL;
}

/* Where a guest was is told in a line that names it, or behind one. */
static bool add_symbol(void *owner, const char *line, char *to, size_t size)
{
    struct run *run = owner;
    unsigned number;

    if (sscanf(line, " " LOG_GUEST "%u", &number) == 1 || sscanf(line, "{\"domain\":%u", &number) == 1)
        run->reported = find_guest(run, number);
    return run->reported && symbols_add(&run->reported->symbols, line, to, size);
}

static enum status compose(const struct run *run, int log_fd, struct qemu_command *command)
{
    const struct qemu_request request = {
        .options = run->options,
        .hypervisor = run->payload.hypervisor,
        .bundle = run->payload.bundle,
        .bundle_size = run->payload.bundle_size,
        .proof = run->proof.text,
        .memory = run->trace.is_on    ? run->trace.path
                  : run->record.is_on ? run->record.memory.path
                                      : NULL,
        .traces = run->trace.is_on,
        .traces_deep = !run->trace.is_summary,
        .traces_traps = run->trace.has_traps,
        .records = run->record.is_on,
        .log_fd = log_fd,
    };

    qemu_compose(&request, command);
    if (run->options->verbose)
        qemu_show(stderr, "paravane: ", command);
    if (run->options->gdb_port)
        say_error("waits for: gdb -ex 'target remote localhost:%u' %s", run->options->gdb_port,
                  run->payload.hypervisor);
    return qemu_check_memory(&request);
}

static void begin_logs(struct run *run, int from)
{
    run->hypervisor_log = (struct log){.from = from,
                                       .prefix = "",
                                       .is_live = run->options->verbose || run->options->explain,
                                       .has_objects = run->options->explains_as_json,
                                       .take = take_line,
                                       .amend = add_symbol,
                                       .owner = run,
                                       .guest = run->payload.guests[0].number};
    run->qemu_log = (struct log){.from = -1, .prefix = "qemu: ", .is_live = true, .take = take_noise};
}

/* Commands are told of each guest's end, a reboot included. */
static void open_control(struct run *run)
{
    struct outcomes guests = {.count = run->options->nr_guests};

    for (unsigned i = 0; i < guests.count; i++)
        guests.list[i] = (struct outcome){.number = run->payload.guests[i].number,
                                          .name = run->payload.guests[i].domain_name,
                                          .ends_by_reboot = true};
    control_open(&run->control, &guests, run->options->guests, &run->hypervisor_log);
}

static enum status open_trace(struct run *run)
{
    run->trace.guests = run->payload.guests;
    run->trace.nr_guests = run->options->nr_guests;
    return trace_open(&run->trace, run->options->trace, run->options->trace_only, run->options->trace_to);
}

static void announce(const struct run *run)
{
    say("starting %s%s; Ctrl-A x leaves", guest_title(&run->payload.guests[0]),
        run->options->nr_guests > 1 ? " and others; Ctrl-A h says how to get to them" : "");
}

static enum status tell(const struct run *run, const struct session_result *result)
{
    return ending_tell(&(struct ending){
        .result = *result,
        .proof = &run->proof,
        .errand = &run->errand,
        .hypervisor = &run->hypervisor_log,
        .qemu = &run->qemu_log,
        .outcomes = &run->outcomes,
        .options = run->options,
        .clues = run->control.clues,
        .timeout_seconds = run->options->timeout_seconds,
    });
}

static enum status boot(struct run *run, struct session_result *result)
{
    bool is_on_terminal = isatty(STDIN_FILENO) == 1;
    struct qemu_command command;
    int ends[2];
    enum status status = proof_make(&run->proof);

    if (status)
        return status;
    /* Both ways: a byte that goes to the hypervisor asks where the guests are. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        say_error("no sockets can be made: %s", strerror(errno));
        return STATUS_FAILED;
    }
    status = compose(run, ends[1], &command);
    if (status) {
        close(ends[0]);
        close(ends[1]);
        qemu_free(&command);
        return status;
    }
    if (is_on_terminal)
        announce(run);
    begin_logs(run, ends[0]);
    open_control(run);
    *result = session_run(&(struct session_request){
        .arguments = command.arguments,
        .is_on_terminal = is_on_terminal,
        .has_devices = options_have_devices(run->options),
        .consoles = &run->consoles,
        .control = &run->control,
        .trace = &run->trace,
        .record = &run->record,
        .mask = &run->payload.mask,
        .timeout_seconds = run->options->timeout_seconds,
        .log_write_fd = ends[1],
        .hypervisor = &run->hypervisor_log,
        .qemu = &run->qemu_log,
    });
    control_close(&run->control);
    qemu_free(&command);
    return tell(run, result);
}

/* The recording goes where it is asked for, or, where only a map of it is, to the bundle, and away with it. */
static const char *recording_place(const struct run *run, char place[static PATH_MAX])
{
    if (run->options->record)
        return run->options->record;
    snprintf(place, PATH_MAX, "%.*s/recording", PATH_MAX - 16, run->payload.directory);
    return place;
}

/* A run that ended otherwise than well has a map too, as far as it went: it is then that somebody looks. */
static enum status make_map(const struct run *run, const char *recording)
{
    const struct map_options options = {.file = run->options->map, .recording = recording};
    enum status status = STATUS_GOOD;

    if (run->options->map && run->record.is_on)
        status = map_run(&options, run->payload.directory, &run->payload.mask);
    if (!run->options->record)
        unlink(recording);
    return status;
}

enum status run_guest(struct run_options *options)
{
    /* Two logs make it too large for a stack. */
    static struct run run;
    struct session_result result = {.end = SESSION_EXITED};
    char place[PATH_MAX];
    const char *recording;
    enum status status;

    run.options = options;
    run.reported = &run.payload.guests[0];
    status = payload_make(&run.payload, options);
    if (!status)
        status = open_consoles(&run);
    if (!status && options->trace)
        status = open_trace(&run);
    recording = recording_place(&run, place);
    if (!status && options_record(options))
        status = record_open(&run.record, recording);
    if (!status)
        status = boot(&run, &result);
    trace_finish(&run.trace);
    trace_close(&run.trace);
    if (record_finish(&run.record) && !status)
        status = STATUS_FAILED;
    if (make_map(&run, recording) && !status)
        status = STATUS_FAILED;
    record_close(&run.record);
    payload_free(&run.payload);
    consoles_close(&run.consoles);
    if (result.end == SESSION_INTERRUPTED) {
        signal(result.code, SIG_DFL);
        raise(result.code);
    }
    return status;
}
