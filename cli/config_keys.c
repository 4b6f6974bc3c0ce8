/* SPDX-License-Identifier: MIT */
/* In order: names that are alike; the names in a file. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <cli/config_keys.h>
#include <cli/message.h>

#define KEY_MAX 63u /* characters; a longer name is like none */

static const char *const keys[] = {
    "name",   "type",     "builder",    "kernel",     "ramdisk",   "cmdline",     "root",     "extra", "memory",
    "maxmem", "maxvcpus", "vcpus",      "cpus",       "uuid",      "disk",        "vif",      "iomem", "ioports",
    "irqs",   "firmware", "cpu_weight", "bootloader", "on_reboot", "on_poweroff", "on_crash",
};
/* Keys for xl that are one letter from one of those. */
static const char *const others[] = {"boot", "vfb"};

static bool is_one_of(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(list[i], name))
            return true;
    }
    return false;
}

/* One letter more, less or other, or two that have changed places. */
static bool is_like(const char *name, const char *key)
{
    while (*name && *name == *key) {
        name++;
        key++;
    }
    if (!*name || !*key)
        return strlen(name) + strlen(key) <= 1;
    return !strcmp(name + 1, key) || !strcmp(name, key + 1) || !strcmp(name + 1, key + 1) ||
           (name[0] == key[1] && name[1] == key[0] && !strcmp(name + 2, key + 2));
}

static void look_at(const char *path, const char *name)
{
    const size_t nr_keys = sizeof(keys) / sizeof(keys[0]);

    if (is_one_of(keys, nr_keys, name) || is_one_of(others, sizeof(others) / sizeof(others[0]), name))
        return;
    for (size_t i = 0; i < nr_keys; i++) {
        if (is_like(name, keys[i])) {
            say("%s: %s: no key of that name is known, and it has no effect: is %s meant?", path, name, keys[i]);
            return;
        }
    }
}

/* The end of a remark, of what stands in quotes, or of any other character. */
static size_t skip(const char *text, size_t size, size_t at)
{
    const char *end = NULL;

    if (text[at] == '#')
        end = memchr(text + at, '\n', size - at);
    else if (text[at] == '"' || text[at] == '\'')
        end = memchr(text + at + 1, text[at], size - at - 1);
    else
        return at + 1;
    return end ? (size_t)(end - text) + (text[at] != '#') : size;
}

/* What an assignment begins with: a name at the beginning of a line, or behind a semicolon, and not in a list. */
void config_tell_mistyped(const char *path, const char *text, size_t size)
{
    bool is_start = true;
    unsigned depth = 0;

    for (size_t at = 0; at < size;) {
        char name[KEY_MAX + 1];
        size_t length = 0;

        while (is_start && depth == 0 && at + length < size &&
               (isalnum((unsigned char)text[at + length]) || text[at + length] == '_'))
            length++;
        if (length && length <= KEY_MAX) {
            memcpy(name, text + at, length);
            name[length] = '\0';
            look_at(path, name);
        }
        at += length;
        if (at == size)
            return;
        is_start = text[at] == '\n' || text[at] == ';' || (is_start && !length && isspace((unsigned char)text[at]));
        depth += text[at] == '[';
        depth -= text[at] == ']' && depth;
        at = skip(text, size, at);
    }
}
