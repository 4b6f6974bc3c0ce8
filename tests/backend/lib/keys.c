/* SPDX-License-Identifier: MIT */
/* An array of keys, up to the first without a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <tests/backend/lib/keys.h>

void keys_set(struct key *keys, const char *name, const char *value)
{
    unsigned at = 0;

    while (keys[at].name && strcmp(keys[at].name, name) != 0)
        at++;
    assert_true(at < KEYS_MAX - 1);
    keys[at] = (struct key){name, value};
}

int keys_read(const struct key *keys, const char *name, char *value, size_t size)
{
    while (keys->name && strcmp(keys->name, name) != 0)
        keys++;
    if (!keys->value)
        return -XEN_ENOENT;
    if (strlen(keys->value) >= size)
        return -XEN_E2BIG;
    strcpy(value, keys->value);
    return 0;
}

int keys_read_number(const struct key *keys, const char *name, uint64_t max, uint64_t *number)
{
    char text[64], *end;
    int error = keys_read(keys, name, text, sizeof(text));

    if (error)
        return error;
    *number = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || *number > max ? -XEN_EINVAL : 0;
}
