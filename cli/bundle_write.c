/* SPDX-License-Identifier: MIT */
/*
 * The cpio archive, written by libarchive: a directory for each domain, with its settings, kernel, ramdisk and command
 * line.
 */
#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cli/bundle_write.h>

#define CHUNK (4 * MIB)

/* The number of the domain is the directory of its files. */
static int add_file(struct archive *archive, const struct bundle_domain *domain, const char *name, const void *data,
                    size_t size)
{
    char path[64];
    struct archive_entry *entry = archive_entry_new();
    int result;

    if (!entry)
        return ARCHIVE_FATAL;
    snprintf(path, sizeof(path), "%u/%s", domain->number, name);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    result = archive_write_header(archive, entry);
    archive_entry_free(entry);
    for (size_t at = 0; result == ARCHIVE_OK && at < size;) {
        size_t room = size - at < CHUNK ? size - at : CHUNK;
        la_ssize_t put = archive_write_data(archive, (const char *)data + at, room);

        if (put <= 0)
            return ARCHIVE_FATAL;
        at += (size_t)put;
        progress_tick((int)(at * 100 / size));
    }
    return result;
}

/* The settings are lines, and read by a simple parser. */
void bundle_clean_name(const char *name, char clean[static BUNDLE_NAME_MAX_LENGTH + 1])
{
    size_t i;

    for (i = 0; i < BUNDLE_NAME_MAX_LENGTH && name[i]; i++)
        clean[i] = isgraph((unsigned char)name[i]) ? name[i] : '_';
    clean[i] = '\0';
}

static void print_devices(FILE *settings, const struct bundle_domain *domain)
{
    for (unsigned i = 0; i < domain->nr_devices; i++) {
        const struct bundle_device *device = &domain->devices[i];

        fprintf(settings, "device=%s/%u %u\n", device->type, device->id, device->backend);
        for (unsigned j = 0; j < device->nr_nodes; j++)
            fprintf(settings, "%s=%s %s\n", device->nodes[j].back ? "back" : "front", device->nodes[j].key,
                    device->nodes[j].value);
    }
}

/* Each range of @processors, as hv/kernel/bundle.h has them. */
static void print_processors(FILE *settings, uint64_t processors)
{
    const char *before = "cpus=";

    for (unsigned first = 0; first < BUNDLE_PROCESSORS; first++) {
        unsigned last = first;

        if (!(processors >> first & 1))
            continue;
        while (last + 1 < BUNDLE_PROCESSORS && processors >> (last + 1) & 1)
            last++;
        fprintf(settings, "%s%u-%u", before, first, last);
        before = ",";
        first = last;
    }
    if (processors)
        fputc('\n', settings);
}

static void print_settings(FILE *settings, const struct bundle_domain *domain)
{
    char name[BUNDLE_NAME_MAX_LENGTH + 1];

    bundle_clean_name(domain->name, name);
    fprintf(settings, "name=%s\nmemory=%llu\nvcpus=%u\nweight=%u\nprivileged=%d\non_reboot=%s\n", name,
            (unsigned long long)domain->memory_kib, domain->vcpus, domain->weight, domain->privileged,
            domain->ends_by_reboot ? "destroy" : "restart");
    if (domain->most_kib > domain->memory_kib)
        fprintf(settings, "maxmem=%llu\n", (unsigned long long)domain->most_kib);
    if (domain->most_vcpus > domain->vcpus)
        fprintf(settings, "maxvcpus=%u\n", domain->most_vcpus);
    print_processors(settings, domain->pinned);
    if (domain->extent_order)
        fprintf(settings, "extent_order=%u\n", domain->extent_order);
    if (domain->linear_tables)
        fprintf(settings, "linear_tables=1\n");
    if (domain->uuid)
        fprintf(settings, "uuid=%s\n", domain->uuid);
    if (domain->is_back_end)
        fprintf(settings, "backend=1\n");
    if (domain->pci_vendor)
        fprintf(settings, "pci=%04x\n", domain->pci_vendor);
    if (domain->virtio_mmio)
        fprintf(settings, "virtio-mmio=%s\n", domain->virtio_mmio);
    if (domain->rights)
        fputs(domain->rights, settings);
    print_devices(settings, domain);
}

static int add_settings(struct archive *archive, const struct bundle_domain *domain)
{
    char *text = NULL;
    size_t size;
    FILE *settings = open_memstream(&text, &size);
    int result = ARCHIVE_FATAL;

    if (!settings)
        return ARCHIVE_FATAL;
    print_settings(settings, domain);
    if (fclose(settings) == 0)
        result = add_file(archive, domain, "settings", text, size);
    free(text);
    return result;
}

static int add_domain(struct archive *archive, const struct bundle_domain *domain)
{
    int result = add_settings(archive, domain);

    if (result == ARCHIVE_OK)
        result = add_file(archive, domain, "kernel", domain->kernel->data, domain->kernel->size);
    if (result == ARCHIVE_OK && domain->ramdisk)
        result = add_file(archive, domain, "ramdisk", domain->ramdisk->data, domain->ramdisk->size);
    if (result == ARCHIVE_OK && domain->cmdline)
        result = add_file(archive, domain, "cmdline", domain->cmdline, strlen(domain->cmdline));
    return result;
}

static int add_domains(struct archive *archive, const struct bundle_domain *domains, unsigned count)
{
    int result = ARCHIVE_OK;

    for (unsigned i = 0; i < count && result == ARCHIVE_OK; i++)
        result = add_domain(archive, &domains[i]);
    return result;
}

enum status bundle_write(const char *path, const struct bundle_domain *domains, unsigned count, uint64_t *size)
{
    struct archive *archive = archive_write_new();
    struct stat about;
    bool is_written;

    if (!archive) {
        say_error("out of memory");
        return STATUS_FAILED;
    }
    progress_begin("making the bundle");
    is_written = archive_write_set_format_cpio_newc(archive) == ARCHIVE_OK &&
                 archive_write_add_filter_none(archive) == ARCHIVE_OK &&
                 archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
                 archive_write_open_filename(archive, path) == ARCHIVE_OK &&
                 add_domains(archive, domains, count) == ARCHIVE_OK && archive_write_close(archive) == ARCHIVE_OK;
    progress_end();
    if (!is_written)
        say_error("%s: cannot be written: %s; is there room?", path,
                  archive_error_string(archive) ? archive_error_string(archive) : "out of memory");
    archive_write_free(archive);
    if (!is_written)
        return STATUS_FAILED;
    if (stat(path, &about)) {
        say_error("%s: cannot be read: %s", path, strerror(errno));
        return STATUS_FAILED;
    }
    *size = (uint64_t)about.st_size;
    return STATUS_GOOD;
}
