/* SPDX-License-Identifier: MIT */
/*
 * Where notes are: in PT_NOTE segments, or if none of Xen's is there in note sections, or if there is none either as
 * text in the section __xen_guest.
 */
#include <hv/kernel/notes.h>

struct note_header {
    uint32_t name_size, value_size, type;
};
_Static_assert(sizeof(struct note_header) == 12, "System V ABI, figure 5-3");

/*
 * ---- Notes.
 */

static void add(struct elfnotes *notes, unsigned type, struct blob value)
{
    notes->present[type] = true;
    notes->values[type] = value;
    notes->count++;
}

struct note {
    uint32_t type;
    struct blob name, value;
    bool is_whole; /* or it says that it is longer than the list */
};

static uint64_t fill_up(uint64_t size, unsigned unit)
{
    return (size + unit - 1) & ~((uint64_t)unit - 1);
}

/*
 * The first note of @list, in which values and notes begin at multiples of @unit bytes.  Returns its size, which may be
 * more than is there, or 0 if there is none.
 */
static uint64_t read_note(struct blob list, unsigned unit, struct note *note)
{
    struct note_header header;
    uint64_t value_at;

    if (!blob_read(list, 0, &header, sizeof(header)) ||
        !blob_slice(list, sizeof(header), header.name_size, &note->name))
        return 0;
    value_at = fill_up(sizeof(header) + header.name_size, unit);
    note->type = header.type;
    note->value = blob_skip(list, value_at);
    note->is_whole = note->value.size >= header.value_size;
    if (note->is_whole)
        note->value.size = header.value_size;
    return fill_up(value_at + header.value_size, unit);
}

/*
 * Notes begin at multiples of 4 bytes, or of 8 where that is the alignment of what they are in.  That they do has to be
 * seen: linkers put notes of both kinds into one segment, and then it has the larger alignment.
 */
static unsigned unit_of(struct blob list, uint64_t align)
{
    struct note note;
    uint64_t size;

    if (align != 8)
        return 4;
    while ((size = read_note(list, 8, &note))) {
        if (!note.is_whole)
            return 4;
        list = blob_skip(list, size);
    }
    return list.size < sizeof(struct note_header) ? 8 : 4;
}

/* Take the notes of @list.  The last one may say that it is longer than @list, and then ends with it: GRUB's does. */
static void find_notes(struct blob list, unsigned unit, struct elfnotes *notes)
{
    struct note note;
    uint64_t size;

    while ((size = read_note(list, unit, &note))) {
        list = blob_skip(list, size);
        if (blob_equals(blob_until(note.name, 0), "Xen") && note.type < ELFNOTE_COUNT)
            add(notes, note.type, note.value);
    }
}

/* Take the notes that lie at @offset of the file; what would be beyond its end is not there. */
static void find_notes_at(const struct elf_image *image, uint64_t offset, uint64_t size, uint64_t align,
                          struct elfnotes *notes)
{
    struct blob list = blob_skip(image->file, offset);

    if (list.size > size)
        list.size = size;
    find_notes(list, unit_of(list, align), notes);
}

static void find_in_segments(const struct elf_image *image, struct elfnotes *notes)
{
    for (unsigned i = 0; i < image->nr_segments; i++) {
        struct elf_segment segment = elf_segment(image, i);

        if (segment.type == ELF_SEGMENT_NOTE)
            find_notes_at(image, segment.offset, segment.file_size, segment.align, notes);
    }
}

/*
 * Sections do not overlap in files that linkers make, so all their notes together are no larger than the file: a file
 * whose sections all name the same bytes does not keep us busy for long.
 */
static void find_in_sections(const struct elf_image *image, struct elfnotes *notes)
{
    uint64_t left = image->file.size;

    for (unsigned i = 0; i < image->nr_sections; i++) {
        struct elf_section section = elf_section(image, i);

        if (section.type != ELF_SECTION_NOTE || section.size > left)
            continue;
        left -= section.size;
        find_notes_at(image, section.offset, section.size, section.align, notes);
    }
}

/*
 * ---- The text of older images.
 */

struct key {
    char text[20];
    unsigned type;
};

static const struct key keys[] = {
    {"LOADER", XEN_ELFNOTE_LOADER},
    {"GUEST_OS", XEN_ELFNOTE_GUEST_OS},
    {"GUEST_VER", XEN_ELFNOTE_GUEST_VERSION},
    {"XEN_VER", XEN_ELFNOTE_XEN_VERSION},
    {"VIRT_BASE", XEN_ELFNOTE_VIRT_BASE},
    {"VIRT_ENTRY", XEN_ELFNOTE_ENTRY},
    {"HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE},
    {"FEATURES", XEN_ELFNOTE_FEATURES},
    {"PAE", XEN_ELFNOTE_PAE_MODE},
    {"ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET},
    {"BSD_SYMTAB", XEN_ELFNOTE_BSD_SYMTAB},
};

/* One KEY=VALUE.  Unknown keys are ignored, like unknown notes; a key alone has an empty value. */
static void take_pair(struct blob pair, struct elfnotes *notes)
{
    struct blob name = blob_until(pair, '=');

    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        if (blob_equals(name, keys[i].text))
            add(notes, keys[i].type, blob_skip(pair, name.size + 1));
    }
}

static void find_legacy(const struct elf_image *image, struct elfnotes *notes)
{
    for (unsigned i = 0; i < image->nr_sections; i++) {
        struct elf_section section = elf_section(image, i);
        struct blob text;

        if (!elf_section_is_named(image, &section, "__xen_guest") ||
            !blob_slice(image->file, section.offset, section.size, &text))
            continue;
        notes->legacy = true;
        text = blob_until(text, 0);
        while (text.size > 0) {
            struct blob pair = blob_until(text, ',');

            take_pair(pair, notes);
            text = blob_skip(text, pair.size + 1);
        }
        return;
    }
}

void elfnotes_find(const struct elf_image *image, struct elfnotes *notes)
{
    memset(notes, 0, sizeof(*notes));
    find_in_segments(image, notes);
    if (notes->count == 0)
        find_in_sections(image, notes);
    if (notes->count == 0)
        find_legacy(image, notes);
}

/*
 * ---- Numbers.
 */

static uint64_t read_hexadecimal(struct blob text)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 16)
        return 0;
    for (uint64_t i = 0; i < text.size; i++) {
        unsigned lower = text.bytes[i] | 0x20u;

        if (text.bytes[i] >= '0' && text.bytes[i] <= '9')
            value = value << 4 | (text.bytes[i] - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (lower - 'a' + 10);
        else
            return 0;
    }
    return value;
}

static uint64_t read_text(struct blob text)
{
    uint64_t value;

    if (blob_starts_with(text, "0x") || blob_starts_with(text, "0X"))
        return read_hexadecimal(blob_skip(text, 2));
    return blob_decimal(text, &value) ? value : 0;
}

static uint64_t read_binary(struct blob bytes)
{
    uint64_t value = 0;

    if (bytes.size == 1 || bytes.size == 2 || bytes.size == 4 || bytes.size == 8)
        blob_read(bytes, 0, &value, bytes.size);
    return value;
}

uint64_t elfnotes_number(const struct elfnotes *notes, unsigned type, uint64_t otherwise)
{
    if (!notes->present[type])
        return otherwise;
    return notes->legacy ? read_text(notes->values[type]) : read_binary(notes->values[type]);
}
