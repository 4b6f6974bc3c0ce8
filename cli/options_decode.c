/* SPDX-License-Identifier: MIT */
/* The command line of `paravane decode`. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <cli/entry_bits.h>
#include <cli/message.h>
#include <cli/options_decode.h>
#include <cli/options_value.h>

enum key {
    KEY_LEVEL = 'l',
    KEY_NARROW = 'n',
};

static const char decode_help[] =
    "Say what each bit of the page-table entry HEX means, what the hypervisor would store for it, and what it would "
    "refuse. HEX has up to 16 digits, with or without 0x.\n"
    "\v"
    "Without --level it says in short what the entry would be at each of the levels.\n"
    "\n"
    "Exit codes: 0 it can be stored; 4 it is refused whatever frame it names (the lines say why); 2 wrong use.\n"
    "\n"
    "Examples:\n"
    "  paravane decode entry 0x8000000012345067 --level 1\n"
    "  paravane decode entry 12345081 --level 2 --narrow\n"
    "  paravane decode entry 00000000008bc067\n";

static const struct argp_option decode_list[] = {
    {"level", KEY_LEVEL, "NUMBER", 0, "the level of its table, 1 to 4; of a 32-bit guest's, 1 to 3", 0},
    {"narrow", KEY_NARROW, NULL, 0, "it is an entry of a 32-bit guest's", 0},
    {0},
};

struct reading {
    struct decode_options *options;
    bool has_what, has_entry;
};

static bool parse_entry(const char *text, uint64_t *entry)
{
    const char *digits = text + (!strncasecmp(text, "0x", 2) ? 2 : 0);
    size_t length = strspn(digits, "0123456789abcdefABCDEF");

    if (length == 0 || length > 16 || digits[length])
        return false;
    *entry = strtoull(digits, NULL, 16);
    return true;
}

static void read_word(struct reading *reading, const char *text, struct argp_state *state)
{
    if (reading->has_entry)
        argp_error(state, "one entry at a time: %s is one too many", text);
    if (!reading->has_what && strcmp(text, "entry"))
        argp_error(state, "%s: say `paravane decode entry HEX`: entries are all that is decoded", text);
    if (reading->has_what && !parse_entry(text, &reading->options->entry))
        argp_error(state, "%s: not a number of up to 16 hexadecimal digits", text);
    reading->has_entry = reading->has_what;
    reading->has_what = true;
}

static void check_all(const struct reading *reading, struct argp_state *state)
{
    enum width width = reading->options->is_narrow ? WIDTH_PAE : WIDTH_64;

    if (!reading->has_entry)
        argp_error(state, "which entry? Say `paravane decode entry HEX`");
    if (reading->options->level > entry_levels(width))
        argp_error(state, "--level %u: a 32-bit guest has tables of levels 1 to %u", reading->options->level,
                   entry_levels(width));
}

static error_t read_decode(int key, char *text, struct argp_state *state)
{
    struct reading *reading = state->input;

    switch (key) {
    case KEY_LEVEL:
        reading->options->level = (unsigned)options_parse_count(text, entry_levels(WIDTH_64));
        if (!reading->options->level)
            argp_error(state, "--level %s: not a number from 1 to %u", text, entry_levels(WIDTH_64));
        return 0;
    case KEY_NARROW:
        reading->options->is_narrow = true;
        return 0;
    case ARGP_KEY_ARG:
        read_word(reading, text, state);
        return 0;
    case ARGP_KEY_END:
        check_all(reading, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_decode(int count, char **arguments, struct decode_options *options)
{
    static const struct argp parser = {decode_list, read_decode, "entry HEX", decode_help, NULL, NULL, NULL};
    struct reading reading = {options, false, false};

    *options = (struct decode_options){0};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, &reading);
}
