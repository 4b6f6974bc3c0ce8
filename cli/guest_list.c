/* SPDX-License-Identifier: MIT */
/* A guest that the list does not have has ended, or is not there yet: that is known from the hypervisor's log. */
#include <stdio.h>
#include <string.h>

#include <cli/guest_list.h>
#include <cli/message.h>

#define DIGITS     10u /* keys that bring a guest to the front */
#define KIB_TO_MIB 1024u
#define US_TO_S    1000000u
#define US_TO_CS   10000u

bool guest_list_take(const struct outcomes *guests, struct guest_row *rows, const char *line)
{
    struct guest_row row = {.is_there = true};
    unsigned number;

    if (!strcmp(line, "end"))
        return true;
    if (sscanf(line, "%u %*s %11s %u %llu %llu %u", &number, row.state, &row.vcpus, &row.memory_kib, &row.run_us,
               &row.restarts) != 6)
        return false;
    for (unsigned i = 0; i < guests->count; i++) {
        if (guests->list[i].number == number)
            rows[i] = row;
    }
    return false;
}

static int longest_name(const struct outcomes *guests)
{
    size_t longest = strlen("guest");

    for (unsigned i = 0; i < guests->count; i++) {
        if (strlen(guests->list[i].name) > longest)
            longest = strlen(guests->list[i].name);
    }
    return (int)longest;
}

static void tell(const struct outcome *guest, const struct guest_row *row, const char *mark, int width)
{
    if (row->is_there)
        say("%s %-*s  %-11s %5u %7llu MiB %8llu.%02llu s %9u", mark, width, guest->name, row->state, row->vcpus,
            row->memory_kib / KIB_TO_MIB, row->run_us / US_TO_S, row->run_us % US_TO_S / US_TO_CS, row->restarts);
    else
        say("%s %-*s  %s", mark, width, guest->name, *guest->words ? guest->words : "is not there yet");
}

void guest_list_tell(const struct outcomes *guests, struct guest_row *rows, unsigned front)
{
    int width = longest_name(guests);

    say("      %-*s  %-11s %5s %11s %13s %9s", width, "guest", "state", "vCPUs", "memory", "CPU time", "restarts");
    for (unsigned i = 0; i < guests->count; i++) {
        char mark[8], key = i < DIGITS ? (char)('0' + (i + 1) % DIGITS) : ' ';

        snprintf(mark, sizeof(mark), "  %c %c", key, i == front ? '>' : ' ');
        tell(&guests->list[i], &rows[i], mark, width);
        rows[i] = (struct guest_row){.is_there = false};
    }
}
