/* SPDX-License-Identifier: MIT */
/* Lists of tests.  In order: words; keys; lines; a list; a directory; which of them. */
#define _GNU_SOURCE /* strsep */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cli/file.h>
#include <cli/options_value.h>
#include <cli/suite.h>

#define LIST_MAX    (4 * MIB)
#define TIMEOUT_MAX (24u * 3600)
#define STATUS_MAX  255u

/* Where in a list something is. */
struct place {
    const char *path;
    unsigned line;
};

static enum status refuse(const struct place *place, const char *what, const char *value)
{
    say_error("%s:%u: %s: %s", place->path, place->line, value, what);
    return STATUS_USAGE;
}

/* ---- Words, as a shell takes them apart: blanks between, quotes of either kind around. */

static bool take_word(char **at, char **word)
{
    char *from = *at + strspn(*at, " \t"), *to = from, quote = 0;

    *word = from;
    for (; *from && (quote || !strchr(" \t", *from)); from++) {
        if (*from == quote)
            quote = 0;
        else if (!quote && (*from == '\'' || *from == '"'))
            quote = *from;
        else
            *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return !quote;
}

static enum status read_words(const char *value, char **words, unsigned *count, const struct place *place)
{
    char *at = suite_text("%s", value);

    while (at[strspn(at, " \t")]) {
        if (*count == SUITE_WORDS_MAX)
            return refuse(place, "too many words", value);
        if (!take_word(&at, &words[(*count)++]))
            return refuse(place, "a quote has no end", value);
    }
    words[*count] = NULL;
    return STATUS_GOOD;
}

/* ---- Keys. */

static enum status read_status(struct suite_test *test, const char *value, const struct place *place)
{
    static const struct {
        const char *name;
        enum status status;
    } names[] = {
        {"powered-off", STATUS_GOOD},
        {"crashed", STATUS_CRASHED},
        {"refused", STATUS_REFUSED},
        {"timeout", STATUS_TIMEOUT},
    };
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(value, names[i].name)) {
            test->status = names[i].status;
            return STATUS_GOOD;
        }
    }
    if (!isdigit((unsigned char)*value) || *end || number > STATUS_MAX)
        return refuse(place, "say powered-off, crashed, refused, timeout or an exit code", value);
    test->status = (unsigned)number;
    return STATUS_GOOD;
}

static enum status read_timeout(struct suite_test *test, const char *value, const struct place *place)
{
    test->timeout_seconds = (unsigned)options_parse_count(value, TIMEOUT_MAX);
    return test->timeout_seconds ? STATUS_GOOD : refuse(place, "not a number of seconds from 1 on", value);
}

static enum status add_text(struct suite_test *test, const char *value, bool is_absent, const struct place *place)
{
    if (test->nr_texts == SUITE_TEXTS_MAX)
        return refuse(place, "one too many", value);
    if (regcomp(&test->expressions[test->nr_texts], value, REG_EXTENDED | REG_NOSUB | REG_NEWLINE))
        return refuse(place, "not an extended regular expression", value);
    test->is_absent[test->nr_texts] = is_absent;
    test->texts[test->nr_texts++] = suite_text("%s", value);
    return STATUS_GOOD;
}

static char **find_text(struct suite_test *test, const char *key)
{
    const struct {
        const char *key;
        char **text;
    } texts[] = {
        {"file", &test->file},     {"ramdisk", &test->ramdisk}, {"cmdline", &test->cmdline},
        {"memory", &test->memory}, {"skip", &test->skip},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!strcmp(key, texts[i].key))
            return texts[i].text;
    }
    return NULL;
}

static enum status set(struct suite_test *test, const char *key, const char *value, const struct place *place)
{
    char **text = find_text(test, key);

    if (text) {
        *text = suite_text("%s", value);
        return STATUS_GOOD;
    }
    if (!strcmp(key, "ends"))
        return read_status(test, value, place);
    if (!strcmp(key, "timeout"))
        return read_timeout(test, value, place);
    if (!strcmp(key, "says"))
        return add_text(test, value, false, place);
    if (!strcmp(key, "says-not"))
        return add_text(test, value, true, place);
    if (!strcmp(key, "options"))
        return read_words(value, test->options, &test->nr_options, place);
    if (!strcmp(key, "command"))
        return read_words(value, test->command, &test->nr_words, place);
    return refuse(place,
                  "no such key; there are file, ramdisk, cmdline, memory, timeout, options, command, ends, says, "
                  "says-not, skip",
                  key);
}

/* ---- Lines. */

