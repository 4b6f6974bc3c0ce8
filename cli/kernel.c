/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include <abi/elfnote.h>
#include <cli/kernel.h>

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

bool kernel_wants_symbols(const struct kernel *kernel)
{
    const struct note *note = kernel_find_note(kernel, XEN_ELFNOTE_BSD_SYMTAB);

    return note && note_starts_with(note, "yes");
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

/* Decimal, or hexadecimal after "0x"; 0 if it is neither or too large. */
static uint64_t number_of_text(const uint8_t *text, size_t size)
{
    unsigned base = size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
    uint64_t number = 0;

    for (size_t i = base == 16 ? 2 : 0; i < size; i++) {
        unsigned digit = digit_of(text[i]);

        if (digit >= base || number > (UINT64_MAX - digit) / base)
            return 0;
        number = number * base + digit;
    }
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
    if (note->type <= XEN_ELFNOTE_MAX)
        kernel->nr_known++;
    if (kernel->nr_notes < KERNEL_NOTES_MAX)
        kernel->notes[kernel->nr_notes++] = *note;
}

static uint64_t pad(uint64_t size, unsigned unit)
{
    return (size + unit - 1) / unit * unit;
}

/*
 * Do values and notes begin at multiples of 4 or of 8 bytes of the block?  Where it is aligned to 8 the latter, if that
 * makes whole notes up to its end: linkers align what holds notes of both kinds by the larger one.
 */
static unsigned notes_unit(const uint8_t *block, uint64_t size, uint64_t align)
{
    uint64_t at = 0;

    while (align == 8 && at < size && size - at >= sizeof(Elf32_Nhdr)) {
        Elf32_Nhdr header;

        memcpy(&header, block + at, sizeof(header));
        at += sizeof(header);
        if (header.n_namesz > size - at)
            return 4;
        at = pad(at + header.n_namesz, 8);
        if (header.n_descsz > (at < size ? size - at : 0))
            return 4;
        at = pad(at + header.n_descsz, 8);
    }
    return align == 8 ? 8 : 4;
}

/* Take the notes with the name "Xen" out of a block of notes. */
static void read_notes(struct kernel *kernel, const uint8_t *block, uint64_t size, uint64_t align)
{
    unsigned unit = notes_unit(block, size, align);
    Elf32_Nhdr header; /* the same for both widths */

    while (size >= sizeof(header)) {
        const char *name = (const char *)block + sizeof(header);
        uint64_t begin, room, step;

        memcpy(&header, block, sizeof(header));
        if (header.n_namesz > size - sizeof(header))
            return;
        begin = pad(sizeof(header) + header.n_namesz, unit);
        room = begin < size ? size - begin : 0;
        if (strnlen(name, header.n_namesz) == 3 && !memcmp(name, "Xen", 3))
            add_note(kernel, &(struct note){.type = header.n_type,
                                            .data = room ? block + begin : block,
                                            .size = header.n_descsz < room ? header.n_descsz : room,
                                            .is_clipped = header.n_descsz > room});
        step = pad(begin + header.n_descsz, unit);
        if (step >= size)
            return;
        block += step;
        size -= step;
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
            read_notes(kernel, block, size, header->p_align);
    }
    if (header->p_type != PT_LOAD || !header->p_memsz || !(header->p_flags & (PF_R | PF_W | PF_X)))
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

static void read_segments(struct kernel *kernel, Elf *elf)
{
    size_t count;
    GElf_Phdr header;

    if (kernel->segments_are_outside || elf_getphdrnum(elf, &count))
        count = 0;
    kernel->nr_headers = (unsigned)count;
    for (unsigned i = 0; i < count && i < KERNEL_HEADERS_MAX; i++) {
        if (gelf_getphdr(elf, (int)i, &header))
            read_segment(kernel, &header, i);
    }
    if (kernel->nr_known)
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

/* Is the section called @wanted?  Not by elf_strptr(), which heeds flags that make no sense in a kernel. */
static bool section_is_called(const struct kernel *kernel, Elf *elf, const GElf_Shdr *header, const char *wanted)
{
    size_t index;
    GElf_Shdr strings;
    const uint8_t *block;
    uint64_t size, length = strlen(wanted);

    if (elf_getshdrstrndx(elf, &index) || !gelf_getshdr(elf_getscn(elf, index), &strings) ||
        strings.sh_type != SHT_STRTAB)
        return false;
    size = strings.sh_size;
    block = in_file(kernel, strings.sh_offset, &size);
    return block && size == strings.sh_size && header->sh_name < size && size - header->sh_name >= length &&
           !memcmp(block + header->sh_name, wanted, length) &&
           (header->sh_name + length == size || !block[header->sh_name + length]);
}

/*
 * Notes from the sections: of kind @origin.  Sections do not overlap in files that linkers make, so all their notes
 * together are no larger than the file; of others, as many are read as the hypervisor reads.
 */
static void read_sections(struct kernel *kernel, Elf *elf, enum notes_origin origin)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    uint64_t left = kernel->size;

    while ((section = elf_nextscn(elf, section))) {
        const uint8_t *block;
        uint64_t size;

        if (!gelf_getshdr(section, &header))
            continue;
        if (origin == NOTES_SECTION) {
            if (header.sh_type != SHT_NOTE || header.sh_size > left)
                continue;
            left -= header.sh_size;
        }
        size = header.sh_size;
        block = in_file(kernel, header.sh_offset, &size);
        if (!block)
            continue;
        if (origin == NOTES_SECTION)
            read_notes(kernel, block, size, header.sh_addralign);
        if (origin == NOTES_LEGACY && size == header.sh_size &&
            section_is_called(kernel, elf, &header, LEGACY_SECTION)) {
            read_legacy(kernel, block, size);
            break;
        }
    }
    if (kernel->nr_known)
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

/* Does the file hold the table of @count elements, each of the size @wanted?  An empty table is nowhere. */
static bool table_is_inside(const struct kernel *kernel, uint64_t offset, uint64_t count, uint64_t size,
                            uint64_t wanted)
{
    return !count || (size == wanted && offset <= kernel->size && count * size <= kernel->size - offset);
}

static int read_header(struct kernel *kernel, Elf *elf, GElf_Ehdr *header, const char **problem)
{
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, header) || header->e_ident[EI_VERSION] != EV_CURRENT) {
        *problem = "its ELF header is incomplete or makes no sense";
        return -1;
    }
    kernel->width = header->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    kernel->is_little_endian = header->e_ident[EI_DATA] == ELFDATA2LSB;
    kernel->machine = header->e_machine;
    kernel->type = header->e_type;
    kernel->entry = header->e_entry;
    kernel->sections_are_outside = !table_is_inside(kernel, header->e_shoff, header->e_shnum, header->e_shentsize,
                                                    kernel->width == 64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
    kernel->segments_are_outside = !table_is_inside(kernel, header->e_phoff, header->e_phnum, header->e_phentsize,
                                                    kernel->width == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
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
        read_segments(kernel, elf);
        if (!kernel->nr_known)
            read_sections(kernel, elf, NOTES_SECTION);
        if (!kernel->nr_known)
            read_sections(kernel, elf, NOTES_LEGACY);
        read_symbols_size(kernel, elf);
    }
    elf_end(elf);
    return result;
}
