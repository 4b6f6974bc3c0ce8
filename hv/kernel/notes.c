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

/* The next one of Xen's.  The last one may say that it is longer than the list, and then ends with it: GRUB's does. */
static bool next_note(struct notes_walk *walk, struct note *note)
{
    uint64_t size;

    while ((size = read_note(walk->list, walk->unit, note))) {
        walk->list = blob_skip(walk->list, size);
        if (blob_equals(blob_until(note->name, 0), "Xen"))
            return true;
    }
    return false;
}

/* Go on with the notes that lie at @offset of the file; what would be beyond its end is not there. */
static void begin_list(struct notes_walk *walk, uint64_t offset, uint64_t size, uint64_t align)
{
    walk->list = blob_skip(walk->image->file, offset);
    if (walk->list.size > size)
        walk->list.size = size;
    walk->unit = unit_of(walk->list, align);
}

static bool next_segment(struct notes_walk *walk)
{
    while (walk->next < walk->image->nr_segments) {
        struct elf_segment segment = elf_segment(walk->image, walk->next++);

        if (segment.type != ELF_SEGMENT_NOTE)
            continue;
        begin_list(walk, segment.offset, segment.file_size, segment.align);
        return true;
    }
    return false;
}

/*
 * Sections do not overlap in files that linkers make, so all their notes together are no larger than the file: a file
 * whose sections all name the same bytes does not keep us busy for long.
 */
static bool next_section(struct notes_walk *walk)
{
    while (walk->next < walk->image->nr_sections) {
        struct elf_section section = elf_section(walk->image, walk->next++);

        if (section.type != ELF_SECTION_NOTE || section.size > walk->left)
            continue;
        walk->left -= section.size;
        begin_list(walk, section.offset, section.size, section.align);
        return true;
    }
    return false;
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

/* The next KEY=VALUE.  Unknown keys are ignored; a key alone has an empty value. */
static bool next_pair(struct notes_walk *walk, struct note *note)
{
    while (walk->list.size > 0) {
        struct blob pair = blob_until(walk->list, ',');

        walk->list = blob_skip(walk->list, pair.size + 1);
        *note = (struct note){.name = blob_until(pair, '='), .is_whole = true};
        note->value = blob_skip(pair, note->name.size + 1);
        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
            note->type = keys[i].type;
            if (blob_equals(note->name, keys[i].text))
                return true;
        }
    }
    return false;
}

/* There is one text. */
static bool next_text(struct notes_walk *walk)
{
    while (walk->next < walk->image->nr_sections) {
        struct elf_section section = elf_section(walk->image, walk->next++);

        if (!elf_section_is_named(walk->image, &section, NOTES_LEGACY_SECTION) ||
            !blob_slice(walk->image->file, section.offset, section.size, &walk->list))
            continue;
        walk->list = blob_until(walk->list, 0);
        walk->next = walk->image->nr_sections;
        return true;
    }
    return false;
}

/*
 * ---- All of them.
 */

struct notes_walk notes_walk(const struct elf_image *image, enum notes_origin origin)
{
    return (struct notes_walk){.image = image, .origin = origin, .left = image->file.size};
}

static bool next_list(struct notes_walk *walk)
{
    switch (walk->origin) {
    case NOTES_NONE:
        return false;
    case NOTES_SEGMENT:
        return next_segment(walk);
    case NOTES_SECTION:
        return next_section(walk);
    case NOTES_LEGACY:
        return next_text(walk);
    }
    return false;
}

bool notes_next(struct notes_walk *walk, struct note *note)
{
    while (walk->origin == NOTES_LEGACY ? !next_pair(walk, note) : !next_note(walk, note)) {
        if (!next_list(walk))
            return false;
    }
    return true;
}

void notes_find(const struct elf_image *image, struct notes *notes)
{
    static const uint8_t origins[] = {NOTES_SEGMENT, NOTES_SECTION, NOTES_LEGACY};

    memset(notes, 0, sizeof(*notes));
    for (unsigned i = 0; i < ARRAY_SIZE(origins) && notes->origin == NOTES_NONE; i++) {
        struct notes_walk walk = notes_walk(image, origins[i]);
        struct note note;

        while (notes_next(&walk, &note)) {
            if (note.type >= NOTES_COUNT)
                continue;
            notes->origin = origins[i];
            notes->present[note.type] = true;
            notes->clipped[note.type] = !note.is_whole;
            notes->values[note.type] = note.value;
        }
    }
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
        (void)blob_read(bytes, 0, &value, bytes.size);
    return value;
}

uint64_t notes_read_number(enum notes_origin origin, struct blob value)
{
    return origin == NOTES_LEGACY ? read_text(value) : read_binary(value);
}

uint64_t notes_number(const struct notes *notes, unsigned type, uint64_t otherwise)
{
    return notes->present[type] ? notes_read_number(notes->origin, notes->values[type]) : otherwise;
}
