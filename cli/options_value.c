/* SPDX-License-Identifier: MIT */
/* Values of options, and what is wrong with them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/options_value.h>

bool options_parse_memory(const char *text, uint64_t *kib)
{
    static const struct {
        const char *unit;
        unsigned shift; /* from KiB */
    } units[] = {{"", 10},  {"K", 0},    {"KIB", 0}, {"M", 10},  {"MIB", 10},
                 {"G", 20}, {"GIB", 20}, {"T", 30},  {"TIB", 30}};
    char *end;
    unsigned long long number;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].unit))
            continue;
        *kib = (uint64_t)number << units[i].shift;
        return !errno && number && number <= MEMORY_MAX_KIB >> units[i].shift && *kib % PAGE_KIB == 0;
    }
    return false;
}

bool options_parse_uuid(const char *text, char uuid[static UUID_TEXT_SIZE])
{
    static const char form[UUID_TEXT_SIZE] = "00000000-0000-0000-0000-000000000000";

    if (strlen(text) != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < UUID_TEXT_SIZE; i++) {
        if (form[i] == '0' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
        uuid[i] = (char)tolower((unsigned char)text[i]);
    }
    return strcmp(uuid, form) != 0;
}

unsigned long long options_parse_count(const char *text, unsigned long long limit)
{
    char *end;
    unsigned long long number;

    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    number = strtoull(text, &end, 10);
    return errno || *end || number > limit ? 0 : number;
}

bool options_parse_vcpus(const char *text, unsigned *count, unsigned *most)
{
    static const char behind[] = ",max=";
    const char *comma = strchr(text, ',');
    char digits[8] = "";

    *most = 0;
    if (comma) {
        if (strncmp(comma, behind, strlen(behind)) != 0 || (size_t)(comma - text) >= sizeof(digits))
            return false;
        *most = (unsigned)options_parse_count(comma + strlen(behind), GUEST_VCPUS_MAX);
        text = memcpy(digits, text, (size_t)(comma - text));
    }
    *count = (unsigned)options_parse_count(text, GUEST_VCPUS_MAX);
    return *count && (!comma || *most >= *count);
}

/* "3", "0-1": a part of a list, which ends at a comma or the end. */
static bool parse_range(const char *text, uint64_t *range)
{
    unsigned first, last;
    int length = 0;

    if (!isdigit((unsigned char)*text) || sscanf(text, "%2u%n", &first, &length) != 1)
        return false;
    last = first;
    text += length;
    if (*text == '-') {
        if (!isdigit((unsigned char)*++text) || sscanf(text, "%2u%n", &last, &length) != 1)
            return false;
        text += length;
    }
    if ((*text && *text != ',') || first > last || last >= PROCESSORS_MAX)
        return false;
    *range = (UINT64_MAX >> (PROCESSORS_MAX - 1 - (last - first))) << first;
    return true;
}

bool options_parse_processors(const char *text, uint64_t *processors)
{
    uint64_t set = 0, range;

    for (const char *part = text; part; part = strchr(part, ',') ? strchr(part, ',') + 1 : NULL) {
        bool is_away = *part == '^';

        if (!strncmp(part, "all", 3) && (!part[3] || part[3] == ','))
            range = UINT64_MAX;
        else if (!parse_range(part + is_away, &range))
            return false;
        set = is_away ? set & ~range : set | range;
    }
    *processors = set == UINT64_MAX ? 0 : set;
    return set;
}

/* A variable that was not set makes an empty name. */
const char *options_read_name(const char *what, const char *text, struct argp_state *state)
{
    if (!*text)
        argp_error(state, "the name of the %s is empty: was a variable not set?", what);
    return text;
}

void options_read_kernel(const char **kernel, const char *text, struct argp_state *state)
{
    if (*kernel)
        argp_error(state, "one kernel at a time: %s and %s", *kernel, text);
    *kernel = options_read_name("kernel", text, state);
}
