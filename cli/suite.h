/* SPDX-License-Identifier: MIT */
/* Suites of kernels: what is run and what is expected of each, `paravane test`. */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cli/file.h>

#define SUITE_LIST      "paravane.tests" /* in a directory: what is in it */
#define SUITE_TEXTS_MAX 16u
#define SUITE_WORDS_MAX 64u

/* A text, printed, which lasts as long as the program. */
char *suite_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All texts are of suite_text(). */
struct suite_test {
    char *name, *directory; /* files are sought in the second */
    char *file, *ramdisk, *cmdline, *memory, *skip;
    char *options[SUITE_WORDS_MAX + 1], *command[SUITE_WORDS_MAX + 1]; /* end with NULL; none: no command */
    unsigned nr_options, nr_words;
    unsigned timeout_seconds; /* 0: that of the suite */
    unsigned status;          /* that it shall end with */
    char *texts[SUITE_TEXTS_MAX];
    regex_t expressions[SUITE_TEXTS_MAX]; /* of these texts: each has to match a line of the output, */
    bool is_absent[SUITE_TEXTS_MAX];      /* or none */
    unsigned nr_texts;
    /* What has become of it. */
    pid_t child; /* 0: it does not run */
    bool is_done;
    int got; /* the exit status */
    double began, seconds;
    char *why;          /* it has not passed; NULL: it has, or is skipped */
    struct bytes *said; /* what it has said, if it has not passed */
};

struct suite {
    struct suite_test *list;
    size_t count;
};

struct suite_options {
    char *const *paths; /* directories and lists, ended by NULL */
    const char *junit, *logs;
    const char *only; /* NULL: all */
    unsigned jobs, timeout_seconds;
};

/* Add the tests of a list, or of a directory.  STATUS_USAGE: it cannot be read, or makes no sense. */
enum status __must_check suite_read(struct suite *suite, const char *path);

/* Leave only those whose name matches.  STATUS_USAGE: none does, or it is no extended regular expression. */
enum status __must_check suite_choose(struct suite *suite, const char *expression);

/* Run them, @options->jobs at a time, and tell of each on stdout, in order.  STATUS_CRASHED: one has not passed. */
enum status __must_check suite_run(struct suite *suite, const struct suite_options *options);

/* Tell of test @number, from 1 on, by the Test Anything Protocol; and of all, as JUnit's XML, in a file. */
void suite_tell(const struct suite_test *test, size_t number);
enum status __must_check suite_write_junit(const struct suite *suite, const char *path);

/* `paravane test`. */
void options_read_suite(int count, char **arguments, struct suite_options *options);
enum status __must_check suite_perform(const struct suite_options *options);
