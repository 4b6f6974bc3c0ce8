/* SPDX-License-Identifier: MIT */
/* Writing to stderr: colour, control characters made visible, and a line of progress that comes and goes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cli/message.h>

#define PATIENCE_SECONDS    2.0
#define REDRAW_SECONDS      0.2
#define LINE_MAX_LENGTH     8192 /* two paths and what is said about them */
#define PROGRESS_MAX_LENGTH 128

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

/* NO_COLOR with anything in it (no-color.org), and a terminal without such codes, say no. */
static bool is_colour_wanted(void)
{
    const char *refusal = getenv("NO_COLOR");
    const char *kind = getenv("TERM");

    return is_terminal() && !(refusal && *refusal) && !(kind && !strcmp(kind, "dumb"));
}

static void erase_progress(void)
{
    if (progress.is_shown && is_terminal())
        fputs("\r\033[K", stderr);
    progress.drawn = 0;
}

/* The controls of ASCII, and those of ISO 8859-1 in UTF-8. */
static bool is_control(const unsigned char *at)
{
    return *at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) ||
           (*at >= 0x80 && *at < 0xa0 && at[-1] == 0xc2);
}

/* A byte is looked at together with the ones beside it. */
static void write_byte(FILE *to, const char *text, size_t i)
{
    const unsigned char near[3] = {i ? (unsigned char)text[i - 1] : 0, (unsigned char)text[i],
                                   (unsigned char)text[i + 1]};

    fprintf(to, is_control(near + 1) && text[i] != '\t' ? "\\x%02x" : "%c", near[1]);
}

void write_safely(FILE *to, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        write_byte(to, text, i);
}

/* A single quote ends what is quoted, and stands alone. */
void write_quoted(FILE *to, const char *text)
{
    if (!strpbrk(text, " \t;$*?[]{}'\"\\&|<>()`~#!")) {
        write_safely(to, text);
        return;
    }
    fputc('\'', to);
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '\'')
            fputs("'\\''", to);
        else
            write_byte(to, text, i);
    }
    fputc('\'', to);
}

static void write_line(const char *colour, const char *format, va_list arguments)
{
    bool is_coloured = *colour && is_colour_wanted();
    char line[LINE_MAX_LENGTH];

    erase_progress();
    fputs(is_coloured ? colour : "", stderr);
    fputs("paravane: ", stderr);
    vsnprintf(line, sizeof(line), format, arguments);
    write_safely(stderr, line);
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

void say_object(const char *line)
{
    erase_progress();
    write_safely(stderr, line);
    fputs("\n", stderr);
    fflush(stderr);
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

/* One line of the terminal: what went on in the next one would stay there at the next redrawing. */
static void draw_progress(int share)
{
    struct winsize size = {0};
    char line[PROGRESS_MAX_LENGTH];
    int length = share >= 0 ? snprintf(line, sizeof(line), "paravane: %s ... %d%%", progress.task, share)
                            : snprintf(line, sizeof(line), "paravane: %s ...", progress.task);

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        size.ws_col = sizeof(line) - 1;
    fprintf(stderr, "\r\033[K%.*s", length < size.ws_col ? length : size.ws_col - 1, line);
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
        draw_progress(share);
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
