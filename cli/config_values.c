/* SPDX-License-Identifier: MIT */
/* In order: texts that are kept; complaints; opening; values. */
#define _GNU_SOURCE /* vasprintf */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cli/config_keys.h>
#include <cli/config_values.h>
#include <cli/file.h>

#define CONFIG_MAX MIB

static void end_without_memory(void)
{
    say_error("out of memory");
    exit(STATUS_FAILED);
}

char *config_print(const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        end_without_memory();
    va_end(arguments);
    return text;
}

char *config_keep(const char *text)
{
    return text ? config_print("%s", text) : NULL;
}

void config_complain(struct config *config, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    say_error("%s: %s", config->path, text);
    config->is_bad = true;
}

/* Its lines begin with the file's name. */
void config_tell(struct config *config)
{
    fflush(config->report);
    for (char *line = strtok(config->text + config->told, "\n"); line; line = strtok(NULL, "\n")) {
        say_error("%s", line);
        config->is_bad = true;
    }
    config->told = config->size;
}

/* Windows ends its lines with one character more, of which the parser knows nothing. */
static void drop_carriage_returns(struct bytes *bytes)
{
    size_t kept = 0;

    for (size_t i = 0; i < bytes->size; i++) {
        if (bytes->data[i] != '\r' || i + 1 == bytes->size || bytes->data[i + 1] != '\n')
            bytes->data[kept++] = bytes->data[i];
    }
    bytes->size = kept;
}

static enum status parse(struct config *config)
{
    struct bytes bytes;
    enum status status = file_read(config->path, CONFIG_MAX, &bytes);
    int error;

    if (status)
        return status;
    drop_carriage_returns(&bytes);
    error = bytes.size ? xlu_cfg_readdata(config->parsed, (const char *)bytes.data, (int)bytes.size) : 0;
    if (!error && bytes.size)
        config_tell_mistyped(config->path, (const char *)bytes.data, bytes.size);
    bytes_free(&bytes);
    if (!error)
        return STATUS_GOOD;
    config_tell(config);
    if (config->is_bad)
        config_complain(config, "a line is NAME = VALUE, and a value a number, a text in quotes, or a list of texts in "
                                "brackets; code in Python, as in files for xm, is not run: write what it yields");
    else
        config_complain(config, "cannot be parsed: %s", strerror(error));
    return STATUS_USAGE;
}

enum status config_open(struct config *config, const char *path)
{
    enum status status;

    *config = (struct config){.path = path};
    config->report = open_memstream(&config->text, &config->size);
    config->parsed = config->report ? xlu_cfg_init(config->report, path) : NULL;
    if (!config->parsed)
        end_without_memory();
    status = parse(config);
    if (status)
        config_close(config);
    return status;
}

void config_close(struct config *config)
{
    xlu_cfg_destroy(config->parsed);
    fclose(config->report);
    free(config->text);
}

bool config_has(const struct config *config, const char *key)
{
    const char *text;

    return xlu_cfg_get_string(config->parsed, key, &text, 1) != ESRCH;
}

const char *config_string(struct config *config, const char *key)
{
    const char *text;
    int error = xlu_cfg_get_string(config->parsed, key, &text, 0);

    config_tell(config);
    return error ? NULL : text;
}

long config_number(struct config *config, const char *key, long least, long most, long otherwise)
{
    long number;
    int error = xlu_cfg_get_long(config->parsed, key, &number, 0);

    config_tell(config);
    if (error)
        return otherwise;
    if (number >= least && number <= most)
        return number;
    config_complain(config, "%s = %ld: not a number from %ld to %ld", key, number, least, most);
    return otherwise;
}

const char *config_item(struct config *config, const char *key, unsigned place)
{
    XLU_ConfigList *list;
    int count, error = xlu_cfg_get_list(config->parsed, key, &list, &count, 0);
    const char *text;

    config_tell(config);
    if (error || place >= (unsigned)count)
        return NULL;
    text = xlu_cfg_get_listitem(list, (int)place);
    if (!text)
        config_complain(config, "%s: item %u is no string", key, place + 1);
    return text;
}
