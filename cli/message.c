/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cli/message.h>

#define PATIENCE_SECONDS 2.0
#define REDRAW_SECONDS   0.2

static struct {
    const char *task; /* NULL: none under way */
    double begin, drawn;
    bool is_shown;
} progress;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

static void erase_progress(void)
{
    if (progress.is_shown && is_terminal())
        fputs("\r\033[K", stderr);
    progress.drawn = 0;
}

static void write_line(const char *colour, const char *format, va_list arguments)
{
    bool is_coloured = *colour && is_terminal();

    erase_progress();
    fputs(is_coloured ? colour : "", stderr);
    fputs("paravane: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(is_coloured ? "\033[0m\n" : "\n", stderr);
    fflush(stderr);
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line("", format, arguments);
    va_end(arguments);
}

void say_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line("\033[31m", format, arguments);
    va_end(arguments);
}

void progress_begin(const char *task)
{
    progress_end();
    progress.task = task;
    progress.begin = now();
    progress.drawn = 0;
    progress.is_shown = false;
}

void progress_tick(int share)
{
    double time = now();

    if (!progress.task || time - progress.begin < PATIENCE_SECONDS)
        return;
    if (!is_terminal()) {
        if (!progress.is_shown)
            fprintf(stderr, "paravane: %s ...\n", progress.task);
    } else if (time - progress.drawn >= REDRAW_SECONDS) {
        fprintf(stderr, "\r\033[Kparavane: %s ...", progress.task);
        if (share >= 0)
            fprintf(stderr, " %d%%", share);
        progress.drawn = time;
    }
    fflush(stderr);
    progress.is_shown = true;
}

void progress_end(void)
{
    erase_progress();
    fflush(stderr);
    progress.task = NULL;
    progress.is_shown = false;
}
