/* SPDX-License-Identifier: MIT */
/* Lines that another program writes into a pipe: the last ones are kept, and shown at once or later. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cli/relay.h>

#define LOG_LINES_MAX   512u
#define LOG_TAIL        59u   /* lines that log_show() says */
#define LOG_LINE_LENGTH 4096u /* a refusal as JSON has some 1500 */

struct log {
    int from;           /* -1: closed */
    const char *prefix; /* before each line, behind "paravane: " */
    bool is_live;       /* show lines as they come */
    /* NULL, or asked about each line: one that it takes is neither shown nor kept. */
    bool (*take)(void *owner, const char *line);
    /* NULL, or asked about each other line: if there is more to say, @to becomes the line, in @size bytes. */
    bool (*amend)(void *owner, const char *line, char *to, size_t size);
    void *owner;
    struct relay *beside; /* NULL, or what is on the same terminal: its line ends where one is shown */
    bool has_objects;     /* a line that begins with a brace is for programs: shown as it is, with nothing in front */
    bool is_mixed;        /* that is no terminal, and one file with stderr: a line there is not broken */
    unsigned guest;       /* the number of its domain: the one that is waited for */
    size_t nr_lines;      /* in all; the last LOG_LINES_MAX are kept */
    size_t nr_shown;      /* of these, where lines are shown as they come */
    size_t length;        /* of the line under way, the one behind these */
    char lines[LOG_LINES_MAX][LOG_LINE_LENGTH];
};

/* Read once what there is.  At the end, @from becomes -1; the line under way counts then.  Returns if bytes came. */
bool log_read(struct log *log);

/*
 * Show what waits for the end of the line beside it, if that has come, or @at_once.  Returns whether lines still wait:
 * there are never more than are kept.
 */
bool log_catch_up(struct log *log, bool at_once);

/* The last whole line; empty if there is none. */
const char *log_last(const struct log *log);

/*
 * The last one that is kept, begins with @start, of log_domain(), and says how that domain ended; there may be others
 * behind it about what is left of it.  NULL if there is none.
 */
const char *log_last_end(const struct log *log, const char *start);

/* What the hypervisor says of a domain begins so, with the number behind it and "(NAME)". */
#define LOG_GUEST "domain "

/* The first words of lines about that domain, for log_last_end(). */
#define LOG_DOMAIN_LENGTH sizeof(LOG_GUEST "4294967295 (")
void log_domain(unsigned number, char start[static LOG_DOMAIN_LENGTH]);

/* Is it the log of a hypervisor that has begun, and has not said of its guest yet that it is built? */
bool log_is_building(const struct log *log);

/* Show lines that are kept, unless they have been: the last few, or all from number @first on, counted from 0. */
void log_show(const struct log *log);
void log_show_from(const struct log *log, size_t first);
