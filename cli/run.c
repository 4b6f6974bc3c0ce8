/* SPDX-License-Identifier: MIT */
/* The steps of a run: read the guest, write the bundle, start QEMU, tell how it ended, tidy up. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cli/ending.h>
#include <cli/guest.h>
#include <cli/library.h>
#include <cli/run.h>

struct run {
    const struct run_options *options;
    struct guest guest;
    char hypervisor[PATH_MAX];
    char directory[PATH_MAX], bundle[PATH_MAX + 16]; /* empty: not made */
    uint64_t bundle_size;
    bool is_blocking; /* signals; *mask is as before */
    sigset_t mask;
    struct log hypervisor_log, qemu_log;
    struct proof proof;
};

static enum status make_directory(struct run *run)
{
    const char *parent = getenv("TMPDIR");

    /* From here on there is something to clean up. */
    session_block_signals(&run->mask);
    run->is_blocking = true;

    /* QEMU takes -initrd for a list of names, each with a command line behind it. */
    if (parent && strpbrk(parent, ", ")) {
        say_error("TMPDIR is %s: QEMU takes no name with a comma or a space in it for a bundle; name another place",
                  parent);
        return STATUS_FAILED;
    }
    snprintf(run->directory, sizeof(run->directory), "%s/paravane.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(run->directory)) {
        say_error("%s: no directory can be made there: %s; TMPDIR names another place", run->directory,
                  strerror(errno));
        run->directory[0] = '\0';
        return STATUS_FAILED;
    }
    snprintf(run->bundle, sizeof(run->bundle), "%s/bundle", run->directory);
    return STATUS_GOOD;
}

static void remove_directory(const struct run *run)
{
    if (run->directory[0]) {
        unlink(run->bundle);
        rmdir(run->directory);
    }
    if (run->is_blocking)
        sigprocmask(SIG_SETMASK, &run->mask, NULL);
}

static enum status write_bundle(struct run *run)
{
    const struct guest *guest = &run->guest;
    const struct bundle_domain domain = guest_domain(guest);
    size_t size = guest->image.elf.size + guest->ramdisk.size;
    enum status status;

    if (size > BUNDLE_MAX) {
        say_error("kernel and ramdisk have %zu MiB, and a loader takes at most %zu; make the ramdisk smaller",
                  size / MIB, BUNDLE_MAX / MIB);
        return STATUS_REFUSED;
    }
    status = make_directory(run);
    return status ? status : bundle_write(run->bundle, &domain, 1, &run->bundle_size);
}

static enum status prepare(struct run *run)
{
    enum status status = guest_read(&run->guest, &run->options->guest, run->options->verbose);

    if (!status)
        status = write_bundle(run);
    if (!status)
        status = library_find(LIBRARY_HYPERVISOR, run->hypervisor);
    guest_free_files(&run->guest);
    return status;
}

static void show_command(const struct qemu_command *command)
{
    fputs("paravane:", stderr);
    for (unsigned i = 0; i < command->count; i++) {
        const char *quote = strpbrk(command->arguments[i], " ;$*?'\"") ? "'" : "";

        fprintf(stderr, " %s", quote);
        write_safely(stderr, command->arguments[i]);
        fputs(quote, stderr);
    }
    fputc('\n', stderr);
}

/* It was this program that ended QEMU. */
static bool take_noise(void *owner, const char *line)
{
    (void)owner;
    return strstr(line, "terminating on signal");
}

static bool take_proof(void *owner, const char *line)
{
    return proof_take(&((struct run *)owner)->proof, line);
}

static bool add_symbol(void *owner, const char *line, char *to, size_t size)
{
    return symbols_add(&((const struct run *)owner)->guest.symbols, line, to, size);
}

static void compose(const struct run *run, int log_fd, struct qemu_command *command)
{
    const struct qemu_request request = {
        .options = run->options,
        .hypervisor = run->hypervisor,
        .bundle = run->bundle,
        .bundle_size = run->bundle_size,
        .proof = run->proof.text,
        .log_fd = log_fd,
    };

    qemu_compose(&request, command);
    if (run->options->verbose)
        show_command(command);
}

static enum status boot(struct run *run, struct session_result *result)
{
    bool is_on_terminal = isatty(STDIN_FILENO) == 1;
    struct qemu_command command;
    int ends[2];
    enum status status = proof_make(&run->proof);

    if (status)
        return status;
    /* Both ways: a byte that goes to the hypervisor asks where the guest is. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        say_error("no sockets can be made: %s", strerror(errno));
        return STATUS_FAILED;
    }
    compose(run, ends[1], &command);
    if (is_on_terminal)
        say("starting %s; Ctrl-A x leaves", guest_title(&run->guest));
    run->hypervisor_log = (struct log){.from = ends[0],
                                       .prefix = "",
                                       .is_live = run->options->verbose || run->options->explain,
                                       .take = take_proof,
                                       .amend = add_symbol,
                                       .owner = run};
    run->qemu_log = (struct log){.from = -1, .prefix = "qemu: ", .is_live = true, .take = take_noise};
    *result = session_run(&(struct session_request){
        .arguments = command.arguments,
        .is_on_terminal = is_on_terminal,
        .mask = &run->mask,
        .timeout_seconds = run->options->timeout_seconds,
        .log_write_fd = ends[1],
        .hypervisor = &run->hypervisor_log,
        .qemu = &run->qemu_log,
    });
    return ending_tell(&(struct ending){
        .result = *result,
        .proof = &run->proof,
        .hypervisor = &run->hypervisor_log,
        .qemu = &run->qemu_log,
        .timeout_seconds = run->options->timeout_seconds,
    });
}

enum status run_guest(const struct run_options *options)
{
    /* Two logs make it too large for a stack. */
    static struct run run;
    struct session_result result = {.end = SESSION_EXITED};
    enum status status;

    run.options = options;
    status = prepare(&run);
    if (!status)
        status = boot(&run, &result);
    remove_directory(&run);
    guest_free(&run.guest);
    if (result.end == SESSION_INTERRUPTED) {
        signal(result.code, SIG_DFL);
        raise(result.code);
    }
    return status;
}
