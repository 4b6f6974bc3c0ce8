/* SPDX-License-Identifier: MIT */
/*
 * What segments have in the file stays where it is.  What is behind that and wanted moves up to it, in the order of the
 * file, and the table of sections comes last.  Files in which that would not do, as linkers do not make them, stay
 * whole.
 */
#include <stdlib.h>
#include <string.h>

#include <hv/kernel/elf_format.h>
#include <cli/trim.h>

#define ALIGNMENT 8u

struct moved {
    uint64_t from, to, size; /* in the file */
    unsigned index;          /* of the section */
};

struct trim {
    const struct elf_image *image;
    uint8_t *data;
    unsigned symbols;                /* the section of symbols that is wanted, or the number of sections */
    struct elf_section_64 *sections; /* a copy of the table, as it is to become */
    struct moved *moved;
    size_t nr_moved;
    uint64_t end; /* of what has its new place */
};

static uint64_t align(uint64_t offset)
{
    return (offset + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

static uint64_t table_size(const struct trim *trim)
{
    return trim->image->nr_sections * sizeof(struct elf_section_64);
}

static bool is_inside(const struct trim *trim, uint64_t offset, uint64_t size)
{
    struct blob part;

    return blob_slice(trim->image->file, offset, size, &part);
}

/* A copy of the table of sections; false: there is nothing to take out. */
static bool begin(struct trim *trim)
{
    const struct elf_image *image = trim->image;

    if (image->width != WIDTH_64 || !image->nr_sections)
        return false;
    trim->sections = malloc(table_size(trim));
    trim->moved = malloc(image->nr_sections * sizeof(*trim->moved));
    return trim->sections && trim->moved &&
           blob_read(image->file, image->sections_at, trim->sections, table_size(trim));
}

/* Where what segments and headers have in the file ends, be it nothing at a place; false: beyond the file. */
static bool find_end(struct trim *trim)
{
    const struct elf_image *image = trim->image;
    uint64_t table = image->segments_at + image->nr_segments * sizeof(struct elf_segment_64);

    trim->end = table > sizeof(struct elf_header_64) ? table : sizeof(struct elf_header_64);
    for (unsigned i = 0; i < image->nr_segments; i++) {
        struct elf_segment segment = elf_segment(image, i);

        if (!is_inside(trim, segment.offset, segment.file_size))
            return false;
        if (segment.offset + segment.file_size > trim->end)
            trim->end = segment.offset + segment.file_size;
    }
    return true;
}

static bool is_read(const struct trim *trim, unsigned index)
{
    struct elf_section section = elf_section(trim->image, index);

    if (section.type == ELF_SECTION_NOTE || index == trim->image->names_section ||
        elf_section_is_named(trim->image, &section, NOTES_LEGACY_SECTION))
        return true;
    return trim->symbols < trim->image->nr_sections &&
           (index == trim->symbols || index == elf_section(trim->image, trim->symbols).link);
}

static int compare(const void *one, const void *other)
{
    const struct moved *a = one, *b = other;

    return a->from < b->from ? -1 : a->from > b->from;
}

/* List what has to move; false: it is not in the file. */
static bool find_moved(struct trim *trim)
{
    for (unsigned i = 0; i < trim->image->nr_sections; i++) {
        struct elf_section section = elf_section(trim->image, i);

        if (!is_read(trim, i))
            continue;
        if (!is_inside(trim, section.offset, section.size))
            return false;
        if (section.offset + section.size > trim->end)
            trim->moved[trim->nr_moved++] = (struct moved){.from = section.offset, .size = section.size, .index = i};
    }
    qsort(trim->moved, trim->nr_moved, sizeof(*trim->moved), compare);
    return true;
}

/* Of notes in sections no more are read than the file has bytes: would all of them still be? */
static bool notes_are_read(const struct trim *trim)
{
    uint64_t notes = 0;

    for (unsigned i = 0; i < trim->image->nr_sections; i++) {
        struct elf_section section = elf_section(trim->image, i);

        if (section.type != ELF_SECTION_NOTE)
            continue;
        if (section.size > trim->end - notes)
            return false;
        notes += section.size;
    }
    return true;
}

/* Give everything its place; false: it would have to move down, or what is left would not be shorter. */
static bool place(struct trim *trim)
{
    for (size_t i = 0; i < trim->nr_moved; i++) {
        struct moved *moved = &trim->moved[i];

        moved->to = align(trim->end);
        if (moved->to > moved->from)
            return false;
        trim->end = moved->to + moved->size;
    }
    trim->end = align(trim->end);
    return trim->end + table_size(trim) < trim->image->file.size && notes_are_read(trim);
}

static void move(struct trim *trim)
{
    for (unsigned i = 1; i < trim->image->nr_sections; i++) {
        if (!is_read(trim, i))
            trim->sections[i] = (struct elf_section_64){.type = 0};
    }
    for (size_t i = 0; i < trim->nr_moved; i++)
        trim->sections[trim->moved[i].index].offset = trim->moved[i].to;
    /* From here on the file is no longer what the image says. */
    for (size_t i = 0; i < trim->nr_moved; i++)
        memmove(trim->data + trim->moved[i].to, trim->data + trim->moved[i].from, trim->moved[i].size);
    memcpy(trim->data + trim->end, trim->sections, table_size(trim));
    memcpy(trim->data + offsetof(struct elf_header_64, sections_at), &trim->end, sizeof(trim->end));
}

void trim_kernel(struct bytes *elf, const struct kernel *kernel)
{
    struct trim trim = {.image = &kernel->image, .data = elf->data};

    trim.symbols = kernel->wants_symbols ? elf_find_symbols(trim.image) : trim.image->nr_sections;
    if (begin(&trim) && find_end(&trim) && find_moved(&trim) && place(&trim)) {
        move(&trim);
        elf->size = trim.end + table_size(&trim);
    }
    free(trim.sections);
    free(trim.moved);
}
