/* SPDX-License-Identifier: MIT */
/* The command lines of what speaks to runs under way: list, console, shutdown, reboot, destroy, set, plug, unplug. */
#pragma once

#include <sys/types.h>

#include <cli/control_line.h>

struct control_options {
    struct ask ask;
    pid_t run;                /* 0: the one that has the guest */
    unsigned timeout_seconds; /* of shutdown, reboot and unplug; 0: none */
    bool json;                /* of list */
};

/*
 * @arguments begins with the title of the command.  What is wrong, and --help, end the program.  For set @verb is
 * ASK_MEMORY, and for unplug ASK_UNPLUG: what is asked for may be ASK_VCPUS, or ASK_REMOVE.
 */
void options_read_control(enum ask_verb verb, int count, char **arguments, struct control_options *options);
