/* SPDX-License-Identifier: MIT */
/* The headers of an ELF file.  Tables are checked as a whole when the file is opened. */
#include <abi/errno.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>

#define SECTIONS_MAX 0xff00u /* their indices from here on are special */

static int fail(struct findings *findings, enum finding_id id)
{
    findings_add(findings, id);
    return -XEN_EINVAL;
}

/* The header of either class, in the form of the wider one. */
static bool read_header(struct blob file, struct elf_header_64 *header)
{
    struct elf_header_32 narrow;

    if (!blob_read(file, 0, &header->ident, sizeof(header->ident)))
        return false;
    if (header->ident.class != ELF_CLASS_32)
        return blob_read(file, 0, header, sizeof(*header));
    if (!blob_read(file, 0, &narrow, sizeof(narrow)))
        return false;
    *header = (struct elf_header_64){
        .ident = narrow.ident,
        .type = narrow.type,
        .machine = narrow.machine,
        .entry = narrow.entry,
        .segments_at = narrow.segments_at,
        .sections_at = narrow.sections_at,
        .segment_size = narrow.segment_size,
        .nr_segments = narrow.nr_segments,
        .section_size = narrow.section_size,
        .nr_sections = narrow.nr_sections,
        .names_section = narrow.names_section,
    };
    return true;
}

/* Numbers in another order of bytes are not read. */
static int check_ident(const struct elf_ident *ident, struct findings *findings)
{
    if (ident->version != ELF_VERSION || (ident->data != ELF_LITTLE_ENDIAN && ident->data != ELF_BIG_ENDIAN))
        return fail(findings, FINDING_HEADER);
    if (ident->class != ELF_CLASS_64 && ident->class != ELF_CLASS_32)
        return fail(findings, FINDING_CLASS);
    return ident->data == ELF_LITTLE_ENDIAN ? 0 : fail(findings, FINDING_MACHINE);
}

static void check_kind(const struct elf_image *image, struct findings *findings)
{
    if (image->machine != (image->width == WIDTH_64 ? ELF_MACHINE_AMD64 : ELF_MACHINE_386))
        findings_add(findings, FINDING_MACHINE);
    if (image->type != ELF_TYPE_EXEC && image->type != ELF_TYPE_DYN)
        findings_add(findings, FINDING_TYPE);
}

/* What is accepted can be read as a whole. */
static int check_tables(const struct elf_header_64 *header, struct elf_image *image, struct findings *findings)
{
    bool is_64 = image->width == WIDTH_64;
    struct blob table;

    if (header->nr_segments > 0 &&
        (header->segment_size != (is_64 ? sizeof(struct elf_segment_64) : sizeof(struct elf_segment_32)) ||
         !blob_slice(image->file, header->segments_at, (uint64_t)header->nr_segments * header->segment_size, &table)))
        return fail(findings, FINDING_SEGMENT_TABLE);
    image->nr_segments = header->nr_segments;
    if (header->nr_segments > ELF_SEGMENTS_MAX) {
        image->nr_segments = ELF_SEGMENTS_MAX;
        findings_add(findings, FINDING_HEADERS);
    }
    if (header->nr_sections == 0)
        return 0;
    if (header->nr_sections <= SECTIONS_MAX &&
        header->section_size == (is_64 ? sizeof(struct elf_section_64) : sizeof(struct elf_section_32)) &&
        blob_slice(image->file, header->sections_at, (uint64_t)header->nr_sections * header->section_size, &table))
        image->nr_sections = header->nr_sections;
    else
        findings_add(findings, FINDING_SECTION_TABLE);
    return 0;
}

int elf_open(struct blob file, struct elf_image *image, struct findings *findings)
{
    struct elf_header_64 header;
    int error;

    *image = (struct elf_image){.file = file};
    if (!blob_starts_with(file, "\177ELF"))
        return fail(findings, FINDING_NOT_ELF);
    if (!read_header(file, &header))
        return fail(findings, FINDING_HEADER);
    image->width = header.ident.class == ELF_CLASS_64 ? WIDTH_64 : WIDTH_PAE;
    image->type = header.type;
    image->machine = header.ident.data == ELF_BIG_ENDIAN ? __builtin_bswap16(header.machine) : header.machine;
    image->entry = header.entry;
    image->segments_at = header.segments_at;
    image->sections_at = header.sections_at;
    image->names_section = header.names_section;
    error = check_ident(&header.ident, findings);
    if (error)
        return error;
    check_kind(image, findings);
    return check_tables(&header, image, findings);
}

/* Copy element @index of the @count ones of a table that elf_open() has checked; zeroes are behind it. */
static void read_element(const struct elf_image *image, uint64_t table, unsigned count, unsigned index, void *to,
                         size_t size)
{
    memset(to, 0, size);
    if (index < count)
        (void)blob_read(image->file, table + index * size, to, size);
}

struct elf_segment elf_segment(const struct elf_image *image, unsigned index)
{
    struct elf_segment_64 wide;
    struct elf_segment_32 narrow;

    if (image->width == WIDTH_64) {
        read_element(image, image->segments_at, image->nr_segments, index, &wide, sizeof(wide));
        return (struct elf_segment){wide.type,      wide.flags,       wide.offset, wide.paddr,
                                    wide.file_size, wide.memory_size, wide.align};
    }
    read_element(image, image->segments_at, image->nr_segments, index, &narrow, sizeof(narrow));
    return (struct elf_segment){narrow.type,      narrow.flags,       narrow.offset, narrow.paddr,
                                narrow.file_size, narrow.memory_size, narrow.align};
}

struct elf_section elf_section(const struct elf_image *image, unsigned index)
{
    struct elf_section_64 wide;
    struct elf_section_32 narrow;

    if (image->width == WIDTH_64) {
        read_element(image, image->sections_at, image->nr_sections, index, &wide, sizeof(wide));
        return (struct elf_section){wide.name, wide.type, wide.offset, wide.size, wide.link, wide.align};
    }
    read_element(image, image->sections_at, image->nr_sections, index, &narrow, sizeof(narrow));
    return (struct elf_section){narrow.name, narrow.type, narrow.offset, narrow.size, narrow.link, narrow.align};
}

bool elf_section_is_named(const struct elf_image *image, const struct elf_section *section, const char *name)
{
    struct elf_section names;
    struct blob text;
    uint64_t length = 0;

    if (image->names_section >= image->nr_sections)
        return false;
    names = elf_section(image, image->names_section);
    if (names.type != ELF_SECTION_STRINGS || !blob_slice(image->file, names.offset, names.size, &text) ||
        section->name >= text.size)
        return false;
    /* Of a name that never ends, no more than it takes to see that it is another. */
    while (name[length])
        length++;
    text = blob_skip(text, section->name);
    if (text.size > length + 1)
        text.size = length + 1;
    return blob_equals(blob_until(text, 0), name);
}

unsigned elf_find_symbols(const struct elf_image *image)
{
    unsigned i;

    for (i = 0; i < image->nr_sections; i++) {
        struct elf_section section = elf_section(image, i);

        if (section.type == ELF_SECTION_SYMBOLS && section.link < image->nr_sections)
            break;
    }
    return i;
}
