/* SPDX-License-Identifier: MIT */
/* Parts are appended and remembered, the tables about them written at the end. */
#include <stdlib.h>
#include <string.h>

#include <abi/elfnote.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>
#include <tests/hv/lib/elf_maker.h>

void maker_begin(struct elf_maker *maker, bool is_64, uint64_t entry)
{
    memset(maker, 0, sizeof(*maker));
    maker->is_64 = is_64;
    maker->entry = entry;
    maker->nr_sections = 1;
    maker->size = sizeof(struct elf_header_64) + MAKER_SEGMENTS_MAX * sizeof(struct elf_segment_64);
}

uint64_t maker_append(struct elf_maker *maker, const void *bytes, size_t size)
{
    uint64_t offset = (maker->size + 7) & ~(size_t)7;

    if (offset + size > sizeof(maker->bytes))
        abort();
    memcpy(maker->bytes + offset, bytes, size);
    maker->size = offset + size;
    return offset;
}

void maker_segment(struct elf_maker *maker, struct maker_segment segment)
{
    if (maker->nr_segments == MAKER_SEGMENTS_MAX)
        abort();
    maker->segments[maker->nr_segments++] = segment;
}

unsigned maker_section(struct elf_maker *maker, struct maker_section section)
{
    if (maker->nr_sections == MAKER_SECTIONS_MAX - 1)
        abort();
    maker->sections[maker->nr_sections] = section;
    return maker->nr_sections++;
}

void maker_load(struct elf_maker *maker, uint64_t paddr, const char *text, uint64_t size)
{
    uint64_t offset = maker_append(maker, text, strlen(text));

    maker_segment(maker, (struct maker_segment){ELF_SEGMENT_LOAD, 7, offset, paddr, strlen(text), size});
}

void maker_notes(struct elf_maker *maker, const struct note_list *notes)
{
    uint64_t offset = maker_append(maker, notes->bytes, notes->size);

    maker_segment(maker, (struct maker_segment){ELF_SEGMENT_NOTE, 4, offset, 0, notes->size, 0});
}

/*
 * ---- The tables.
 */

static void write_segments(struct elf_maker *maker, size_t header_size)
{
    for (unsigned i = 0; i < maker->nr_segments; i++) {
        const struct maker_segment *from = &maker->segments[i];
        const struct elf_segment_64 wide = {.type = from->type,
                                            .flags = from->flags,
                                            .offset = from->offset,
                                            .paddr = from->paddr,
                                            .file_size = from->file_size,
                                            .memory_size = from->memory_size,
                                            .align = maker->align};
        const struct elf_segment_32 narrow = {.type = from->type,
                                              .flags = from->flags,
                                              .offset = (uint32_t)from->offset,
                                              .paddr = (uint32_t)from->paddr,
                                              .file_size = (uint32_t)from->file_size,
                                              .memory_size = (uint32_t)from->memory_size,
                                              .align = (uint32_t)maker->align};

        if (maker->is_64)
            memcpy(maker->bytes + header_size + i * sizeof(wide), &wide, sizeof(wide));
        else
            memcpy(maker->bytes + header_size + i * sizeof(narrow), &narrow, sizeof(narrow));
    }
}

/* Append the names; where each begins goes to @names. */
static void write_names(struct elf_maker *maker, uint32_t names[MAKER_SECTIONS_MAX])
{
    char text[256] = {0};
    size_t length = 1;

    for (unsigned i = 1; i < maker->nr_sections; i++) {
        names[i] = (uint32_t)length;
        strcpy(text + length, maker->sections[i].name);
        length += strlen(text + length) + 1;
    }
    maker->sections[maker->nr_sections] =
        (struct maker_section){"", ELF_SECTION_STRINGS, 0, maker_append(maker, text, length), length};
    names[maker->nr_sections++] = 0;
}

