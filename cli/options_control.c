/* SPDX-License-Identifier: MIT */
/* The command lines of what speaks to runs under way: their help, and one parser for all. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <cli/message.h>
#include <cli/options_control.h>
#include <cli/options_value.h>

#define TIMEOUT_MAX     (365ull * 24 * 3600)
#define TIMEOUT_DEFAULT 60u

enum { KEY_RUN = 1000, KEY_JSON, KEY_TIMEOUT, KEY_FORCE };

#define FOUND                                                                                                          \
    "\n"                                                                                                               \
    "Runs are found in paravane in XDG_RUNTIME_DIR, if that is set and yours, otherwise in paravane-UID in TMPDIR or " \
    "/tmp: a directory of mode 0700 and yours, or it is not used. Only your own runs are there.\n"
#define CODES "Exit codes: 0 done; 1 something is missing here; 2 wrong use, no such guest, or several; "
#define RUN_OPTION                                                                                       \
    {                                                                                                    \
        "run", KEY_RUN, "PID", 0, "of the run with this process number, if several have such a guest", 0 \
    }
#define TIMEOUT_OPTION                                                                                     \
    {                                                                                                      \
        "timeout", KEY_TIMEOUT, "SECONDS", 0, "wait that long for the guest; 0: for ever (default: 60)", 0 \
    }
#define NO_OPTION                 \
    {                             \
        NULL, 0, NULL, 0, NULL, 0 \
    }

static const struct argp_option list_list[] = {
    {"json", KEY_JSON, NULL, 0, "for programs: an array with an object for each guest", 0}, NO_OPTION};
static const struct argp_option plain_list[] = {RUN_OPTION, NO_OPTION};
static const struct argp_option wait_list[] = {RUN_OPTION, TIMEOUT_OPTION, NO_OPTION};
static const struct argp_option unplug_list[] = {
    RUN_OPTION,
    TIMEOUT_OPTION,
    {"force", KEY_FORCE, NULL, 0, "remove it at once, whatever the guest does with it", 0},
    NO_OPTION};

#define DEVICE \
    "DEVICE is xvdb for a disk; vif0 for the first network interface, or its address; the tag of a directory.\n"

static const char list_help[] =
    "List the guests of all runs under way.\n"
    "\v"
    "For each: its name, its number there, what it is at (running, waiting for an event, for-devices to start, down, "
    "building, restarting, ended), its memory and the most that it may have, its vCPUs, the processor time that it has "
    "used, how often it has been started anew, and the process number of its run.\n" FOUND "\n" CODES
    "124 a run has not answered.\n"
    "\n"
    "Examples:\n"
    "  paravane list\n"
    "  paravane list --json | jq -r '.[] | select(.state == \"waiting\") | .name'\n";

static const char console_help[] =
    "Attach to the console of guest NAME, in a run under way.\n"
    "\v"
    "What it has said last comes first. On a terminal, keys go to the guest; Ctrl-A x leaves the console, not the run. "
    "Otherwise stdin and stdout are the console, until the guest's run ends. One at a time can be attached; what the "
    "run "
    "itself shows, or writes to a file, it does as before.\n" FOUND "\n" CODES
    "4 refused: somebody else is attached.\n";

static const char shutdown_help[] =
    "Ask guest NAME to power off, and wait until it has.\n"
    "\v"
    "It is asked by control/shutdown in its xenstore. A guest that does not listen is not ended by that: see "
    "`paravane destroy`.\n" FOUND "\n" CODES "3 it came to another end; 4 refused; 124 out of time: it runs on.\n";

static const char reboot_help[] =
    "Ask guest NAME to reboot, and wait until it does.\n"
    "\v"
    "It is asked by control/shutdown in its xenstore. Whether it is started anew then was said when its run "
    "began.\n" FOUND "\n" CODES "3 it came to another end; 4 refused; 124 out of time: it runs on.\n";

static const char destroy_help[] = "End guest NAME at once, as if its plug were pulled.\n"
                                   "\v"
                                   "Others of its run go on. Its run ends with exit code 8 when they have ended, "
                                   "unless another guest came to a bad end "
                                   "before.\n" FOUND "\n" CODES "4 refused; 124 the hypervisor has not answered.\n";

static const char set_help[] =
    "Change what guest NAME has, while it runs.\n"
    "\v"
    "memory SIZE: 256M, 2G; without a unit MiB; up to the maximum that `paravane list` "
    "shows. vcpus NUMBER: 1 up to its maximum, which is what it began with if `--vcpus` said no other. The guest is "
    "asked by its xenstore and may take its time; `paravane list` shows what it has.\n" FOUND "\n" CODES
    "4 refused; 124 the hypervisor has not answered.\n"
    "\n"
    "Examples:\n"
    "  paravane set web memory 256M\n"
    "  paravane set web vcpus 1\n";

static const char plug_help[] =
    "Plug DEVICE of guest NAME in again, which was unplugged.\n"
    "\v" DEVICE "The guest finds a new device.\n" FOUND "\n" CODES "4 refused; 124 the hypervisor has not answered.\n";

static const char unplug_help[] =
    "Unplug DEVICE of guest NAME, and wait until the guest has let go of it.\n"
    "\v" DEVICE "Linux lets go of a disk at once, also of one that is mounted: what is asked of it then fails. So "
    "unmount it first. "
    "With --force, what is under way is lost. A device stays unplugged, also when the guest reboots, until "
    "`paravane plug`.\n" FOUND "\n" CODES "4 refused; 124 out of time: it goes when the guest lets go of it.\n";

static void read_name(struct control_options *options, const char *text, struct argp_state *state)
{
    if (!*text || strlen(text) > GUEST_NAME_MAX || strpbrk(text, " \t\n"))
        argp_error(state, "%s: no guest has such a name", text);
    strcpy(options->ask.name, text);
}

static void read_number(int key, const char *text, struct control_options *options, struct argp_state *state)
{
    if (key == KEY_RUN) {
        options->run = (pid_t)options_parse_count(text, INT32_MAX);
        if (!options->run)
            argp_error(state, "--run %s: not the number of a process", text);
    } else {
        options->timeout_seconds = (unsigned)options_parse_count(text, TIMEOUT_MAX);
        if (!options->timeout_seconds && strcmp(text, "0") != 0)
            argp_error(state, "--timeout %s: not a number of seconds", text);
    }
}

/* What set changes, and to what. */
static void read_change(struct control_options *options, const char *text, struct argp_state *state)
{
    struct ask *ask = &options->ask;

    if (state->arg_num == 1) {
        if (strcmp(text, "memory") != 0 && strcmp(text, "vcpus") != 0)
            argp_error(state, "%s: what is set is memory or vcpus", text);
        ask->verb = *text == 'm' ? ASK_MEMORY : ASK_VCPUS;
    } else if (state->arg_num > 2) {
        argp_error(state, "%s is one too many", text);
    } else if (ask->verb == ASK_MEMORY && !options_parse_memory(text, &ask->amount)) {
        argp_error(state, "memory %s: not a size in whole pages of 4 KiB, such as 256M", text);
    } else if (ask->verb == ASK_VCPUS) {
        ask->amount = options_parse_count(text, UINT32_MAX);
        if (!ask->amount)
            argp_error(state, "vcpus %s: not a number from 1 on", text);
    }
}

