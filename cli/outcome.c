/* SPDX-License-Identifier: MIT */
/* "domain NUMBER (NAME) WORDS" is an end, with a colon for a beginning.  Only the hypervisor writes to its log. */
#include <stdio.h>
#include <string.h>

#include <cli/message.h>
#include <cli/outcome.h>

/* What follows the domain in @line; NULL if it is about another one, or none. */
static const char *words_about(const struct outcome *outcome, const char *line)
{
    char start[sizeof("domain 4294967295 ()") + GUEST_NAME_MAX];
    int length = snprintf(start, sizeof(start), "domain %u (%s)", outcome->number, outcome->name);

    return strncmp(line, start, (size_t)length) ? NULL : line + length;
}

/* Is it about something else than an end?  Or said before in more words, "crashed: " and why? */
static bool is_no_news(const struct outcome *outcome, const char *words)
{
    return !strcmp(words, "is here:") || !strncmp(words, "has left ", strlen("has left ")) ||
           !strncmp(outcome->words, words, strlen(words));
}

static bool is_end(const struct outcome *outcome, const char *words)
{
    return outcome->ends_by_reboot || strcmp(words, "wants to reboot") != 0;
}

static void note(struct outcome *outcome, const char *words)
{
    if (!strncmp(words, ": built, ", strlen(": built, "))) {
        outcome->is_built = true;
        outcome->words[0] = '\0';
    } else if (*words == ' ' && is_end(outcome, words + 1) && !is_no_news(outcome, words + 1)) {
        snprintf(outcome->words, sizeof(outcome->words), "%s", words + 1);
    }
}

void outcomes_note(struct outcomes *outcomes, const char *line)
{
    for (unsigned i = 0; i < outcomes->count; i++) {
        const char *words = words_about(&outcomes->list[i], line);

        if (words)
            note(&outcomes->list[i], words);
    }
}

static bool is_good(const struct outcome *outcome)
{
    return !strcmp(outcome->words, "powered off") || !strcmp(outcome->words, "wants to reboot");
}

const char *outcome_reason(const char *words)
{
    static const char reboot[] = "wants to reboot";
    size_t length = strlen(words);

    if (length < sizeof(reboot) - 1 || strcmp(words + length - (sizeof(reboot) - 1), reboot) != 0)
        return "";
    return "; ended, as --on-reboot destroy says";
}

void outcomes_tell(const struct outcomes *outcomes)
{
    for (unsigned i = 0; i < outcomes->count; i++) {
        const struct outcome *outcome = &outcomes->list[i];

        if (!*outcome->words)
            say("%s: was still %s", outcome->name, outcome->is_built ? "running" : "to be built");
        else if (is_good(outcome))
            say("%s: %s%s", outcome->name, outcome->words, outcome_reason(outcome->words));
        else
            say_error("%s: %s", outcome->name, outcome->words);
    }
}
