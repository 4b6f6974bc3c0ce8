/* SPDX-License-Identifier: MIT */
/* The file is laid out by hand: headers, names, notes, in either width. */
#include <elf.h>
#include <string.h>

#include <abi/elfnote.h>
#include <tests/cli/lib/elf_maker.h>

#define NOTES_AT    0x1000u
#define LEGACY_AT   0x2000u
#define NAMES_AT    0x2800u
#define SECTIONS_AT 0x3000u
#define FILE_END    0x4000u

static void add_usual_notes(struct elf_maker *maker)
{
    elf_maker_add_text(maker, XEN_ELFNOTE_GUEST_OS, "test");
    elf_maker_add_text(maker, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    elf_maker_add_text(maker, XEN_ELFNOTE_LOADER, "generic");
    elf_maker_add_number(maker, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    elf_maker_add_number(maker, XEN_ELFNOTE_ENTRY, 0xffffffff80100000);
}

void elf_maker_init(struct elf_maker *maker)
{
    memset(maker, 0, sizeof(*maker));
    maker->width = 64;
    maker->machine = EM_X86_64;
    maker->type = ET_EXEC;
    maker->data_order = ELFDATA2LSB;
    maker->entry = 0x100000;
    maker->size = FILE_END;
    maker->nr_segments = 1;
    maker->segments[0] = (struct made_segment){
        .type = PT_LOAD,
        .flags = PF_R | PF_W | PF_X,
        .offset = 0x1000,
        .file_size = 0x1000,
        .paddr = 0x100000,
        .memory_size = 0x10000,
    };
    maker->put_at = NOTES_AT;
    maker->unit = 4;
    maker->alignment = 4;
    add_usual_notes(maker);
}

void elf_maker_drop_notes(struct elf_maker *maker)
{
    memset(maker->data + NOTES_AT, 0, maker->put_at - NOTES_AT);
    maker->put_at = NOTES_AT;
}

void elf_maker_pad_notes(struct elf_maker *maker, unsigned unit, uint64_t alignment)
{
    elf_maker_drop_notes(maker);
    maker->unit = unit;
    maker->alignment = alignment;
    add_usual_notes(maker);
}

static void put32(struct elf_maker *maker, uint32_t value)
{
    memcpy(maker->data + maker->put_at, &value, sizeof(value));
    maker->put_at += sizeof(value);
}

static void put_padded(struct elf_maker *maker, const void *data, size_t size)
{
    if (size)
        memcpy(maker->data + maker->put_at, data, size);
    maker->put_at = (maker->put_at + size + maker->unit - 1) / maker->unit * maker->unit;
}

void elf_maker_add_note(struct elf_maker *maker, const char *name, uint32_t type, const void *data, size_t size,
                        size_t claimed)
{
    put32(maker, (uint32_t)strlen(name) + 1);
    put32(maker, (uint32_t)claimed);
    put32(maker, type);
    put_padded(maker, name, strlen(name) + 1);
    put_padded(maker, data, size);
}

void elf_maker_add_text(struct elf_maker *maker, uint32_t type, const char *text)
{
    elf_maker_add_note(maker, "Xen", type, text, strlen(text) + 1, strlen(text) + 1);
}

void elf_maker_add_number(struct elf_maker *maker, uint32_t type, uint64_t number)
{
    elf_maker_add_note(maker, "Xen", type, &number, sizeof(number), sizeof(number));
}

void elf_maker_end_notes(struct elf_maker *maker)
{
    maker->segments[maker->nr_segments++] = (struct made_segment){
        .type = PT_NOTE,
        .flags = PF_R,
        .offset = NOTES_AT,
        .file_size = maker->put_at - NOTES_AT,
    };
}

void elf_maker_end_notes_in_section(struct elf_maker *maker)
{
    maker->sections[maker->nr_sections++] =
        (struct made_section){SHT_NOTE, ".notes", NOTES_AT, maker->put_at - NOTES_AT, 0};
}

void elf_maker_add_legacy(struct elf_maker *maker, const char *text)
{
    memcpy(maker->data + LEGACY_AT, text, strlen(text) + 1);
    maker->sections[maker->nr_sections++] =
        (struct made_section){SHT_PROGBITS, "__xen_guest", LEGACY_AT, strlen(text) + 1, 0};
}

/* Section 0 is none, the last one holds the names. */
static unsigned all_sections(const struct elf_maker *maker)
{
    return maker->nr_sections ? maker->nr_sections + 2 : 0;
}

static uint32_t add_name(struct elf_maker *maker, uint32_t *at, const char *name)
{
    uint32_t begin = *at;

    memcpy(maker->data + NAMES_AT + begin, name, strlen(name) + 1);
    *at += (uint32_t)strlen(name) + 1;
    return begin;
}

#define MAKE_HEADERS(WIDTH)                                                                                           \
    static void make_headers_##WIDTH(struct elf_maker *maker)                                                         \
    {                                                                                                                 \
        Elf##WIDTH##_Ehdr header = {                                                                                  \
            .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS##WIDTH, (uint8_t)maker->data_order, EV_CURRENT}, \
            .e_type = (uint16_t)maker->type,                                                                          \
            .e_machine = (uint16_t)maker->machine,                                                                    \
            .e_version = EV_CURRENT,                                                                                  \
            .e_entry = (Elf##WIDTH##_Addr)maker->entry,                                                               \
            .e_phoff = sizeof(header),                                                                                \
            .e_shoff = maker->nr_sections ? SECTIONS_AT : 0,                                                          \
            .e_ehsize = sizeof(header),                                                                               \
            .e_phentsize = sizeof(Elf##WIDTH##_Phdr),                                                                 \
            .e_phnum = (uint16_t)maker->nr_segments,                                                                  \
            .e_shentsize = sizeof(Elf##WIDTH##_Shdr),                                                                 \
            .e_shnum = (uint16_t)all_sections(maker),                                                                 \
            .e_shstrndx = (uint16_t)(maker->nr_sections ? maker->nr_sections + 1 : 0),                                \
        };                                                                                                            \
        Elf##WIDTH##_Shdr sections[MADE_SEGMENTS_MAX + 2] = {{0}};                                                    \
        uint32_t names = 1;                                                                                           \
                                                                                                                      \
        memcpy(maker->data, &header, sizeof(header));                                                                 \
        for (unsigned i = 0; i < maker->nr_segments; i++) {                                                           \
            const struct made_segment *from = &maker->segments[i];                                                    \
            Elf##WIDTH##_Phdr segment = {                                                                             \
                .p_type = from->type,                                                                                 \
                .p_flags = from->flags,                                                                               \
                .p_offset = (Elf##WIDTH##_Off)from->offset,                                                           \
                .p_filesz = (Elf##WIDTH##_Word)from->file_size,                                                       \
                .p_paddr = (Elf##WIDTH##_Addr)from->paddr,                                                            \
                .p_memsz = (Elf##WIDTH##_Word)from->memory_size,                                                      \
                .p_align = (Elf##WIDTH##_Word)maker->alignment,                                                       \
            };                                                                                                        \
            memcpy(maker->data + sizeof(header) + i * sizeof(segment), &segment, sizeof(segment));                    \
        }                                                                                                             \
        for (unsigned i = 0; i < maker->nr_sections; i++) {                                                           \
            sections[i + 1].sh_name = add_name(maker, &names, maker->sections[i].name);                               \
            sections[i + 1].sh_type = maker->sections[i].type;                                                        \
            sections[i + 1].sh_offset = (Elf##WIDTH##_Off)maker->sections[i].offset;                                  \
            sections[i + 1].sh_size = (Elf##WIDTH##_Word)maker->sections[i].size;                                     \
            sections[i + 1].sh_link = maker->sections[i].link;                                                        \
            sections[i + 1].sh_addralign = (Elf##WIDTH##_Word)maker->alignment;                                       \
        }                                                                                                             \
        sections[maker->nr_sections + 1].sh_name = add_name(maker, &names, ".shstrtab");                              \
        sections[maker->nr_sections + 1].sh_type = SHT_STRTAB;                                                        \
        sections[maker->nr_sections + 1].sh_offset = NAMES_AT;                                                        \
        sections[maker->nr_sections + 1].sh_size = names;                                                             \
        if (maker->nr_sections)                                                                                       \
            memcpy(maker->data + SECTIONS_AT, sections, all_sections(maker) * sizeof(sections[0]));                   \
    }

/* The size of a segment or section is a word in one width and an extended word in the other. */
#define Elf64_Word Elf64_Xword
MAKE_HEADERS(64)
#undef Elf64_Word
MAKE_HEADERS(32)

void elf_make(struct elf_maker *maker)
{
    if (maker->width == 64)
        make_headers_64(maker);
    else
        make_headers_32(maker);
}
