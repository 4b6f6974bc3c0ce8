/* SPDX-License-Identifier: MIT */
/* Recordings as they lie in files: libarchive packs and unpacks them. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/replay/replay.h>

#define CHUNK ((size_t)1 << 20)

static bool complain(const char *path, struct archive *archive)
{
    const char *why = archive ? archive_error_string(archive) : NULL;

    fprintf(stderr, "paravane replay: %s: %s\n", path, why ? why : strerror(errno));
    return false;
}

static bool read_all(struct archive *archive, uint8_t **bytes, size_t *size)
{
    for (size_t room = 0;;) {
        ssize_t got;

        if (room - *size < CHUNK) {
            room = 2 * room + CHUNK;
            *bytes = realloc(*bytes, room);
            if (!*bytes)
                abort();
        }
        got = archive_read_data(archive, *bytes + *size, CHUNK);
        if (got <= 0)
            return got == 0;
        *size += (size_t)got;
    }
}

bool file_read(const char *path, uint8_t **bytes, size_t *size)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    bool is_good;

    *bytes = NULL;
    *size = 0;
    is_good = archive && archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
              archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
              archive_read_support_format_raw(archive) == ARCHIVE_OK &&
              archive_read_open_filename(archive, path, CHUNK) == ARCHIVE_OK &&
              archive_read_next_header(archive, &entry) == ARCHIVE_OK && read_all(archive, bytes, size);
    if (!is_good)
        complain(path, archive);
    archive_read_free(archive);
    return is_good;
}

static bool add_filter(struct archive *archive, const char *path)
{
    size_t length = strlen(path);

    if (length > 3 && !strcmp(path + length - 3, ".xz"))
        return archive_write_add_filter_xz(archive) == ARCHIVE_OK &&
               archive_write_set_filter_option(archive, "xz", "compression-level", "9") == ARCHIVE_OK;
    return archive_write_add_filter_zstd(archive) == ARCHIVE_OK &&
           archive_write_set_filter_option(archive, "zstd", "compression-level", "19") == ARCHIVE_OK;
}

bool file_write(const char *path, const uint8_t *bytes, size_t size)
{
    static const uint8_t end = RECORD_END;
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    bool is_good;

    if (!archive || !entry)
        abort();
    archive_entry_set_pathname(entry, "recording");
    archive_entry_set_filetype(entry, AE_IFREG);
    is_good = add_filter(archive, path) && archive_write_set_format_raw(archive) == ARCHIVE_OK &&
              archive_write_open_filename(archive, path) == ARCHIVE_OK &&
              archive_write_header(archive, entry) == ARCHIVE_OK &&
              archive_write_data(archive, bytes, size) == (ssize_t)size &&
              archive_write_data(archive, &end, sizeof(end)) == (ssize_t)sizeof(end) &&
              archive_write_close(archive) == ARCHIVE_OK;
    if (!is_good)
        complain(path, archive);
    archive_entry_free(entry);
    archive_write_free(archive);
    return is_good;
}
