/* SPDX-License-Identifier: MIT */
/* `paravane test`: its command line, and the steps: read, choose, run, write down. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/options_value.h>
#include <cli/suite.h>

#define DEFAULT_TIMEOUT 120u
#define TIMEOUT_MAX     (24u * 3600)
#define JOBS_MAX        64u

enum { KEY_JOBS = 'j', KEY_TIMEOUT = 't', KEY_JUNIT = 0x100, KEY_LOGS, KEY_ONLY };

static const struct argp_option list[] = {
    {"jobs", KEY_JOBS, "NUMBER", 0, "run so many at a time (default: 1)", 0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "what a test may take that does not say otherwise (default: 120)", 0},
    {"junit", KEY_JUNIT, "FILE", 0, "write the results there as well, as JUnit's XML", 0},
    {"logs", KEY_LOGS, "DIRECTORY", 0, "keep what each test has said there, as NAME.log; it is made", 0},
    {"only", KEY_ONLY, "REGEX", 0, "run only those whose name matches", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char help[] =
    "Run the kernels of a suite, and compare how each ends and what it says with what is expected of it.\n"
    "\v"
    "DIR has a list, " SUITE_LIST ", or kernels, NAME.elf, each of which shall power off. A LIST has, for each test:\n"
    "\n"
    "  [NAME]\n"
    "  file = KERNEL           beside the list, as all files\n"
    "  ramdisk = FILE\n"
    "  cmdline = TEXT\n"
    "  memory = SIZE\n"
    "  timeout = SECONDS\n"
    "  options = WORD...       further ones of `paravane run`\n"
    "  command = sh -c 'true'  what a Linux shall run; its exit status counts\n"
    "  ends = powered-off      how it shall end: powered-off (default), crashed, refused, timeout or an exit code\n"
    "  says = REGEX            what a line of the output has to match; says-not: none may; each can be given many "
    "times\n"
    "  skip = REASON           do not run it\n"
    "\n"
    "Only `file` is needed. Lines that begin with # are remarks. The results are on stdout, by the Test Anything "
    "Protocol.\n"
    "\n"
    "Exit codes: 0 each test went as expected, or was skipped; 3 one did not; 1 something is missing here; 2 wrong "
    "use, or a list that makes no sense.\n"
    "\n"
    "Examples:\n"
    "  paravane test build/kernels\n"
    "  paravane test --jobs 2 --junit results.xml --logs logs kernels.tests\n";

static unsigned read_number(const char *option, const char *text, unsigned most, struct argp_state *state)
{
    unsigned number = (unsigned)options_parse_count(text, most);

    if (!number)
        argp_error(state, "--%s %s: not a number from 1 to %u", option, text, most);
    return number;
}

static error_t read_option(int key, char *text, struct argp_state *state)
{
    struct suite_options *options = state->input;

    switch (key) {
    case KEY_JOBS:
        options->jobs = read_number("jobs", text, JOBS_MAX, state);
        return 0;
    case KEY_TIMEOUT:
        options->timeout_seconds = read_number("timeout", text, TIMEOUT_MAX, state);
        return 0;
    case KEY_JUNIT:
        options->junit = text;
        return 0;
    case KEY_LOGS:
        options->logs = text;
        return 0;
    case KEY_ONLY:
        options->only = text;
        return 0;
    case ARGP_KEY_ARGS:
        options->paths = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which tests? Give a directory or a list");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_suite(int count, char **arguments, struct suite_options *options)
{
    static const struct argp parser = {list, read_option, "DIR|LIST...", help, NULL, NULL, NULL};

    *options = (struct suite_options){.jobs = 1, .timeout_seconds = DEFAULT_TIMEOUT};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, options);
}

/* What they say has to be somewhere, if only while they run. */
static enum status make_logs(struct suite_options *options)
{
    const char *parent = getenv("TMPDIR");
    char *made = suite_text("%s/paravane-test.XXXXXX", parent && *parent ? parent : "/tmp");

    if (options->logs && (!mkdir(options->logs, 0777) || errno == EEXIST))
        return STATUS_GOOD;
    if (!options->logs && mkdtemp(made)) {
        options->logs = made;
        return STATUS_GOOD;
    }
    say_error("%s: cannot be made: %s", options->logs ? options->logs : made, strerror(errno));
    return STATUS_FAILED;
}

static void remove_logs(const struct suite *suite, const char *logs)
{
    for (size_t i = 0; i < suite->count; i++)
        unlink(suite_text("%s/%s.log", logs, suite->list[i].name));
    rmdir(logs);
}

enum status suite_perform(const struct suite_options *given)
{
    struct suite_options options = *given;
    static struct suite suite;
    enum status status = STATUS_GOOD, written;

    for (char *const *path = options.paths; *path && !status; path++)
        status = suite_read(&suite, *path);
    if (!status && options.only)
        status = suite_choose(&suite, options.only);
    if (!status)
        status = make_logs(&options);
    if (status)
        return status;
    status = suite_run(&suite, &options);
    if (!given->logs)
        remove_logs(&suite, options.logs);
    written = options.junit ? suite_write_junit(&suite, options.junit) : STATUS_GOOD;
    return status ? status : written;
}