static bool is_name(const char *name)
{
    return *name && *name != '.' && strlen(name) <= NAME_MAX / 2 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

static struct suite_test *add(struct suite *suite, const char *name, const char *directory)
{
    struct suite_test *list = realloc(suite->list, (suite->count + 1) * sizeof(*list));

    if (!list) {
        say_error("out of memory");
        exit(STATUS_FAILED);
    }
    suite->list = list;
    list += suite->count++;
    *list = (struct suite_test){.name = suite_text("%s", name), .directory = suite_text("%s", directory)};
    return list;
}

static enum status begin_test(struct suite *suite, char *line, const char *directory, const struct place *place)
{
    size_t length = strlen(line);

    if (line[length - 1] != ']')
        return refuse(place, "a name ends with ]", line);
    line[length - 1] = '\0';
    if (!is_name(line + 1))
        return refuse(place, "a name has letters, digits, dots, underscores and hyphens", line + 1);
    for (size_t i = 0; i < suite->count; i++) {
        if (!strcmp(suite->list[i].name, line + 1))
            return refuse(place, "there are two of that name", line + 1);
    }
    add(suite, line + 1, directory);
    return STATUS_GOOD;
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    for (length = strlen(text); length && strchr(" \t\r", text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

static enum status read_line(struct suite *suite, size_t first, char *line, const char *directory,
                             const struct place *place)
{
    char *equals;

    line = trim(line);
    if (!*line || *line == '#')
        return STATUS_GOOD;
    if (*line == '[')
        return begin_test(suite, line, directory, place);
    equals = strchr(line, '=');
    if (!equals)
        return refuse(place, "neither [NAME] nor KEY = VALUE", line);
    *equals = '\0';
    if (suite->count == first)
        return refuse(place, "[NAME] comes first", trim(line));
    return set(&suite->list[suite->count - 1], trim(line), trim(equals + 1), place);
}

/* ---- A list. */

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? suite_text("%.*s", (int)(slash - path + 1), path) : suite_text("%s", "");
}

static enum status read_list(struct suite *suite, const char *path)
{
    const char *directory = directory_of(path);
    struct place place = {.path = path};
    size_t first = suite->count;
    struct bytes bytes = {NULL, 0};
    enum status status = file_read(path, LIST_MAX, &bytes);
    char *text = status ? NULL : suite_text("%.*s", (int)bytes.size, (const char *)bytes.data), *line;

    while (!status && (line = strsep(&text, "\n"))) {
        place.line++;
        status = read_line(suite, first, line, directory, &place);
    }
    for (size_t i = first; i < suite->count && !status; i++) {
        if (!suite->list[i].file)
            status = refuse(&place, "which kernel? Say file = KERNEL", suite->list[i].name);
    }
    bytes_free(&bytes);
    return status;
}

/* ---- A directory: its list, or without one, its kernels, which shall power off. */

static int is_kernel(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && !strcmp(entry->d_name + length - 4, ".elf") && is_name(entry->d_name);
}

static enum status read_directory(struct suite *suite, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_kernel, alphasort);

    if (count <= 0) {
        if (count == 0)
            free(entries);
        say_error("%s: there is neither " SUITE_LIST " nor a kernel, NAME.elf", path);
        return STATUS_USAGE;
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        struct suite_test *test = add(suite, suite_text("%.*s", (int)strlen(name) - 4, name), suite_text("%s/", path));

        test->file = suite_text("%s", name);
        free(entries[i]);
    }
    free(entries);
    return STATUS_GOOD;
}

enum status suite_read(struct suite *suite, const char *path)
{
    const char *list = suite_text("%s/" SUITE_LIST, path);
    struct stat about;

    if (stat(path, &about) || !S_ISDIR(about.st_mode))
        return read_list(suite, path);
    return stat(list, &about) ? read_directory(suite, path) : read_list(suite, list);
}

static void forget(struct suite_test *test)
{
    for (unsigned i = 0; i < test->nr_texts; i++)
        regfree(&test->expressions[i]);
}

enum status suite_choose(struct suite *suite, const char *expression)
{
    size_t kept = 0;
    regex_t compiled;

    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB)) {
        say_error("--only %s: not an extended regular expression", expression);
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < suite->count; i++) {
        if (!regexec(&compiled, suite->list[i].name, 0, NULL, 0))
            suite->list[kept++] = suite->list[i];
        else
            forget(&suite->list[i]);
    }
    regfree(&compiled);
    suite->count = kept;
    if (kept)
        return STATUS_GOOD;
    say_error("--only %s: no test has such a name", expression);
    return STATUS_USAGE;
}
