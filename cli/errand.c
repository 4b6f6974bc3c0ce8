/* SPDX-License-Identifier: MIT */
/*
 * An archive behind that of the ramdisk, as Linux takes several: our first process (linux/first), the command, and
 * without a ramdisk the program itself.
 */
#define _GNU_SOURCE /* asprintf */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/bundle_write.h>
#include <cli/errand.h>
#include <cli/library.h>

#define DIRECTORY       "paravane"
#define PROGRAM         "/" DIRECTORY "/program"
#define WORDS           "rdinit=/" DIRECTORY "/first"
#define DEFAULT_CMDLINE "console=hvc0 quiet"
#define PROGRAM_MAX     (512 * MIB)
#define HEADERS         4096u /* of an archive of four entries */
#define ALIGNMENT       4u    /* where Linux looks for an archive behind another */

struct parts {
    struct bytes first, program;
    char *command;
    size_t command_size;
};

/* Linux's console changes what is written to it for a terminal, unless the other side is none. */
static bool write_command(const struct run_options *options, bool brings_program, struct parts *parts)
{
    FILE *to = open_memstream(&parts->command, &parts->command_size);

    if (!to)
        return false;
    fprintf(to, "%s%c", isatty(STDIN_FILENO) == 1 ? "terminal" : "raw", '\0');
    fprintf(to, "%s%c", brings_program ? PROGRAM : options->command[0], '\0');
    for (char **word = options->command; *word; word++)
        fprintf(to, "%s%c", *word, '\0');
    return fclose(to) == 0;
}

static bool put(struct archive *archive, const char *name, unsigned type, const void *data, size_t size)
{
    struct archive_entry *entry = archive_entry_new();
    bool is_put;

    if (!entry)
        return false;
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0755);
    archive_entry_set_size(entry, (la_int64_t)size);
    is_put = archive_write_header(archive, entry) == ARCHIVE_OK &&
             (!size || archive_write_data(archive, data, size) == (la_ssize_t)size);
    archive_entry_free(entry);
    return is_put;
}

static bool put_all(struct archive *archive, const struct parts *parts)
{
    return put(archive, DIRECTORY, AE_IFDIR, NULL, 0) &&
           put(archive, DIRECTORY "/first", AE_IFREG, parts->first.data, parts->first.size) &&
           put(archive, DIRECTORY "/command", AE_IFREG, parts->command, parts->command_size) &&
           (!parts->program.size ||
            put(archive, DIRECTORY "/program", AE_IFREG, parts->program.data, parts->program.size));
}

/* The archive of @parts, at @to; 0: it has no room there. */
static size_t pack(const struct parts *parts, void *to, size_t room)
{
    struct archive *archive = archive_write_new();
    size_t used = 0;
    bool is_packed = archive && archive_write_set_format_cpio_newc(archive) == ARCHIVE_OK &&
                     archive_write_add_filter_none(archive) == ARCHIVE_OK &&
                     archive_write_set_bytes_per_block(archive, 0) == ARCHIVE_OK &&
                     archive_write_open_memory(archive, to, room, &used) == ARCHIVE_OK && put_all(archive, parts) &&
                     archive_write_close(archive) == ARCHIVE_OK;

    archive_write_free(archive);
    return is_packed ? used : 0;
}

static enum status append(const struct parts *parts, struct bytes *ramdisk)
{
    size_t capacity = ramdisk->size, used = ramdisk->size, gap = -used % ALIGNMENT, size;
    size_t room = gap + parts->first.size + parts->program.size + parts->command_size + HEADERS;
    enum status status = bytes_reserve(ramdisk, &capacity, room);

    if (status)
        return status;
    memset(ramdisk->data + used, 0, gap);
    size = pack(parts, ramdisk->data + used + gap, room - gap);
    if (!size) {
        say_error("the command cannot be put into a ramdisk: out of memory");
        return STATUS_FAILED;
    }
    ramdisk->size = used + gap + size;
    return STATUS_GOOD;
}

static enum status read_parts(const struct run_options *options, struct parts *parts)
{
    bool brings_program = !options->guests[0].ramdisk;
    char path[PATH_MAX];
    enum status status = library_find(LIBRARY_FIRST, path);

    if (!status)
        status = file_read(path, PROGRAM_MAX, &parts->first);
    if (!status && brings_program)
        status = file_read(options->command[0], PROGRAM_MAX, &parts->program);
    if (status || write_command(options, brings_program, parts))
        return status;
    say_error("out of memory");
    return STATUS_FAILED;
}

static enum status make_cmdline(const struct run_options *options, char **cmdline)
{
    const char *own = options->guests[0].cmdline ? options->guests[0].cmdline : DEFAULT_CMDLINE;

    if (asprintf(cmdline, "%s " WORDS, own) < 0) {
        *cmdline = NULL;
        say_error("out of memory");
        return STATUS_FAILED;
    }
    if (strlen(*cmdline) <= BUNDLE_CMDLINE_MAX)
        return STATUS_GOOD;
    say_error("--cmdline: with " WORDS ", which -- takes, it has %zu characters, and a guest takes at most %u",
              strlen(*cmdline), BUNDLE_CMDLINE_MAX);
    return STATUS_USAGE;
}

enum status errand_add(const struct run_options *options, struct bytes *ramdisk, char **cmdline)
{
    struct parts parts = {.command = NULL};
    enum status status = make_cmdline(options, cmdline);

    if (!status)
        status = read_parts(options, &parts);
    if (!status)
        status = append(&parts, ramdisk);
    bytes_free(&parts.first);
    bytes_free(&parts.program);
    free(parts.command);
    return status;
}

void errand_note(struct errand *errand, const char *line)
{
    static const char words[] = "): its command ended with status ";
    const char *found = strncmp(line, "domain ", strlen("domain ")) ? NULL : strstr(line, words);
    unsigned status;

    if (!found || sscanf(found + strlen(words), "%u", &status) != 1 || status > 255)
        return;
    errand->is_done = true;
    errand->status = status;
}
