/* SPDX-License-Identifier: MIT */
/* A map as a page: the data, packed as browsers unpack it, in the place that is kept for it in a page without any. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/replay/map.h>
#include <sim/replay/replay.h>

#define PLACE "{{data}}"

static bool complain(const char *path, const char *why)
{
    fprintf(stderr, "paravane map: %s: %s\n", path, why ? why : strerror(errno));
    return false;
}

/* A text as gzip has it; the caller frees it. */
static uint8_t *pack(const char *text, size_t size, size_t *packed_size)
{
    size_t room = size + size / 8 + 65536;
    uint8_t *packed = malloc(room);
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();

    if (!packed || !archive || !entry)
        abort();
    archive_entry_set_pathname(entry, "map");
    archive_entry_set_filetype(entry, AE_IFREG);
    if (archive_write_add_filter_gzip(archive) != ARCHIVE_OK || archive_write_set_format_raw(archive) != ARCHIVE_OK ||
        archive_write_open_memory(archive, packed, room, packed_size) != ARCHIVE_OK ||
        archive_write_header(archive, entry) != ARCHIVE_OK ||
        archive_write_data(archive, text, size) != (ssize_t)size || archive_write_close(archive) != ARCHIVE_OK)
        abort();
    archive_entry_free(entry);
    archive_write_free(archive);
    return packed;
}

static void write_base64(FILE *to, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)(i + 1 < size ? bytes[i + 1] : 0) << 8 |
                         (uint32_t)(i + 2 < size ? bytes[i + 2] : 0);

        fputc(digits[three >> 18], to);
        fputc(digits[three >> 12 & 63], to);
        fputc(i + 1 < size ? digits[three >> 6 & 63] : '=', to);
        fputc(i + 2 < size ? digits[three & 63] : '=', to);
    }
}

/* A file as text, which the caller frees; NULL: it cannot be read. */
static char *read_page(const char *path)
{
    FILE *from = fopen(path, "r");
    long size = from && fseek(from, 0, SEEK_END) == 0 ? ftell(from) : -1;
    char *text = size >= 0 ? calloc(1, (size_t)size + 1) : NULL;

    if (text && (fseek(from, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)size, from) != (size_t)size)) {
        free(text);
        text = NULL;
    }
    if (from)
        fclose(from);
    return text;
}

static void write_data(FILE *to)
{
    char *text = NULL;
    size_t size = 0, packed_size = 0;
    FILE *into = open_memstream(&text, &size);
    uint8_t *packed;

    if (!into)
        abort();
    map_write(into);
    fclose(into);
    packed = pack(text, size, &packed_size);
    write_base64(to, packed, packed_size);
    free(packed);
    free(text);
}

bool map_write_page(const char *path, const char *page)
{
    char *text = read_page(page), *place = text ? strstr(text, PLACE) : NULL;
    FILE *to;
    bool is_good;

    if (!place) {
        free(text);
        return complain(page, text ? "there is no place for data in it" : NULL);
    }
    to = fopen(path, "w");
    if (!to) {
        free(text);
        return complain(path, NULL);
    }
    fwrite(text, 1, (size_t)(place - text), to);
    write_data(to);
    fputs(place + strlen(PLACE), to);
    is_good = !ferror(to);
    is_good = fclose(to) == 0 && is_good;
    free(text);
    return is_good || complain(path, NULL);
}
