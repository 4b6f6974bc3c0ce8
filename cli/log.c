/* SPDX-License-Identifier: MIT */
/* Lines are put together from what a pipe gives, and kept in a ring. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cli/log.h>
#include <cli/message.h>

static char *current_line(struct log *log)
{
    return log->lines[log->nr_lines % LOG_LINES_MAX];
}

/* Whoever looks for a line of the guest's in such a file finds it whole. */
static bool is_to_wait(const struct log *log)
{
    return log->is_mixed && log->beside && log->beside->in_line;
}

static void show_line(const struct log *log, const char *line)
{
    if (log->has_objects && *line == '{')
        say_object(line);
    else
        say("%s%s", log->prefix, line);
}

bool log_catch_up(struct log *log, bool at_once)
{
    if (!log->is_live || (!at_once && is_to_wait(log)))
        return log->is_live && log->nr_shown < log->nr_lines;
    for (; log->nr_shown < log->nr_lines; log->nr_shown++) {
        if (log->beside)
            relay_leave_line(log->beside);
        show_line(log, log->lines[log->nr_shown % LOG_LINES_MAX]);
    }
    return false;
}

static void end_line(struct log *log)
{
    char *line = current_line(log), amended[LOG_LINE_LENGTH] = "";

    line[log->length] = '\0';
    log->length = 0;
    if (!*line || (log->take && log->take(log->owner, line)))
        return;
    if (log->amend && log->amend(log->owner, line, amended, sizeof(amended)))
        memcpy(line, amended, sizeof(amended));
    log->nr_lines++;
    log_catch_up(log, log->nr_lines - log->nr_shown == LOG_LINES_MAX - 1);
}

static void add_character(struct log *log, char character)
{
    if (character == '\r')
        return;
    if (character == '\n') {
        end_line(log);
        return;
    }
    if (log->length == LOG_LINE_LENGTH - 1)
        end_line(log);
    /* What a terminal would take for a command is not let through. */
    current_line(log)[log->length++] = isprint((unsigned char)character) || character == '\t' ? character : '?';
}

bool log_read(struct log *log)
{
    char buffer[4096];
    ssize_t got = read(log->from, buffer, sizeof(buffer));

    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (got <= 0) {
        end_line(log);
        log->from = -1;
        return false;
    }
    for (ssize_t i = 0; i < got; i++)
        add_character(log, buffer[i]);
    return true;
}

const char *log_last(const struct log *log)
{
    return log->nr_lines ? log->lines[(log->nr_lines - 1) % LOG_LINES_MAX] : "";
}

/* The first line that is kept: the place of the oldest is that of the line under way. */
static size_t first_line(const struct log *log)
{
    return log->nr_lines > LOG_LINES_MAX - 1 ? log->nr_lines - (LOG_LINES_MAX - 1) : 0;
}

static const char *last_with(const struct log *log, const char *start)
{
    for (size_t i = log->nr_lines; i > first_line(log); i--) {
        const char *line = log->lines[(i - 1) % LOG_LINES_MAX];

        if (!strncmp(line, start, strlen(start)))
            return line;
    }
    return NULL;
}

/* "domain NUMBER (NAME) WORDS", and not with a colon behind the name. */
static bool is_end(const char *line, const char *start)
{
    const char *name_end = strstr(line, ") "), *colon = strstr(line, "): ");

    return !strncmp(line, start, strlen(start)) && name_end && (!colon || name_end < colon);
}

const char *log_last_end(const struct log *log, const char *start)
{
    for (size_t i = log->nr_lines; i > first_line(log); i--) {
        const char *line = log->lines[(i - 1) % LOG_LINES_MAX];

        if (is_end(line, start))
            return line;
    }
    return NULL;
}

void log_domain(unsigned number, char start[static LOG_DOMAIN_LENGTH])
{
    snprintf(start, LOG_DOMAIN_LENGTH, LOG_GUEST "%u (", number);
}

/* Where lines are no longer kept, one of them will have said it. */
bool log_is_building(const struct log *log)
{
    char start[LOG_DOMAIN_LENGTH];

    log_domain(log->guest, start);
    return log->nr_lines && !first_line(log) && !last_with(log, start);
}

void log_show_from(const struct log *log, size_t first)
{
    if (log->is_live)
        return;
    for (size_t i = first > first_line(log) ? first : first_line(log); i < log->nr_lines; i++)
        show_line(log, log->lines[i % LOG_LINES_MAX]);
}

void log_show(const struct log *log)
{
    log_show_from(log, log->nr_lines > LOG_TAIL ? log->nr_lines - LOG_TAIL : 0);
}
