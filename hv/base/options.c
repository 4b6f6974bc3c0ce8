/* SPDX-License-Identifier: MIT */
/* Words of the command line, found without a copy of it. */
#include <hv/base/options.h>

static bool ends_word(char character)
{
    return character == '\0' || character == ' ';
}

/* What follows @start at the beginning of the word at @line; NULL if the word begins otherwise. */
static const char *word_after(const char *line, const char *start)
{
    while (*start) {
        if (*line++ != *start++)
            return NULL;
    }
    return line;
}

static const char *next_word(const char *line)
{
    while (!ends_word(*line))
        line++;
    while (*line == ' ')
        line++;
    return line;
}

bool option_is_set(const char *line, const char *word)
{
    for (; *line; line = next_word(line)) {
        const char *rest = word_after(line, word);

        if (rest && ends_word(*rest))
            return true;
    }
    return false;
}

static size_t word_length(const char *word)
{
    size_t length = 0;

    while (!ends_word(word[length]))
        length++;
    return length;
}

bool option_take_text(char *line, const char *name, char *text, size_t size)
{
    for (const char *at = line; *at; at = next_word(at)) {
        const char *rest = word_after(at, name);
        char *value;

        if (!rest || *rest != '=' || word_length(rest + 1) != size - 1)
            continue;
        value = line + (rest + 1 - line);
        for (size_t i = 0; i < size - 1; i++) {
            text[i] = value[i];
            value[i] = '*';
        }
        text[size - 1] = '\0';
        return true;
    }
    return false;
}

static bool read_number(const char *digits, unsigned base, uint64_t *value)
{
    uint64_t number = 0;

    if (ends_word(*digits))
        return false;
    for (; !ends_word(*digits); digits++) {
        unsigned digit = base;

        if (*digits >= '0' && *digits <= '9')
            digit = (unsigned)(*digits - '0');
        else if (*digits >= 'a' && *digits <= 'f')
            digit = (unsigned)(*digits - 'a') + 10;
        if (digit >= base || number > (UINT64_MAX - digit) / base)
            return false;
        number = number * base + digit;
    }
    *value = number;
    return true;
}

static bool find_number(const char *line, const char *name, unsigned base, uint64_t *value)
{
    for (; *line; line = next_word(line)) {
        const char *rest = word_after(line, name);

        if (rest && *rest == '=' && read_number(rest + 1, base, value))
            return true;
    }
    return false;
}

bool option_number(const char *line, const char *name, uint64_t *value)
{
    return find_number(line, name, 16, value);
}

bool option_count(const char *line, const char *name, uint64_t *value)
{
    return find_number(line, name, 10, value);
}
