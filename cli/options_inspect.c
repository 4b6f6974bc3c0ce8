/* SPDX-License-Identifier: MIT */
/* The command line of `paravane inspect`. */
#include <argp.h>

#include <cli/message.h>
#include <cli/options.h>
#include <cli/options_value.h>

static const char inspect_help[] =
    "Say what KERNEL is, what it says about itself, and whether and how it would boot under Paravane.\n"
    "\v"
    "Exit codes: 0 it would boot; 4 it would not (the verdict says why); 2 it cannot be read or is no kernel; 1 "
    "something is missing here, such as memory.\n"
    "\n"
    "Examples:\n"
    "  paravane inspect /boot/vmlinuz\n"
    "  paravane inspect vmlinux && paravane run vmlinux\n";

static error_t read_inspect(int key, char *text, struct argp_state *state)
{
    struct inspect_options *options = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        options_read_kernel(&options->kernel, text, state);
        return 0;
    case ARGP_KEY_END:
        if (!options->kernel)
            argp_error(state, "which kernel? Give a file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_inspect(int count, char **arguments, struct inspect_options *options)
{
    static const struct argp parser = {NULL, read_inspect, "KERNEL", inspect_help, NULL, NULL, NULL};

    *options = (struct inspect_options){NULL};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, options);
}
