/* SPDX-License-Identifier: MIT */
/* The file is laid out by hand: headers, names, notes, in either width. */
#include <elf.h>
#include <string.h>

#include <abi/elfnote.h>
#include <tests/cli/lib/kernel_file.h>

#define NOTES_AT    0x1000u
#define LEGACY_AT   0x2000u
#define NAMES_AT    0x2800u
#define SECTIONS_AT 0x3000u
#define FILE_END    0x4000u

static void add_usual_notes(struct kernel_file *file)
{
    kernel_file_add_text(file, XEN_ELFNOTE_GUEST_OS, "test");
    kernel_file_add_text(file, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_add_text(file, XEN_ELFNOTE_LOADER, "generic");
    kernel_file_add_number(file, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    kernel_file_add_number(file, XEN_ELFNOTE_ENTRY, 0xffffffff80100000);
}

void kernel_file_init(struct kernel_file *file)
{
    memset(file, 0, sizeof(*file));
    file->width = 64;
    file->machine = EM_X86_64;
    file->type = ET_EXEC;
    file->data_order = ELFDATA2LSB;
    file->entry = 0x100000;
    file->size = FILE_END;
    file->nr_segments = 1;
    file->segments[0] = (struct made_segment){
        .type = PT_LOAD,
        .flags = PF_R | PF_W | PF_X,
        .offset = 0x1000,
        .file_size = 0x1000,
        .paddr = 0x100000,
        .memory_size = 0x10000,
    };
    file->put_at = NOTES_AT;
    file->unit = 4;
    file->alignment = 4;
    add_usual_notes(file);
}

void kernel_file_drop_notes(struct kernel_file *file)
{
    memset(file->data + NOTES_AT, 0, file->put_at - NOTES_AT);
    file->put_at = NOTES_AT;
}

void kernel_file_pad_notes(struct kernel_file *file, unsigned unit, uint64_t alignment)
{
    kernel_file_drop_notes(file);
    file->unit = unit;
    file->alignment = alignment;
    add_usual_notes(file);
}

static void put32(struct kernel_file *file, uint32_t value)
{
    memcpy(file->data + file->put_at, &value, sizeof(value));
    file->put_at += sizeof(value);
}

static void put_padded(struct kernel_file *file, const void *data, size_t size)
{
    if (size)
        memcpy(file->data + file->put_at, data, size);
    file->put_at = (file->put_at + size + file->unit - 1) / file->unit * file->unit;
}

void kernel_file_add_note(struct kernel_file *file, const char *name, uint32_t type, const void *data, size_t size,
                          size_t claimed)
{
    put32(file, (uint32_t)strlen(name) + 1);
    put32(file, (uint32_t)claimed);
    put32(file, type);
    put_padded(file, name, strlen(name) + 1);
    put_padded(file, data, size);
}

void kernel_file_add_text(struct kernel_file *file, uint32_t type, const char *text)
{
    kernel_file_add_note(file, "Xen", type, text, strlen(text) + 1, strlen(text) + 1);
}

void kernel_file_add_number(struct kernel_file *file, uint32_t type, uint64_t number)
{
    kernel_file_add_note(file, "Xen", type, &number, sizeof(number), sizeof(number));
}

void kernel_file_end_notes(struct kernel_file *file)
{
    file->segments[file->nr_segments++] = (struct made_segment){
        .type = PT_NOTE,
        .flags = PF_R,
        .offset = NOTES_AT,
        .file_size = file->put_at - NOTES_AT,
    };
}

void kernel_file_end_notes_in_section(struct kernel_file *file)
{
    file->sections[file->nr_sections++] =
        (struct made_section){SHT_NOTE, ".notes", NOTES_AT, file->put_at - NOTES_AT, 0};
}

void kernel_file_add_legacy(struct kernel_file *file, const char *text)
{
    memcpy(file->data + LEGACY_AT, text, strlen(text) + 1);
    file->sections[file->nr_sections++] =
        (struct made_section){SHT_PROGBITS, "__xen_guest", LEGACY_AT, strlen(text) + 1, 0};
}

/* Section 0 is none, the last one holds the names. */
static unsigned all_sections(const struct kernel_file *file)
{
    return file->nr_sections ? file->nr_sections + 2 : 0;
}

static uint32_t add_name(struct kernel_file *file, uint32_t *at, const char *name)
{
    uint32_t begin = *at;

    memcpy(file->data + NAMES_AT + begin, name, strlen(name) + 1);
    *at += (uint32_t)strlen(name) + 1;
    return begin;
}

#define MAKE_HEADERS(WIDTH)                                                                                          \
    static void make_headers_##WIDTH(struct kernel_file *file)                                                       \
    {                                                                                                                \
        Elf##WIDTH##_Ehdr header = {                                                                                 \
            .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS##WIDTH, (uint8_t)file->data_order, EV_CURRENT}, \
            .e_type = (uint16_t)file->type,                                                                          \
            .e_machine = (uint16_t)file->machine,                                                                    \
            .e_version = EV_CURRENT,                                                                                 \
            .e_entry = (Elf##WIDTH##_Addr)file->entry,                                                               \
            .e_phoff = sizeof(header),                                                                               \
            .e_shoff = file->nr_sections ? SECTIONS_AT : 0,                                                          \
            .e_ehsize = sizeof(header),                                                                              \
            .e_phentsize = sizeof(Elf##WIDTH##_Phdr),                                                                \
            .e_phnum = (uint16_t)file->nr_segments,                                                                  \
            .e_shentsize = sizeof(Elf##WIDTH##_Shdr),                                                                \
            .e_shnum = (uint16_t)all_sections(file),                                                                 \
            .e_shstrndx = (uint16_t)(file->nr_sections ? file->nr_sections + 1 : 0),                                 \
        };                                                                                                           \
        Elf##WIDTH##_Shdr sections[MADE_SEGMENTS_MAX + 2] = {{0}};                                                   \
        uint32_t names = 1;                                                                                          \
                                                                                                                     \
        memcpy(file->data, &header, sizeof(header));                                                                 \
        for (unsigned i = 0; i < file->nr_segments; i++) {                                                           \
            const struct made_segment *from = &file->segments[i];                                                    \
            Elf##WIDTH##_Phdr segment = {                                                                            \
                .p_type = from->type,                                                                                \
                .p_flags = from->flags,                                                                              \
                .p_offset = (Elf##WIDTH##_Off)from->offset,                                                          \
                .p_filesz = (Elf##WIDTH##_Word)from->file_size,                                                      \
                .p_paddr = (Elf##WIDTH##_Addr)from->paddr,                                                           \
                .p_memsz = (Elf##WIDTH##_Word)from->memory_size,                                                     \
                .p_align = (Elf##WIDTH##_Word)file->alignment,                                                       \
            };                                                                                                       \
            memcpy(file->data + sizeof(header) + i * sizeof(segment), &segment, sizeof(segment));                    \
        }                                                                                                            \
        for (unsigned i = 0; i < file->nr_sections; i++) {                                                           \
            sections[i + 1].sh_name = add_name(file, &names, file->sections[i].name);                                \
            sections[i + 1].sh_type = file->sections[i].type;                                                        \
            sections[i + 1].sh_offset = (Elf##WIDTH##_Off)file->sections[i].offset;                                  \
            sections[i + 1].sh_size = (Elf##WIDTH##_Word)file->sections[i].size;                                     \
            sections[i + 1].sh_link = file->sections[i].link;                                                        \
            sections[i + 1].sh_addralign = (Elf##WIDTH##_Word)file->alignment;                                       \
        }                                                                                                            \
        sections[file->nr_sections + 1].sh_name = add_name(file, &names, ".shstrtab");                               \
        sections[file->nr_sections + 1].sh_type = SHT_STRTAB;                                                        \
        sections[file->nr_sections + 1].sh_offset = NAMES_AT;                                                        \
        sections[file->nr_sections + 1].sh_size = names;                                                             \
        if (file->nr_sections)                                                                                       \
            memcpy(file->data + SECTIONS_AT, sections, all_sections(file) * sizeof(sections[0]));                    \
    }

/* The size of a segment or section is a word in one width and an extended word in the other. */
#define Elf64_Word Elf64_Xword
MAKE_HEADERS(64)
#undef Elf64_Word
MAKE_HEADERS(32)

void kernel_file_make(struct kernel_file *file)
{
    if (file->width == 64)
        make_headers_64(file);
    else
        make_headers_32(file);
}
