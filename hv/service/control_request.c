/* SPDX-License-Identifier: MIT */
/* One word at a time; one that is missing is empty, which is no number and no verb. */
#include <engine/types.h>
#include <hv/service/control_request.h>

static const struct {
    const char *name;
    unsigned nr_numbers; /* behind it */
} verbs[] = {
    [CONTROL_LIST] = {"list", 0},       [CONTROL_POWEROFF] = {"poweroff", 1}, [CONTROL_REBOOT] = {"reboot", 1},
    [CONTROL_DESTROY] = {"destroy", 1}, [CONTROL_MEMORY] = {"memory", 2},     [CONTROL_VCPUS] = {"vcpus", 2},
    [CONTROL_PLUG] = {"plug", 2},       [CONTROL_UNPLUG] = {"unplug", 2},     [CONTROL_REMOVE] = {"remove", 2},
};

static struct blob take_word(struct blob *rest)
{
    struct blob word = blob_until(*rest, ' ');

    *rest = blob_skip(*rest, word.size + 1);
    return word;
}

static bool take_small(struct blob *rest, uint32_t *number)
{
    uint64_t value;

    if (!blob_decimal(take_word(rest), &value) || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

static bool find_verb(struct blob word, enum control_verb *verb)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (blob_equals(word, verbs[i].name)) {
            *verb = (enum control_verb)i;
            return true;
        }
    }
    return false;
}

bool control_request_parse(struct blob line, struct control_request *request)
{
    unsigned nr_numbers;

    *request = (struct control_request){0};
    if (!take_small(&line, &request->id) || !find_verb(take_word(&line), &request->verb))
        return false;
    nr_numbers = verbs[request->verb].nr_numbers;
    if (nr_numbers > 0 && !take_small(&line, &request->domain))
        return false;
    if (nr_numbers > 1 && !blob_decimal(take_word(&line), &request->amount))
        return false;
    return line.size == 0;
}
