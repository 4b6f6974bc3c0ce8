/* SPDX-License-Identifier: MIT */
/* The record of what the kernel was started with, and its command line taken apart. */
#include <guest/guest.h>
#include <guest/string.h>

struct guest guest;

static uint64_t parse_number(const char *text)
{
    unsigned base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    uint64_t number = 0;

    for (text += base == 16 ? 2 : 0;; text++) {
        if (*text >= '0' && *text <= '9')
            number = number * base + (unsigned)(*text - '0');
        else if (base == 16 && *text >= 'a' && *text <= 'f')
            number = number * base + (unsigned)(*text - 'a') + 10;
        else
            return number;
    }
}

uint64_t guest_option(const char *name, uint64_t otherwise)
{
    size_t length = strlen(name);

    for (const char *word = guest.start->cmd_line; *word;) {
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return parse_number(word + length + 1);
        while (*word && *word != ' ')
            word++;
        while (*word == ' ')
            word++;
    }
    return otherwise;
}
