/* SPDX-License-Identifier: MIT */
/* In order: what is shown; what is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/client.h>
#include <cli/command_list.h>

#define ROWS_MAX   (RUN_PLACES_MAX * GUESTS_MAX)
#define KIB_TO_MIB 1024u
#define US_TO_S    1000000u
#define US_TO_CS   10000u

static struct row {
    struct guest_line guest;
    int pid;
    char devices[DEVICES_TEXT_MAX + 1]; /* +NAME -NAME ..., as control_line.h has them */
} rows[ROWS_MAX];
static unsigned nr_rows;

/* ---- What is shown. */

static bool is_any_unplugged(void)
{
    bool is_any = false;

    for (unsigned i = 0; i < nr_rows; i++)
        is_any |= *rows[i].devices == '-' || strstr(rows[i].devices, " -");
    return is_any;
}

/* The end of a row. */
static void show_unplugged(char *devices)
{
    const char *between = "  ";

    for (char *name = strtok(devices, " "); name; name = strtok(NULL, " ")) {
        if (*name != '-')
            continue;
        printf("%s%s", between, name + 1);
        between = " ";
    }
    putchar('\n');
}

static void show_columns(void)
{
    int width = (int)strlen("NAME");

    for (unsigned i = 0; i < nr_rows; i++) {
        if ((int)strlen(rows[i].guest.name) > width)
            width = (int)strlen(rows[i].guest.name);
    }
    printf("%-*s %6s  %-10s %10s %10s %5s %12s %8s %8s%s\n", width, "NAME", "NUMBER", "STATE", "MEMORY", "MAXIMUM",
           "VCPUS", "TIME", "RESTARTS", "RUN", is_any_unplugged() ? "  UNPLUGGED" : "");
    for (unsigned i = 0; i < nr_rows; i++) {
        const struct guest_line *guest = &rows[i].guest;

        write_safely(stdout, guest->name);
        printf("%*s %6u  %-10s %6llu MiB %6llu MiB %5u %9llu.%02llu %8u %8d", width - (int)strlen(guest->name), "",
               guest->number, guest->state, guest->memory_kib / KIB_TO_MIB, guest->most_kib / KIB_TO_MIB, guest->vcpus,
               guest->run_us / US_TO_S, guest->run_us % US_TO_S / US_TO_CS, guest->restarts, rows[i].pid);
        show_unplugged(rows[i].devices);
    }
}

/* A name has printable characters alone. */
static void print_string(const char *text)
{
    putchar('"');
    for (; *text; text++)
        printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

static void print_devices(char *devices)
{
    const char *comma = "";

    for (char *name = strtok(devices, " "); name; name = strtok(NULL, " "), comma = ", ") {
        printf("%s{\"name\": ", comma);
        print_string(name + 1);
        printf(", \"plugged\": %s}", *name == '+' ? "true" : "false");
    }
}

static void show_json(void)
{
    puts("[");
    for (unsigned i = 0; i < nr_rows; i++) {
        const struct guest_line *guest = &rows[i].guest;

        printf("  {\"name\": ");
        print_string(guest->name);
        printf(", \"number\": %u, \"state\": \"%s\", \"memory_kib\": %llu, \"maximum_kib\": %llu, \"vcpus\": %u, "
               "\"time_us\": %llu, \"restarts\": %u, \"run\": %d, \"devices\": [",
               guest->number, guest->state, guest->memory_kib, guest->most_kib, guest->vcpus, guest->run_us,
               guest->restarts, rows[i].pid);
        print_devices(rows[i].devices);
        printf("]}%s\n", i + 1 < nr_rows ? "," : "");
    }
    puts("]");
}

/* ---- What is asked for. */

/* By run, and in a run by number. */
static int compare(const void *a, const void *b)
{
    const struct row *one = a, *other = b;

    if (one->pid != other->pid)
        return one->pid < other->pid ? -1 : 1;
    return (one->guest.number > other->guest.number) - (one->guest.number < other->guest.number);
}

/* Of the guest whose line came last. */
static void take_devices(const char *line, int pid)
{
    struct row *last = nr_rows ? &rows[nr_rows - 1] : NULL;
    unsigned number;
    const char *devices = devices_line_parse(line, &number);

    if (devices && last && last->pid == pid && last->guest.number == number)
        snprintf(last->devices, sizeof(last->devices), "%s", devices);
}

static enum status ask(struct client_run *run)
{
    int64_t deadline = client_now() + CLIENT_ANSWER_MS;
    char line[CLIENT_LINE_MAX + 1];
    enum client_wait wait;

    if (!client_ask(run, &(struct ask){.verb = ASK_LIST}))
        return STATUS_GOOD; /* it has ended meanwhile */
    while ((wait = client_read(run, deadline, line)) == CLIENT_LINE) {
        struct row *row = &rows[nr_rows];

        if (nr_rows < ROWS_MAX && guest_line_parse(line, &row->guest)) {
            row->pid = (int)run->pid;
            nr_rows++;
        } else if (!strncmp(line, "devices ", 8))
            take_devices(line, (int)run->pid);
        else if (!strncmp(line, "ok", 2))
            return STATUS_GOOD;
        else if (!strncmp(line, "no ", 3)) {
            say_error("run %d: %s", (int)run->pid, line + 3);
            return STATUS_REFUSED;
        }
    }
    if (wait == CLIENT_GONE)
        return STATUS_GOOD;
    say_error("run %d: its hypervisor has not answered; while it builds a guest it does not", (int)run->pid);
    return STATUS_TIMEOUT;
}

enum status command_list(const struct control_options *options)
{
    static struct client client;
    enum status status = client_open(&client), answer;

    progress_begin("asking for the guests");
    for (unsigned i = 0; i < client.nr_runs; i++) {
        answer = ask(&client.runs[i]);
        status = status ? status : answer;
    }
    progress_end();
    client_close(&client);
    qsort(rows, nr_rows, sizeof(rows[0]), compare);
    if (options->json)
        show_json();
    else if (nr_rows)
        show_columns();
    else if (!status)
        say("no run is under way");
    return status;
}
