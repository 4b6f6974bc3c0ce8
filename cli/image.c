/* SPDX-License-Identifier: MIT */
/* Unwrapping, layer by layer: the payload of a bzImage, compressions, until an ELF file appears. */
#include <ctype.h>
#include <elf.h>
#include <string.h>

#include <cli/image.h>
#include <cli/unpack.h>

#define IMAGE_MAX (1024 * MIB)

/* The header of a bzImage, by the boot protocol of Linux on x86. */
#define BZ_SETUP_SECTS    0x1f1
#define BZ_BOOT_FLAG      0x1fe
#define BZ_MAGIC          0x202
#define BZ_PROTOCOL       0x206
#define BZ_VERSION        0x20e
#define BZ_PAYLOAD_OFFSET 0x248
#define BZ_PAYLOAD_LENGTH 0x24c
#define BZ_HEADER_END     0x250
#define BZ_SECTOR         512u
#define BZ_WITH_PAYLOAD   0x208 /* the first protocol that says where the payload is */
#define BZ_SIZE_BEHIND    4u

static unsigned get16(const uint8_t *data)
{
    return data[0] | (unsigned)data[1] << 8;
}

static uint32_t get32(const uint8_t *data)
{
    return get16(data) | (uint32_t)get16(data + 2) << 16;
}

static bool is_elf(const struct bytes *file)
{
    return file->size >= SELFMAG && !memcmp(file->data, ELFMAG, SELFMAG);
}

static bool is_bzimage(const struct bytes *file)
{
    return file->size >= BZ_HEADER_END && get16(file->data + BZ_BOOT_FLAG) == 0xaa55 &&
           !memcmp(file->data + BZ_MAGIC, "HdrS", 4);
}

static void read_version(const struct bytes *file, struct image *image)
{
    size_t at = get16(file->data + BZ_VERSION) + (size_t)BZ_SECTOR;
    size_t length = 0;

    if (at == BZ_SECTOR)
        return;
    while (at < file->size && length + 1 < sizeof(image->version) && isprint(file->data[at]))
        image->version[length++] = (char)file->data[at++];
    image->version[length] = '\0';
}

static void add_layer(struct image *image, const char *name)
{
    image->layers[image->nr_layers++] = name;
}

/* Replace what has been unwrapped so far by what was inside. */
static void replace(struct bytes *file, struct bytes *inside)
{
    bytes_free(file);
    *file = *inside;
    *inside = (struct bytes){NULL, 0};
}

static enum status unwrap_payload(const char *path, const uint8_t *payload, size_t size, struct image *image,
                                  struct bytes *out)
{
    const struct compression *compression = compression_find(payload, size);
    enum status status;

    if (!compression) {
        say_error("%s: a bzImage whose payload is compressed in an unknown way; unpack it first (Linux: "
                  "scripts/extract-vmlinux)",
                  path);
        return STATUS_REFUSED;
    }
    add_layer(image, compression->name);
    status =
        unpack(path, compression, payload, compression->has_size_behind ? size - BZ_SIZE_BEHIND : size, IMAGE_MAX, out);
    if (status)
        return status;
    if (out->size != get32(payload + size - BZ_SIZE_BEHIND)) {
        say_error("%s: damaged: the kernel unpacks to %zu bytes and should have %u; get the file anew", path, out->size,
                  get32(payload + size - BZ_SIZE_BEHIND));
        bytes_free(out);
        return STATUS_REFUSED;
    }
    return STATUS_GOOD;
}

static enum status unwrap_bzimage(const char *path, struct bytes *file, struct image *image)
{
    unsigned setup_sects = file->data[BZ_SETUP_SECTS] ? file->data[BZ_SETUP_SECTS] : 4;
    uint64_t begin = (setup_sects + 1) * (uint64_t)BZ_SECTOR + get32(file->data + BZ_PAYLOAD_OFFSET);
    uint64_t size = get32(file->data + BZ_PAYLOAD_LENGTH);
    struct bytes inside = {NULL, 0};
    enum status status;

    image->is_bzimage = true;
    image->protocol = get16(file->data + BZ_PROTOCOL);
    read_version(file, image);
    if (image->protocol < BZ_WITH_PAYLOAD) {
        say_error(
            "%s: a bzImage of boot protocol %u.%02u, which does not say where the kernel is in it (2.08 and later "
            "do); give the vmlinux file",
            path, image->protocol >> 8, image->protocol & 0xff);
        return STATUS_REFUSED;
    }
    if (begin + size > file->size || size <= BZ_SIZE_BEHIND) {
        say_error("%s: incomplete: a bzImage whose kernel is at byte %llu to %llu, but the file has %zu bytes; get the "
                  "file anew",
                  path, (unsigned long long)begin, (unsigned long long)(begin + size), file->size);
        return STATUS_REFUSED;
    }
    if (!memcmp(file->data + begin, ELFMAG, SELFMAG)) {
        memmove(file->data, file->data + begin, (size_t)size);
        file->size = (size_t)size;
        return STATUS_GOOD;
    }
    status = unwrap_payload(path, file->data + begin, (size_t)size, image, &inside);
    if (!status)
        replace(file, &inside);
    return status;
}

static enum status unwrap(const char *path, struct bytes *file, struct image *image)
{
    const struct compression *compression;
    struct bytes inside;
    enum status status;

    if (is_bzimage(file))
        return unwrap_bzimage(path, file, image);
    compression = compression_find(file->data, file->size);
    if (!compression) {
        say_error("%s: not a kernel: neither an ELF file nor a bzImage nor one of these compressed; a disk's image "
                  "is booted by `paravane run --disk %s`",
                  path, path);
        return STATUS_USAGE;
    }
    add_layer(image, compression->name);
    status = unpack(path, compression, file->data, file->size, IMAGE_MAX, &inside);
    if (!status)
        replace(file, &inside);
    return status;
}

enum status image_read(const char *path, struct image *image)
{
    enum status status;

    *image = (struct image){.nr_layers = 0};
    progress_begin("reading the kernel");
    status = file_read(path, IMAGE_MAX, &image->elf);
    image->file_size = image->elf.size;
    progress_begin("unpacking the kernel");
    while (!status && !is_elf(&image->elf)) {
        if (image->nr_layers == IMAGE_LAYERS_MAX) {
            say_error("%s: not a kernel: something is compressed over and over", path);
            status = STATUS_USAGE;
        } else {
            status = unwrap(path, &image->elf, image);
        }
    }
    progress_end();
    if (status)
        image_free(image);
    return status;
}

void image_free(struct image *image)
{
    bytes_free(&image->elf);
}