static uint64_t write_sections(struct elf_maker *maker)
{
    uint32_t names[MAKER_SECTIONS_MAX] = {0};
    uint64_t table = 0;

    write_names(maker, names);
    maker->size = (maker->size + 7) & ~(size_t)7;
    for (unsigned i = 0; i < maker->nr_sections; i++) {
        const struct maker_section *from = &maker->sections[i];
        const struct elf_section_64 wide = {.name = names[i],
                                            .type = from->type,
                                            .offset = from->offset,
                                            .size = from->size,
                                            .link = from->link,
                                            .align = maker->align};
        const struct elf_section_32 narrow = {.name = names[i],
                                              .type = from->type,
                                              .offset = (uint32_t)from->offset,
                                              .size = (uint32_t)from->size,
                                              .link = from->link,
                                              .align = (uint32_t)maker->align};
        uint64_t at =
            maker->is_64 ? maker_append(maker, &wide, sizeof(wide)) : maker_append(maker, &narrow, sizeof(narrow));

        table = i == 0 ? at : table;
    }
    return table;
}

struct blob maker_finish(struct elf_maker *maker)
{
    const struct elf_ident ident = {.magic = {0x7f, 'E', 'L', 'F'},
                                    .class = maker->is_64 ? ELF_CLASS_64 : ELF_CLASS_32,
                                    .data = ELF_LITTLE_ENDIAN,
                                    .version = ELF_VERSION};
    uint64_t sections_at = write_sections(maker);
    const struct elf_header_64 wide = {.ident = ident,
                                       .type = ELF_TYPE_EXEC,
                                       .machine = ELF_MACHINE_AMD64,
                                       .entry = maker->entry,
                                       .segments_at = sizeof(wide),
                                       .sections_at = sections_at,
                                       .segment_size = sizeof(struct elf_segment_64),
                                       .nr_segments = (uint16_t)maker->nr_segments,
                                       .section_size = sizeof(struct elf_section_64),
                                       .nr_sections = (uint16_t)maker->nr_sections,
                                       .names_section = (uint16_t)(maker->nr_sections - 1)};
    const struct elf_header_32 narrow = {.ident = ident,
                                         .type = ELF_TYPE_EXEC,
                                         .machine = ELF_MACHINE_386,
                                         .entry = (uint32_t)maker->entry,
                                         .segments_at = sizeof(narrow),
                                         .sections_at = (uint32_t)sections_at,
                                         .segment_size = sizeof(struct elf_segment_32),
                                         .nr_segments = (uint16_t)maker->nr_segments,
                                         .section_size = sizeof(struct elf_section_32),
                                         .nr_sections = (uint16_t)maker->nr_sections,
                                         .names_section = (uint16_t)(maker->nr_sections - 1)};
    uint8_t *file = malloc(maker->size);

    if (!file)
        abort();
    if (maker->is_64)
        memcpy(maker->bytes, &wide, sizeof(wide));
    else
        memcpy(maker->bytes, &narrow, sizeof(narrow));
    write_segments(maker, maker->is_64 ? sizeof(wide) : sizeof(narrow));
    memcpy(file, maker->bytes, maker->size);
    return (struct blob){file, maker->size};
}

/*
 * ---- Notes.
 */

static void put(struct note_list *list, const void *bytes, size_t size)
{
    if (list->size + size > sizeof(list->bytes))
        abort();
    if (size > 0)
        memcpy(list->bytes + list->size, bytes, size);
    list->size += size;
}

static void fill_up(struct note_list *list)
{
    while (list->size % (list->unit ? list->unit : 4))
        put(list, "", 1);
}

void note_add(struct note_list *list, const char *name, uint32_t type, const void *value, size_t size)
{
    const uint32_t header[3] = {(uint32_t)strlen(name) + 1, (uint32_t)size, type};

    put(list, header, sizeof(header));
    put(list, name, strlen(name) + 1);
    fill_up(list);
    put(list, value, size);
    fill_up(list);
}

void note_number(struct note_list *list, uint32_t type, uint64_t value, size_t size)
{
    uint8_t bytes[16] = {0};

    memcpy(bytes, &value, sizeof(value));
    note_add(list, "Xen", type, bytes, size);
}

void note_text(struct note_list *list, uint32_t type, const char *text)
{
    note_add(list, "Xen", type, text, strlen(text));
}

void note_kernel(struct note_list *list)
{
    note_text(list, XEN_ELFNOTE_LOADER, "generic");
    note_text(list, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
}
