/* SPDX-License-Identifier: MIT */
/* The hypervisor's list of guests, hv/service/console_list.h, as a table for people. */
#pragma once

#include <cli/outcome.h>

/* A line of the list under way; all zero before it has come. */
struct guest_row {
    bool is_there;
    char state[12];
    unsigned vcpus, restarts;
    unsigned long long memory_kib, run_us;
};

/* Take a line of the list into @rows, which are as many as @guests.  True: the list is complete. */
bool guest_list_take(const struct outcomes *guests, struct guest_row *rows, const char *line);

/* Say the table, with the guest at place @front marked, and clear @rows for the next list. */
void guest_list_tell(const struct outcomes *guests, struct guest_row *rows, unsigned front);
