/* SPDX-License-Identifier: MIT */
/* The ring read, of whose contents nothing is looked at, and written to a file that libarchive compresses. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <cli/record.h>

/* A file of one member without a name: a compressed stream and nothing around it. */
static bool begin_file(struct record *record, const char *path)
{
    struct archive_entry *entry;
    bool is_good;

    record->archive = archive_write_new();
    entry = record->archive ? archive_entry_new() : NULL;
    if (!entry)
        return false;
    archive_entry_set_pathname(entry, "recording");
    archive_entry_set_filetype(entry, AE_IFREG);
    is_good = archive_write_add_filter_zstd(record->archive) == ARCHIVE_OK &&
              archive_write_set_format_raw(record->archive) == ARCHIVE_OK &&
              archive_write_open_filename(record->archive, path) == ARCHIVE_OK &&
              archive_write_header(record->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return is_good;
}

static const char *why(const struct record *record)
{
    const char *text = record->archive ? archive_error_string(record->archive) : NULL;

    return text ? text : "out of memory";
}

enum status record_open(struct record *record, const char *path)
{
    enum status status;

    *record = (struct record){.name = path};
    status = machine_memory_open(&record->memory, "--record");
    if (status)
        return status;
    if (!begin_file(record, path)) {
        say_error("--record: %s: cannot be written: %s", path, why(record));
        return STATUS_USAGE;
    }
    record->is_on = true;
    return STATUS_GOOD;
}

void record_close(struct record *record)
{
    if (record->archive)
        archive_write_free(record->archive);
    if (record->name)
        machine_memory_close(&record->memory);
    *record = (struct record){.name = NULL};
}

void record_note(struct record *record, const char *line)
{
    uint64_t size = record->is_on ? machine_memory_note(&record->memory, line, "record", RECORD_RING_OFFSET) : 0;

    if (size)
        record->size = size;
}

static void write_bytes(struct record *record, const uint8_t *bytes, size_t size)
{
    if (size && !record->is_full && archive_write_data(record->archive, bytes, size) != (ssize_t)size)
        record->is_full = true;
}

void record_drain(struct record *record)
{
    struct record_ring *ring = record->memory.ring;
    const uint8_t *bytes = (const uint8_t *)ring + RECORD_RING_OFFSET;
    uint64_t head, left;

    if (!record->is_on || !ring || record->is_broken)
        return;
    head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    left = head - record->tail;
    if (left > record->size) {
        record->is_broken = true;
        return;
    }
    while (left) {
        uint64_t place = record->tail & (record->size - 1), room = record->size - place;
        uint64_t chunk = left < room ? left : room;

        write_bytes(record, bytes + place, chunk);
        record->tail += chunk;
        left -= chunk;
        __atomic_store_n(&ring->tail, record->tail, __ATOMIC_RELEASE);
    }
}

enum status record_finish(struct record *record)
{
    const uint8_t end = RECORD_END;

    if (!record->is_on)
        return STATUS_GOOD;
    record_drain(record);
    if (!record->memory.ring) {
        say_error("--record: nothing was recorded: the hypervisor has not said where");
        return STATUS_FAILED;
    }
    if (!record->is_broken)
        write_bytes(record, &end, sizeof(end));
    if (archive_write_close(record->archive) != ARCHIVE_OK)
        record->is_full = true;
    if (record->is_broken)
        say_error("--record: what the hypervisor wrote made no sense; the rest is missing");
    if (record->is_full)
        say_error("--record: %s: could not be written: %s", record->name, why(record));
    return record->is_broken || record->is_full ? STATUS_FAILED : STATUS_GOOD;
}
