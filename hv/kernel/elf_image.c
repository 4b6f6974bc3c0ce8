/* SPDX-License-Identifier: MIT */
/* The headers of an ELF file.  Tables are checked as a whole when the file is opened. */
#include <abi/errno.h>
#include <engine/check.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>

#define SEGMENTS_MAX 64u
#define SECTIONS_MAX 0xff00u /* from here on the numbers are special */

static int fail(const char **problem, const char *text)
{
    *problem = text;
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

static int check_kind(const struct elf_header_64 *header, const char **problem)
{
    const struct elf_ident *ident = &header->ident;
    bool is_64 = ident->class == ELF_CLASS_64;

    if (!is_64 && ident->class != ELF_CLASS_32)
        return fail(problem, "the kernel is an ELF file of neither 32 nor 64 bits");
    if (ident->data != ELF_LITTLE_ENDIAN || ident->version != ELF_VERSION ||
        header->machine != (is_64 ? ELF_MACHINE_AMD64 : ELF_MACHINE_386))
        return fail(problem, "the kernel is an ELF file for another processor");
    if (header->type != ELF_TYPE_EXEC && header->type != ELF_TYPE_DYN)
        return fail(problem, "the kernel is an ELF file that is not linked to run");
    return 0;
}

static int check_tables(struct blob file, const struct elf_header_64 *header, const char **problem)
{
    bool is_64 = header->ident.class == ELF_CLASS_64;
    struct blob table;

    if (header->nr_segments == 0 || header->nr_segments > SEGMENTS_MAX)
        return fail(problem, "the kernel has no segments, or too many");
    if (header->segment_size != (is_64 ? sizeof(struct elf_segment_64) : sizeof(struct elf_segment_32)) ||
        !blob_slice(file, header->segments_at, (uint64_t)header->nr_segments * header->segment_size, &table))
        return fail(problem, "the kernel's table of segments is damaged, or lies beyond the end of the file");
    if (header->nr_sections == 0)
        return 0;
    if (header->nr_sections > SECTIONS_MAX ||
        header->section_size != (is_64 ? sizeof(struct elf_section_64) : sizeof(struct elf_section_32)) ||
        !blob_slice(file, header->sections_at, (uint64_t)header->nr_sections * header->section_size, &table))
        return fail(problem, "the kernel's table of sections is damaged, or lies beyond the end of the file");
    return 0;
}

int elf_open(struct blob file, struct elf_image *image, const char **problem)
{
    struct elf_header_64 header;
    int error;

    if (!blob_starts_with(file, "\177ELF"))
        return fail(problem, "the kernel is not an ELF file; a compressed kernel (bzImage) has to be unpacked first");
    if (!read_header(file, &header))
        return fail(problem, "the kernel is an ELF file that is cut short");
    error = check_kind(&header, problem);
    if (!error)
        error = check_tables(file, &header, problem);
    if (error)
        return error;
    *image = (struct elf_image){
        .file = file,
        .width = header.ident.class == ELF_CLASS_64 ? WIDTH_64 : WIDTH_PAE,
        .entry = header.entry,
        .segments_at = header.segments_at,
        .sections_at = header.sections_at,
        .nr_segments = header.nr_segments,
        .nr_sections = header.nr_sections,
        .names_section = header.names_section,
    };
    return 0;
}

/* Copy element @index of a table that elf_open() has checked. */
static void read_element(const struct elf_image *image, uint64_t table, unsigned index, void *to, size_t size)
{
    CHECK(blob_read(image->file, table + index * size, to, size));
}

struct elf_segment elf_segment(const struct elf_image *image, unsigned index)
{
    struct elf_segment_64 wide;
    struct elf_segment_32 narrow;

    CHECK(index < image->nr_segments);
    if (image->width == WIDTH_64) {
        read_element(image, image->segments_at, index, &wide, sizeof(wide));
        return (struct elf_segment){wide.type,      wide.flags,       wide.offset, wide.paddr,
                                    wide.file_size, wide.memory_size, wide.align};
    }
    read_element(image, image->segments_at, index, &narrow, sizeof(narrow));
    return (struct elf_segment){narrow.type,      narrow.flags,       narrow.offset, narrow.paddr,
                                narrow.file_size, narrow.memory_size, narrow.align};
}

struct elf_section elf_section(const struct elf_image *image, unsigned index)
{
    struct elf_section_64 wide;
    struct elf_section_32 narrow;

    CHECK(index < image->nr_sections);
    if (image->width == WIDTH_64) {
        read_element(image, image->sections_at, index, &wide, sizeof(wide));
        return (struct elf_section){wide.name, wide.type, wide.offset, wide.size, wide.link, wide.align};
    }
    read_element(image, image->sections_at, index, &narrow, sizeof(narrow));
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
