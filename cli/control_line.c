/* SPDX-License-Identifier: MIT */
/* In order: what is asked; answers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cli/control_line.h>

/* What stands behind a verb. */
static const struct {
    const char *word;
    bool has_name, has_amount;
} verbs[] = {
    [ASK_LIST] = {"list", false, false},        [ASK_CONSOLE] = {"console", true, false},
    [ASK_POWEROFF] = {"poweroff", true, false}, [ASK_REBOOT] = {"reboot", true, false},
    [ASK_DESTROY] = {"destroy", true, false},   [ASK_MEMORY] = {"memory", true, true},
    [ASK_VCPUS] = {"vcpus", true, true},
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

/* @subject and the amount, where the verb has them. */
static void print(const struct ask *ask, const char *subject, char *line, size_t size)
{
    int length = snprintf(line, size, "%s", verbs[ask->verb].word);

    if (verbs[ask->verb].has_name)
        length += snprintf(line + length, size - (size_t)length, " %s", subject);
    if (verbs[ask->verb].has_amount)
        snprintf(line + length, size - (size_t)length, " %" PRIu64, ask->amount);
}

void ask_print(const struct ask *ask, char line[ASK_LINE_MAX + 1])
{
    print(ask, ask->name, line, ASK_LINE_MAX + 1);
}

/* What would be printed otherwise is no such line. */
bool ask_parse(const char *line, struct ask *ask)
{
    char word[12], again[ASK_LINE_MAX + 1];

    *ask = (struct ask){.name = ""};
    if (sscanf(line, "%11s %31s %15" SCNu64, word, ask->name, &ask->amount) < 1 || !find_verb(word, &ask->verb))
        return false;
    if (verbs[ask->verb].has_name != (*ask->name != '\0'))
        return false;
    ask_print(ask, again);
    return !strcmp(line, again);
}

bool ask_print_request(const struct ask *ask, unsigned id, unsigned number, char line[ASK_LINE_MAX + 1])
{
    char subject[16];
    int length = snprintf(line, ASK_LINE_MAX + 1, "%u ", id);

    snprintf(subject, sizeof(subject), "%u", number);
    print(ask, subject, line + length, ASK_LINE_MAX + 1 - (size_t)length);
    return ask->verb != ASK_CONSOLE;
}

bool answer_parse(const char *line, struct answer *answer)
{
    static const char *const kinds[] = {[ANSWER_GUEST] = "guest ", [ANSWER_OK] = "ok ", [ANSWER_NO] = "no "};
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
