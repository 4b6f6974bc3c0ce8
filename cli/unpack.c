/* SPDX-License-Identifier: MIT */
/* The compressions and how to know them; libarchive unpacks. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <cli/unpack.h>

#define CHUNK ((size_t)64 << 10)

static int add_gzip(void *archive)
{
    return archive_read_support_filter_gzip(archive);
}

static int add_xz(void *archive)
{
    return archive_read_support_filter_xz(archive);
}

static int add_zstd(void *archive)
{
    return archive_read_support_filter_zstd(archive);
}

static int add_lz4(void *archive)
{
    return archive_read_support_filter_lz4(archive);
}

static int add_bzip2(void *archive)
{
    return archive_read_support_filter_bzip2(archive);
}

static int add_lzma(void *archive)
{
    return archive_read_support_filter_lzma(archive);
}

static const struct compression compressions[] = {
    {"gzip", false, "\x1f\x8b", 2, add_gzip},
    {"xz", true, "\xfd\x37zXZ", 6, add_xz}, /* the sixth byte is zero */
    {"zstd", true, "\x28\xb5\x2f\xfd", 4, add_zstd},
    {"lz4", true, "\x04\x22\x4d\x18", 4, add_lz4},
    {"lz4 (legacy frames)", true, "\x02\x21\x4c\x18", 4, add_lz4},
    {"bzip2", true, "BZh", 3, add_bzip2},
    {"lzma", true, "\x5d\0\0", 3, add_lzma},
    {"lzo", true, "\x89LZO", 4, NULL},
};

const struct compression *compression_find(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++) {
        const struct compression *this = &compressions[i];

        if (size >= this->magic_size && !memcmp(data, this->magic, this->magic_size))
            return this;
    }
    return NULL;
}

static void say_damaged(const char *name, struct archive *archive)
{
    const char *why = archive_error_string(archive);

    say_error("%s: damaged or incomplete: %s; get the file anew", name, why ? why : "it ends too early");
}

static enum status read_unpacked(const char *name, struct archive *archive, size_t limit, struct bytes *out)
{
    size_t capacity = 0;

    for (;;) {
        ssize_t got;
        enum status status = bytes_reserve(out, &capacity, CHUNK);

        if (status)
            return status;
        got = archive_read_data(archive, out->data + out->size, CHUNK);
        if (got < 0) {
            say_damaged(name, archive);
            return STATUS_REFUSED;
        }
        if (got == 0)
            return STATUS_GOOD;
        out->size += (size_t)got;
        if (out->size > limit) {
            say_error("%s: unpacks to more than the %zu MiB that are taken", name, limit / MIB);
            return STATUS_REFUSED;
        }
        progress_tick(-1);
    }
}

enum status unpack(const char *name, const struct compression *compression, const uint8_t *data, size_t size,
                   size_t limit, struct bytes *out)
{
    struct archive *archive;
    struct archive_entry *entry;
    enum status status = STATUS_REFUSED;

    *out = (struct bytes){NULL, 0};
    if (!compression->add_filter) {
        say_error("%s: compressed with %s, which cannot be unpacked here; unpack it first (Linux: "
                  "scripts/extract-vmlinux), or build the kernel with another compression",
                  name, compression->name);
        return STATUS_REFUSED;
    }
    archive = archive_read_new();
    if (!archive) {
        say_error("out of memory");
        return STATUS_FAILED;
    }
    /* Anything but ARCHIVE_OK stands for a library that lacks the filter and would start a program instead. */
    if (compression->add_filter(archive) != ARCHIVE_OK)
        say_error("%s: compressed with %s, which this libarchive cannot unpack; unpack it first", name,
                  compression->name);
    else if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
             archive_read_open_memory(archive, data, size) != ARCHIVE_OK ||
             archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        say_damaged(name, archive);
    else
        status = read_unpacked(name, archive, limit, out);
    archive_read_free(archive);
    if (status)
        bytes_free(out);
    return status;
}
