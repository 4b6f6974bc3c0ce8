/* SPDX-License-Identifier: MIT */
/* The command line of `paravane map`. */
#include <argp.h>
#include <string.h>

#include <cli/message.h>
#include <cli/options_map.h>

enum key {
    KEY_FROM = 'f',
    KEY_STOP = 's',
};

static const char map_help[] =
    "Make a page FILE, for a browser, of a recording: all frames of the machine by owner, type and pin as a picture to "
    "search and zoom, after whichever operation; the life of each frame; how many there were of each kind over time; "
    "and the page tables from each root down.\n"
    "\v"
    "The page is one file, which fetches nothing. Uses of a frame, and entries of tables, are those of one moment: the "
    "last before a domain is taken down, or the operation that --stop-at says. `paravane run` has an option of this "
    "name, which records a run and makes the page of it at once.\n"
    "\n"
    "Exit codes: 0 the page is there; 1 it is not, and the line says why; 2 wrong use; 3 or 5 the recording cannot be "
    "carried out: see `paravane replay --help`.\n"
    "\n"
    "Examples:\n"
    "  paravane map boot.html --from boot.rec\n"
    "  paravane map early.html --from boot.rec --stop-at 30000\n";

static const struct argp_option map_list[] = {
    {"from", KEY_FROM, "RECORDING", 0, "a recording that `paravane run` has written", 0},
    {"stop-at", KEY_STOP, "OPERATION", 0, "show what was so behind that operation, counted from 1", 0},
    {0},
};

static error_t read_map(int key, char *text, struct argp_state *state)
{
    struct map_options *options = state->input;

    switch (key) {
    case KEY_FROM:
        options->recording = text;
        return 0;
    case KEY_STOP:
        if (!*text || text[strspn(text, "0123456789")] || text[strspn(text, "0")] == '\0')
            argp_error(state, "--stop-at %s: not a number from 1 on", text);
        options->stop_at = text;
        return 0;
    case ARGP_KEY_ARG:
        if (options->file)
            argp_error(state, "one page at a time; %s is one too many. Is it the recording? Then --from %s", text,
                       text);
        options->file = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->file)
            argp_error(state, "which page shall be made? Say `paravane map FILE.html --from RECORDING`");
        if (!options->recording)
            argp_error(state, "of which recording? --from says it; `paravane run --record FILE` makes one");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_map(int count, char **arguments, struct map_options *options)
{
    static const struct argp parser = {map_list, read_map, "FILE", map_help, NULL, NULL, NULL};

    *options = (struct map_options){0};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, options);
}
