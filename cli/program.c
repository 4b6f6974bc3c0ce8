/* SPDX-License-Identifier: MIT */
/* In order: where a program is; a program run. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cli/program.h>

#define LINE_SIZE   512
#define WORDS_SHORT 3u /* what a line has to have more than, to say something */

bool program_is_there(const char *name)
{
    const char *path = getenv("PATH");

    for (const char *at = path ? path : ""; *at; at += strspn(at, ":")) {
        size_t length = strcspn(at, ":");
        char file[PATH_MAX];

        if (snprintf(file, sizeof(file), "%.*s/%s", (int)length, at, name) < PATH_MAX && !access(file, X_OK))
            return true;
        at += length;
    }
    return false;
}

/* The last line of the file that says something, for people. */
static void show_last_line(const char *name, const char *log)
{
    char line[LINE_SIZE], last[LINE_SIZE] = "";
    FILE *from = fopen(log, "r");

    while (from && fgets(line, sizeof(line), from)) {
        line[strcspn(line, "\n")] = '\0';
        if (strlen(line) > WORDS_SHORT)
            memcpy(last, line, sizeof(last));
    }
    if (from)
        fclose(from);
    say_error("%s failed%s%s", name, *last ? ": " : "", last);
}

static _Noreturn void become(const char *const *arguments, const char *directory, const char *log, const sigset_t *mask)
{
    int to = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600), from = open("/dev/null", O_RDONLY);

    if (to < 0 || from < 0 || dup2(from, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0 ||
        dup2(to, STDERR_FILENO) < 0 || setenv("TMPDIR", directory, 1) || sigprocmask(SIG_SETMASK, mask, NULL))
        _exit(127);
    /* execvp() takes strings that it does not change. */
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    fprintf(stderr, "%s\n", strerror(errno));
    _exit(127);
}

enum status program_run(const char *const *arguments, const char *directory, const char *log, const sigset_t *mask)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        become(arguments, directory, log, mask);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        say_error("%s cannot be run: %s", arguments[0], strerror(errno));
        return STATUS_FAILED;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return STATUS_GOOD;
    if (WIFSIGNALED(status))
        say_error("%s was ended by a signal: %s", arguments[0], strsignal(WTERMSIG(status)));
    else
        show_last_line(arguments[0], log);
    return STATUS_FAILED;
}
