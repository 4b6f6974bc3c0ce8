/* SPDX-License-Identifier: MIT */
/* In order: what is asked; answers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cli/control_line.h>

/* What stands behind a verb; all but the first have a name there, and may have more behind that. */
enum takes { TAKES_NOTHING, TAKES_NAME, TAKES_AMOUNT, TAKES_DEVICE };

static const struct {
    const char *word;
    enum takes takes;
} verbs[] = {
    [ASK_LIST] = {"list", TAKES_NOTHING},      [ASK_CONSOLE] = {"console", TAKES_NAME},
    [ASK_POWEROFF] = {"poweroff", TAKES_NAME}, [ASK_REBOOT] = {"reboot", TAKES_NAME},
    [ASK_DESTROY] = {"destroy", TAKES_NAME},   [ASK_MEMORY] = {"memory", TAKES_AMOUNT},
    [ASK_VCPUS] = {"vcpus", TAKES_AMOUNT},     [ASK_PLUG] = {"plug", TAKES_DEVICE},
    [ASK_UNPLUG] = {"unplug", TAKES_DEVICE},   [ASK_REMOVE] = {"remove", TAKES_DEVICE},
};

static bool find_verb(const char *word, enum ask_verb *verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!strcmp(word, verbs[i].word)) {
            *verb = (enum ask_verb)i;
            return true;
        }
    }
    return false;
}

/* @subject, the amount and @device, where the verb has them. */
static void print(const struct ask *ask, const char *subject, const char *device, char *line, size_t size)
{
    int length = snprintf(line, size, "%s", verbs[ask->verb].word);

    if (verbs[ask->verb].takes != TAKES_NOTHING)
        length += snprintf(line + length, size - (size_t)length, " %s", subject);
    if (verbs[ask->verb].takes == TAKES_AMOUNT)
        snprintf(line + length, size - (size_t)length, " %" PRIu64, ask->amount);
    if (verbs[ask->verb].takes == TAKES_DEVICE)
        snprintf(line + length, size - (size_t)length, " %s", device);
}

void ask_print(const struct ask *ask, char line[ASK_LINE_MAX + 1])
{
    print(ask, ask->name, ask->device, line, ASK_LINE_MAX + 1);
}

/* What would be printed otherwise is no such line. */
bool ask_parse(const char *line, struct ask *ask)
{
    char word[12], last[DEVICE_NAME_MAX + 1] = "", again[ASK_LINE_MAX + 1];

    *ask = (struct ask){.name = ""};
    if (sscanf(line, "%11s %31s %31s", word, ask->name, last) < 1 || !find_verb(word, &ask->verb))
        return false;
    if (verbs[ask->verb].takes == TAKES_DEVICE)
        strcpy(ask->device, last);
    else if (sscanf(last, "%15" SCNu64, &ask->amount) != 1)
        ask->amount = 0;
    if ((verbs[ask->verb].takes != TAKES_NOTHING) != (*ask->name != '\0') ||
        (verbs[ask->verb].takes == TAKES_DEVICE) != (*ask->device != '\0'))
        return false;
    ask_print(ask, again);
    return !strcmp(line, again);
}

bool ask_print_request(const struct ask *ask, unsigned id, unsigned number, char line[ASK_LINE_MAX + 1])
{
    char subject[16], device[24];
    int length = snprintf(line, ASK_LINE_MAX + 1, "%u ", id);

    snprintf(subject, sizeof(subject), "%u", number);
    snprintf(device, sizeof(device), "%" PRIu64, ask->amount);
    print(ask, subject, device, line + length, ASK_LINE_MAX + 1 - (size_t)length);
    return ask->verb != ASK_CONSOLE;
}

bool answer_parse(const char *line, struct answer *answer)
{
    static const char *const kinds[] = {
        [ANSWER_GUEST] = "guest ", [ANSWER_OUT] = "out ", [ANSWER_OK] = "ok ", [ANSWER_NO] = "no "};
    int length = 0;

    if (sscanf(line, "answer %9" SCNu32 " %n", &answer->id, &length) != 1 || !length)
        return false;
    answer->line = line + length;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!strncmp(answer->line, kinds[i], strlen(kinds[i]))) {
            answer->kind = (enum answer_kind)i;
            return true;
        }
    }
    return false;
}

bool guest_line_parse(const char *line, struct guest_line *guest)
{
    char rest;

    *guest = (struct guest_line){.name = ""};
    return sscanf(line, "guest %9u %31s %15s %9u %20llu %20llu %20llu %10u%c", &guest->number, guest->name,
                  guest->state, &guest->vcpus, &guest->memory_kib, &guest->most_kib, &guest->run_us, &guest->restarts,
                  &rest) == 8;
}

const char *devices_line_parse(const char *line, unsigned *number)
{
    int length = 0;

    return sscanf(line, "devices %9u %n", number, &length) == 1 && length ? line + length : NULL;
}
