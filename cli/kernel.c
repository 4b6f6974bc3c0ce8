/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include <cli/kernel.h>
#include <abi/elfnote.h>

#define LEGACY_SECTION "__xen_guest"

/* What each note is called, and its key in the legacy section. */
static const struct {
    const char *name, *key;
} names[] = {
    [XEN_ELFNOTE_INFO] = {"INFO", NULL},
    [XEN_ELFNOTE_ENTRY] = {"ENTRY", "VIRT_ENTRY"},
    [XEN_ELFNOTE_HYPERCALL_PAGE] = {"HYPERCALL_PAGE", "HYPERCALL_PAGE"},
    [XEN_ELFNOTE_VIRT_BASE] = {"VIRT_BASE", "VIRT_BASE"},
    [XEN_ELFNOTE_PADDR_OFFSET] = {"PADDR_OFFSET", "ELF_PADDR_OFFSET"},
    [XEN_ELFNOTE_XEN_VERSION] = {"XEN_VERSION", "XEN_VER"},
    [XEN_ELFNOTE_GUEST_OS] = {"GUEST_OS", "GUEST_OS"},
    [XEN_ELFNOTE_GUEST_VERSION] = {"GUEST_VERSION", "GUEST_VER"},
    [XEN_ELFNOTE_LOADER] = {"LOADER", "LOADER"},
    [XEN_ELFNOTE_PAE_MODE] = {"PAE_MODE", "PAE"},
    [XEN_ELFNOTE_FEATURES] = {"FEATURES", "FEATURES"},
    [XEN_ELFNOTE_BSD_SYMTAB] = {"BSD_SYMTAB", "BSD_SYMTAB"},
    [XEN_ELFNOTE_HV_START_LOW] = {"HV_START_LOW", NULL},
    [XEN_ELFNOTE_L1_MFN_VALID] = {"L1_MFN_VALID", NULL},
    [XEN_ELFNOTE_SUSPEND_CANCEL] = {"SUSPEND_CANCEL", NULL},
    [XEN_ELFNOTE_INIT_P2M] = {"INIT_P2M", NULL},
    [XEN_ELFNOTE_MOD_START_PFN] = {"MOD_START_PFN", NULL},
    [XEN_ELFNOTE_SUPPORTED_FEATURES] = {"SUPPORTED_FEATURES", NULL},
    [XEN_ELFNOTE_PHYS32_ENTRY] = {"PHYS32_ENTRY", NULL},
};

#define NR_NAMES (sizeof(names) / sizeof(names[0]))

const char *note_name(unsigned type)
{
    return type < NR_NAMES ? names[type].name : NULL;
}

size_t note_text_length(const struct note *note)
{
    return strnlen((const char *)note->data, note->size);
}

bool note_starts_with(const struct note *note, const char *start)
{
    size_t length = strlen(start);

    return note_text_length(note) >= length && !memcmp(note->data, start, length);
}

const struct note *kernel_find_note(const struct kernel *kernel, unsigned type)
{
    for (unsigned i = kernel->nr_notes; i-- > 0;) {
        if (kernel->notes[i].type == type)
            return &kernel->notes[i];
    }
    return NULL;
}

static unsigned digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10u;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10u;
    return UINT32_MAX;
}

static uint64_t number_of_text(const uint8_t *text, size_t size)
{
    unsigned base = 10;
    uint64_t number = 0;
    size_t i = 0;

    if (size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    }
    for (; i < size && digit_of(text[i]) < base; i++)
        number = number * base + digit_of(text[i]);
    return number;
}

uint64_t kernel_note_number(const struct kernel *kernel, const struct note *note)
{
    uint64_t number = 0;

    if (kernel->origin == NOTES_LEGACY)
        return number_of_text(note->data, note->size);
    if (note->size != 1 && note->size != 2 && note->size != 4 && note->size != 8)
        return 0;
    memcpy(&number, note->data, note->size);
    return number;
}

static void add_note(struct kernel *kernel, const struct note *note)
{
    if (kernel->nr_notes < KERNEL_NOTES_MAX)
        kernel->notes[kernel->nr_notes++] = *note;
}

static uint64_t pad(uint32_t size)
{
    return ((uint64_t)size + 3) & ~(uint64_t)3;
}

/* Take the notes with the name "Xen" out of a block of notes. */
static void read_notes(struct kernel *kernel, const uint8_t *block, uint64_t size)
{
    Elf32_Nhdr header; /* the same for both widths */

    while (size >= sizeof(header)) {
        const uint8_t *name = block + sizeof(header);
        uint64_t room, used;

        memcpy(&header, block, sizeof(header));
        size -= sizeof(header);
        if (pad(header.n_namesz) > size)
            return;
        room = size - pad(header.n_namesz);
        if (header.n_namesz == 4 && !memcmp(name, "Xen", 4))
            add_note(kernel, &(struct note){.type = header.n_type,
                                            .data = name + 4,
                                            .size = header.n_descsz < room ? header.n_descsz : room,
                                            .is_clipped = header.n_descsz > room});
        if (pad(header.n_descsz) >= room)
            return;
        used = pad(header.n_namesz) + pad(header.n_descsz);
        block = name + used;
        size -= used;
    }
}

/* The part of [@offset, @offset + @size) that the file has; NULL: nothing. */
static const uint8_t *in_file(const struct kernel *kernel, uint64_t offset, uint64_t *size)
{
    if (offset >= kernel->size)
        return NULL;
    if (*size > kernel->size - offset)
        *size = kernel->size - offset;
    return kernel->data + offset;
}

