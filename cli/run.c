/* SPDX-License-Identifier: MIT */
/* The steps of a run: judge the kernel, write the bundle, start QEMU, tell how it ended, tidy up. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cli/bundle_write.h>
#include <cli/ending.h>
#include <cli/image.h>
#include <cli/library.h>
#include <cli/options_value.h>
#include <cli/run.h>
#include <cli/symbols.h>
#include <cli/trim.h>
#include <cli/verdict.h>

/* A loader puts the bundle below 4 GiB, where devices take their part of the addresses. */
#define BUNDLE_MAX ((size_t)1536 * MIB)

struct run {
    const struct run_options *options;
    char hypervisor[PATH_MAX], demo[PATH_MAX];
    const char *kernel_path;
    char directory[PATH_MAX], bundle[PATH_MAX + 16]; /* empty: not made */
    uint64_t bundle_size;
    bool is_blocking; /* signals; *mask is as before */
    sigset_t mask;
    struct log hypervisor_log, qemu_log;
    struct proof proof;
    struct symbols symbols; /* of the kernel */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* Those that refuse the kernel, or the remarks. */
static void show_findings(const struct verdict *verdict, bool refusals)
{
    for (unsigned i = 0; i < verdict->findings.count; i++) {
        const struct finding *finding = &verdict->findings.list[i];
        char sentence[SENTENCE_MAX];

        verdict_word(verdict, finding, sentence);
        if (finding_refuses(finding->id) == refusals)
            say("  %s", sentence);
    }
}

/*
 * Would it boot?  If not, each reason is told; if it would, what nobody needs is taken out of it.
 */
static enum status check(struct run *run, struct image *image, const struct bytes *ramdisk)
{
    const struct start_request request = {
        .nr_pages = run->options->memory_kib / PAGE_KIB,
        .ramdisk_size = ramdisk->size,
        .privileged = run->options->privileged,
    };
    struct verdict verdict;
    enum status status = verdict_reach(run->kernel_path, &image->elf, &request, &verdict);

    if (status)
        return status;
    if (run->options->verbose)
        show_findings(&verdict, false);
    if (!verdict_refuses(&verdict)) {
        symbols_read(&verdict.kernel, &run->symbols);
        trim_kernel(&image->elf, &verdict.kernel);
        return STATUS_GOOD;
    }
    say_error("%s: refused:", run->kernel_path);
    show_findings(&verdict, true);
    say("`paravane inspect %s` tells more", run->kernel_path);
    return STATUS_REFUSED;
}

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

static enum status write_bundle(struct run *run, struct image *image, const struct bytes *ramdisk)
{
    const struct run_options *options = run->options;
    const struct bundle_domain domain = {
        .number = options->privileged ? 0 : 1,
        .name = base_name(run->kernel_path),
        .memory_kib = options->memory_kib,
        .vcpus = 1,
        .privileged = options->privileged,
        .kernel = &image->elf,
        .ramdisk = options->ramdisk ? ramdisk : NULL,
        .cmdline = options->cmdline,
    };
    enum status status = check(run, image, ramdisk);

    if (!status && image->elf.size + ramdisk->size > BUNDLE_MAX) {
        say_error("kernel and ramdisk have %zu MiB, and a loader takes at most %zu; make the ramdisk smaller",
                  (image->elf.size + ramdisk->size) / MIB, BUNDLE_MAX / MIB);
        status = STATUS_REFUSED;
    }
    if (!status)
        status = make_directory(run);
    return status ? status : bundle_write(run->bundle, &domain, 1, &run->bundle_size);
}

static enum status prepare(struct run *run)
{
    const struct run_options *options = run->options;
    struct image image = {.nr_layers = 0};
    struct bytes ramdisk = {NULL, 0};
    enum status status = STATUS_GOOD;

    run->kernel_path = options->kernel;
    if (options->demo) {
        status = library_find(LIBRARY_DEMO, run->demo);
        run->kernel_path = run->demo;
    }
    if (!status)
        status = image_read(run->kernel_path, &image);
    if (!status && options->ramdisk) {
        progress_begin("reading the ramdisk");
        status = file_read(options->ramdisk, BUNDLE_MAX, &ramdisk);
        progress_end();
    }
    if (!status)
        status = write_bundle(run, &image, &ramdisk);
    if (!status)
        status = library_find(LIBRARY_HYPERVISOR, run->hypervisor);
    image_free(&image);
    bytes_free(&ramdisk);
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
    return symbols_add(&((const struct run *)owner)->symbols, line, to, size);
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
        say("starting %s; Ctrl-A x leaves", base_name(run->kernel_path));
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
    symbols_free(&run.symbols);
    if (result.end == SESSION_INTERRUPTED) {
        signal(result.code, SIG_DFL);
        raise(result.code);
    }
    return status;
}