static bool takes_device(const struct control_options *options)
{
    return options->ask.verb == ASK_PLUG || options->ask.verb == ASK_UNPLUG || options->ask.verb == ASK_REMOVE;
}

static void read_device(struct control_options *options, const char *text, struct argp_state *state)
{
    if (!*text || strlen(text) > DEVICE_NAME_MAX || strpbrk(text, " \t\n"))
        argp_error(state, "%s: no device has such a name", text);
    strcpy(options->ask.device, text);
}

static void read_subject(struct control_options *options, const char *text, struct argp_state *state)
{
    if (options->ask.verb == ASK_LIST || state->arg_num > takes_device(options))
        argp_error(state, "%s is one too many", text);
    if (state->arg_num == 0)
        read_name(options, text, state);
    else
        read_device(options, text, state);
}

static error_t read_option(int key, char *text, struct argp_state *state)
{
    struct control_options *options = state->input;

    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_RUN:
    case KEY_TIMEOUT:
        read_number(key, text, options, state);
        return 0;
    case ARGP_KEY_ARG:
        read_subject(options, text, state);
        return 0;
    case KEY_FORCE:
        options->ask.verb = ASK_REMOVE;
        return 0;
    case ARGP_KEY_END:
        if (options->ask.verb != ASK_LIST && !*options->ask.name)
            argp_error(state, "which guest? `paravane list` shows them");
        if (takes_device(options) && !*options->ask.device)
            argp_error(state, "which device? xvdb, vif0, or the tag of a directory");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t read_set(int key, char *text, struct argp_state *state)
{
    struct control_options *options = state->input;

    if (key == ARGP_KEY_ARG && state->arg_num > 0) {
        read_change(options, text, state);
        return 0;
    }
    if (key == ARGP_KEY_END && *options->ask.name && !options->ask.amount)
        argp_error(state, "say NAME, memory or vcpus, and how much");
    return read_option(key, text, state);
}

/* By verb; set begins with the first of its own, and unplug with the gentle one. */
static const struct {
    const struct argp_option *list;
    const char *arguments, *help;
    argp_parser_t read;
} commands[] = {
    [ASK_LIST] = {list_list, "", list_help, read_option},
    [ASK_CONSOLE] = {plain_list, "NAME", console_help, read_option},
    [ASK_POWEROFF] = {wait_list, "NAME", shutdown_help, read_option},
    [ASK_REBOOT] = {wait_list, "NAME", reboot_help, read_option},
    [ASK_DESTROY] = {plain_list, "NAME", destroy_help, read_option},
    [ASK_MEMORY] = {plain_list, "NAME memory SIZE\nNAME vcpus NUMBER", set_help, read_set},
    [ASK_PLUG] = {plain_list, "NAME DEVICE", plug_help, read_option},
    [ASK_UNPLUG] = {unplug_list, "NAME DEVICE", unplug_help, read_option},
};

void options_read_control(enum ask_verb verb, int count, char **arguments, struct control_options *options)
{
    const struct argp parser = {
        commands[verb].list, commands[verb].read, commands[verb].arguments, commands[verb].help, NULL, NULL, NULL};

    *options = (struct control_options){.ask = {.verb = verb}, .timeout_seconds = TIMEOUT_DEFAULT};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, options);
}