static void read_segment(struct kernel *kernel, const GElf_Phdr *header, unsigned index)
{
    const uint8_t *block;
    uint64_t size = header->p_filesz;

    if (header->p_type == PT_NOTE && header->p_offset) {
        block = in_file(kernel, header->p_offset, &size);
        if (block)
            read_notes(kernel, block, size);
    }
    if (header->p_type != PT_LOAD)
        return;
    kernel->nr_loadable++;
    if (kernel->nr_segments == KERNEL_SEGMENTS_MAX)
        return;
    kernel->segments[kernel->nr_segments++] = (struct segment){
        .index = index,
        .offset = header->p_offset,
        .file_size = header->p_filesz,
        .paddr = header->p_paddr,
        .vaddr = header->p_vaddr,
        .memory_size = header->p_memsz,
        .flags = header->p_flags & (PF_R | PF_W | PF_X),
    };
}

/* How many program headers the file claims to have; libelf counts those only that it finds in the file. */
static unsigned count_headers(Elf *elf, const GElf_Ehdr *header)
{
    size_t count;

    if (header->e_phnum != PN_XNUM)
        return header->e_phnum;
    return elf_getphdrnum(elf, &count) ? 0 : (unsigned)count;
}

static void read_segments(struct kernel *kernel, Elf *elf, const GElf_Ehdr *file_header)
{
    GElf_Phdr header;

    kernel->nr_headers = count_headers(elf, file_header);
    for (unsigned i = 0; i < kernel->nr_headers; i++) {
        if (gelf_getphdr(elf, (int)i, &header))
            read_segment(kernel, &header, i);
        else
            kernel->nr_unreadable++;
    }
    if (kernel->nr_notes)
        kernel->origin = NOTES_SEGMENT;
}

/* KEY=VALUE,KEY=VALUE up to a zero byte.  Keys that are not known are left out. */
static void read_legacy(struct kernel *kernel, const uint8_t *text, size_t size)
{
    const uint8_t *end = text + strnlen((const char *)text, size);

    while (text < end) {
        const uint8_t *comma = memchr(text, ',', (size_t)(end - text));
        const uint8_t *stop = comma ? comma : end;
        const uint8_t *equals = memchr(text, '=', (size_t)(stop - text));
        const uint8_t *value = equals ? equals + 1 : stop;
        size_t key_size = (size_t)((equals ? equals : stop) - text);

        for (unsigned type = 0; type < NR_NAMES; type++) {
            if (names[type].key && strlen(names[type].key) == key_size && !memcmp(names[type].key, text, key_size))
                add_note(kernel, &(struct note){.type = type, .data = value, .size = (size_t)(stop - value)});
        }
        text = stop + 1;
    }
}

static bool section_is_called(Elf *elf, const GElf_Shdr *header, const char *wanted)
{
    size_t names_index;
    const char *name = elf_getshdrstrndx(elf, &names_index) ? NULL : elf_strptr(elf, names_index, header->sh_name);

    return name && !strcmp(name, wanted);
}

/* Notes from the sections: of kind @origin. */
static void read_sections(struct kernel *kernel, Elf *elf, enum notes_origin origin)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;

    while ((section = elf_nextscn(elf, section))) {
        const uint8_t *block;
        uint64_t size;

        if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
            continue;
        size = header.sh_size;
        block = in_file(kernel, header.sh_offset, &size);
        if (!block)
            continue;
        if (origin == NOTES_SECTION && header.sh_type == SHT_NOTE)
            read_notes(kernel, block, size);
        else if (origin == NOTES_LEGACY && section_is_called(elf, &header, LEGACY_SECTION))
            read_legacy(kernel, block, size);
    }
    if (kernel->nr_notes)
        kernel->origin = origin;
}

static void read_symbols_size(struct kernel *kernel, Elf *elf)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header, strings;

    while ((section = elf_nextscn(elf, section))) {
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        if (header.sh_size > kernel->size || !gelf_getshdr(elf_getscn(elf, header.sh_link), &strings) ||
            strings.sh_size > kernel->size)
            continue;
        kernel->symbols_size = header.sh_size + strings.sh_size;
        return;
    }
}

static int read_header(struct kernel *kernel, Elf *elf, GElf_Ehdr *header, const char **problem)
{
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, header)) {
        *problem = "its ELF header is incomplete or makes no sense";
        return -1;
    }
    kernel->width = header->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    kernel->is_little_endian = header->e_ident[EI_DATA] == ELFDATA2LSB;
    kernel->machine = header->e_machine;
    kernel->type = header->e_type;
    kernel->entry = header->e_entry;
    return 0;
}

int kernel_read(const uint8_t *data, size_t size, struct kernel *kernel, const char **problem)
{
    union {
        const uint8_t *data;
        char *image; /* libelf takes a pointer to data that it does not change */
    } file = {data};
    Elf *elf;
    GElf_Ehdr header;
    int result;

    *kernel = (struct kernel){.data = data, .size = size};
    if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG)) {
        *problem = "not an ELF file";
        return -1;
    }
    elf_version(EV_CURRENT);
    elf = elf_memory(file.image, size);
    result = read_header(kernel, elf, &header, problem);
    if (!result) {
        read_segments(kernel, elf, &header);
        if (!kernel->nr_notes)
            read_sections(kernel, elf, NOTES_SECTION);
        if (!kernel->nr_notes)
            read_sections(kernel, elf, NOTES_LEGACY);
        read_symbols_size(kernel, elf);
    }
    elf_end(elf);
    return result;
}
