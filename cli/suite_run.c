/* SPDX-License-Identifier: MIT */
/* A run of this very program for each test.  In order: its command line; it begins; it ends, and is judged; all. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cli/file.h>
#include <cli/suite.h>

#define ARGUMENTS_MAX (16u + 2 * SUITE_WORDS_MAX)
#define OUTPUT_MAX    (64 * MIB)

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static char *beside(const struct suite_test *test, const char *file)
{
    return suite_text("%s%s", *file == '/' ? "" : test->directory, file);
}

static void add_pair(char **arguments, unsigned *count, const char *option, char *value)
{
    if (value)
        arguments[(*count)++] = suite_text("%s=%s", option, value);
}

static void compose(const struct suite_test *test, unsigned timeout, char *arguments[ARGUMENTS_MAX])
{
    unsigned count = 0;

    arguments[count++] = suite_text("%s", "paravane");
    arguments[count++] = suite_text("%s", "run");
    arguments[count++] = suite_text("--timeout=%u", test->timeout_seconds ? test->timeout_seconds : timeout);
    add_pair(arguments, &count, "--memory", test->memory);
    add_pair(arguments, &count, "--cmdline", test->cmdline);
    add_pair(arguments, &count, "--ramdisk", test->ramdisk ? beside(test, test->ramdisk) : NULL);
    for (unsigned i = 0; i < test->nr_options; i++)
        arguments[count++] = test->options[i];
    arguments[count++] = beside(test, test->file);
    if (test->nr_words)
        arguments[count++] = suite_text("%s", "--");
    for (unsigned i = 0; i < test->nr_words; i++)
        arguments[count++] = test->command[i];
    arguments[count] = NULL;
}

static char *log_of(const struct suite_test *test, const char *logs)
{
    return suite_text("%s/%s.log", logs, test->name);
}

/* Both of its outputs go to one file, each where it ends at that moment. */
static _Noreturn void become(char *const arguments[], const char *log, pid_t parent)
{
    int in = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || in < 0 || out < 0)
        _exit(STATUS_FAILED);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv("/proc/self/exe", arguments);
    _exit(STATUS_FAILED);
}

static enum status begin(struct suite_test *test, const struct suite_options *options)
{
    char *arguments[ARGUMENTS_MAX];
    pid_t parent = getpid();

    compose(test, options->timeout_seconds, arguments);
    test->began = now();
    test->child = fork();
    if (test->child == 0)
        become(arguments, log_of(test, options->logs), parent);
    if (test->child > 0)
        return STATUS_GOOD;
    say_error("%s: cannot be started: %s", test->name, strerror(errno));
    return STATUS_FAILED;
}

/* A console has returns at the ends of lines, and may have zero bytes. */
static void clean(struct bytes *said)
{
    size_t kept = 0;

    for (size_t i = 0; i < said->size; i++) {
        if (said->data[i] && said->data[i] != '\r')
            said->data[kept++] = said->data[i];
    }
    said->size = kept;
    if (said->data)
        said->data[kept] = '\0';
}

static enum status read_said(struct suite_test *test, const char *log)
{
    size_t capacity;
    enum status status;

    test->said = calloc(1, sizeof(*test->said));
    if (!test->said) {
        say_error("out of memory");
        return STATUS_FAILED;
    }
    status = file_read(log, OUTPUT_MAX, test->said);
    capacity = test->said->size;
    if (!status)
        status = bytes_reserve(test->said, &capacity, 1);
    clean(test->said);
    return status;
}

static char *judge_texts(const struct suite_test *test)
{
    for (unsigned i = 0; i < test->nr_texts; i++) {
        bool is_there = !regexec(&test->expressions[i], (const char *)test->said->data, 0, NULL, 0);

        if (is_there == test->is_absent[i])
            return suite_text(is_there ? "has said what it should not: %s" : "has not said: %s", test->texts[i]);
    }
    return NULL;
}

static enum status judge(struct suite_test *test, const char *log, int wait_status)
{
    enum status status = read_said(test, log);

    test->child = 0;
    test->is_done = true;
    test->seconds = now() - test->began;
    test->got = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    if (status)
        return status;
    if (test->got != (int)test->status)
        test->why = suite_text("exit status %d instead of %u", test->got, test->status);
    else
        test->why = judge_texts(test);
    if (!test->why) {
        bytes_free(test->said);
        free(test->said);
        test->said = NULL;
    }
    return STATUS_GOOD;
}

/* One of those that run has ended. */
static enum status await(struct suite *suite, const struct suite_options *options)
{
    int wait_status;
    pid_t ended = wait(&wait_status);

    for (size_t i = 0; i < suite->count; i++) {
        if (ended > 0 && suite->list[i].child == ended)
            return judge(&suite->list[i], log_of(&suite->list[i], options->logs), wait_status);
    }
    return STATUS_GOOD;
}

static void tell_done(const struct suite *suite, size_t *told)
{
    for (; *told < suite->count && suite->list[*told].is_done; ++*told)
        suite_tell(&suite->list[*told], *told + 1);
}

/* Those that run when something has gone wrong here are ended as they see us end. */
static enum status run_all(struct suite *suite, const struct suite_options *options)
{
    size_t begun = 0, told = 0;
    unsigned running = 0;
    enum status status = STATUS_GOOD;

    while (told < suite->count && !status) {
        if (begun < suite->count && suite->list[begun].skip) {
            suite->list[begun++].is_done = true;
        } else if (begun < suite->count && running < options->jobs) {
            status = begin(&suite->list[begun++], options);
            running++;
        } else if (running) {
            status = await(suite, options);
            running--;
        }
        tell_done(suite, &told);
    }
    return status;
}

enum status suite_run(struct suite *suite, const struct suite_options *options)
{
    size_t failed = 0, skipped = 0;
    enum status status;

    printf("TAP version 13\n1..%zu\n", suite->count);
    status = run_all(suite, options);
    for (size_t i = 0; i < suite->count; i++) {
        failed += suite->list[i].why != NULL;
        skipped += suite->list[i].skip != NULL;
    }
    if (status)
        return status;
    printf("# %zu passed, %zu failed, %zu skipped\n", suite->count - failed - skipped, failed, skipped);
    return failed ? STATUS_CRASHED : STATUS_GOOD;
}
