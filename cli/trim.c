/* SPDX-License-Identifier: MIT */
/*
 * What segments have in the file stays where it is.  What is behind that and wanted moves up to it, in the order of the
 * file, and the table of sections comes last.  Files in which that would not do, as linkers do not make them, stay
 * whole.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <cli/trim.h>

#define LEGACY_SECTION "__xen_guest"
#define ALIGNMENT      8u

struct moved {
    uint64_t from, to, size; /* in the file */
    size_t index;            /* of the section */
};

struct trim {
    uint8_t *data;
    uint64_t size;
    size_t symbols; /* the section of symbols that is wanted, or the number of sections */
    Elf64_Ehdr header;
    Elf64_Shdr *sections; /* a copy of the table, as it is to become */
    struct moved *moved;
    size_t nr_moved;
    uint64_t end; /* of what has its new place */
};

static bool is_inside(const struct trim *trim, uint64_t offset, uint64_t size)
{
    return offset <= trim->size && size <= trim->size - offset;
}

static uint64_t align(uint64_t offset)
{
    return (offset + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

/* The header, and the table of sections; false: there is nothing to take out. */
static bool open_file(struct trim *trim, const struct bytes *elf)
{
    Elf64_Ehdr *header = &trim->header;

    trim->data = elf->data;
    trim->size = elf->size;
    if (elf->size < sizeof(*header) || elf->data[EI_CLASS] != ELFCLASS64)
        return false;
    memcpy(header, elf->data, sizeof(*header));
    if (!header->e_shnum || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_phentsize != sizeof(Elf64_Phdr) ||
        !is_inside(trim, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)) ||
        !is_inside(trim, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
        return false;
    trim->sections = malloc(header->e_shnum * sizeof(*trim->sections));
    trim->moved = malloc(header->e_shnum * sizeof(*trim->moved));
    if (!trim->sections || !trim->moved)
        return false;
    memcpy(trim->sections, elf->data + header->e_shoff, header->e_shnum * sizeof(*trim->sections));
    return true;
}

/* Where what segments and headers have in the file ends, be it nothing at a place; false: beyond the file. */
static bool find_end(struct trim *trim)
{
    uint64_t table = trim->header.e_phoff + (uint64_t)trim->header.e_phnum * sizeof(Elf64_Phdr);

    trim->end = table > sizeof(trim->header) ? table : sizeof(trim->header);
    for (unsigned i = 0; i < trim->header.e_phnum; i++) {
        Elf64_Phdr segment;

        memcpy(&segment, trim->data + trim->header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (!is_inside(trim, segment.p_offset, segment.p_filesz))
            return false;
        if (segment.p_offset + segment.p_filesz > trim->end)
            trim->end = segment.p_offset + segment.p_filesz;
    }
    return true;
}

static bool is_legacy(const struct trim *trim, const Elf64_Shdr *section)
{
    const Elf64_Shdr *names = &trim->sections[trim->header.e_shstrndx];

    return trim->header.e_shstrndx < trim->header.e_shnum && is_inside(trim, names->sh_offset, names->sh_size) &&
           section->sh_name < names->sh_size && names->sh_size - section->sh_name >= strlen(LEGACY_SECTION) &&
           !memcmp(trim->data + names->sh_offset + section->sh_name, LEGACY_SECTION, strlen(LEGACY_SECTION));
}

/* The table of symbols that counts: the first one that has names; the number of sections if there is none. */
static size_t find_symbols(const struct trim *trim)
{
    size_t i;

    for (i = 0; i < trim->header.e_shnum; i++) {
        if (trim->sections[i].sh_type == SHT_SYMTAB && trim->sections[i].sh_link < trim->header.e_shnum)
            break;
    }
    return i;
}

static bool is_read(const struct trim *trim, size_t index)
{
    const Elf64_Shdr *section = &trim->sections[index];

    if (section->sh_type == SHT_NOTE || index == trim->header.e_shstrndx || is_legacy(trim, section))
        return true;
    return trim->symbols < trim->header.e_shnum &&
           (index == trim->symbols || index == trim->sections[trim->symbols].sh_link);
}

static int compare(const void *one, const void *other)
{
    const struct moved *a = one, *b = other;

    return a->from < b->from ? -1 : a->from > b->from;
}

/* List what has to move; false: it is not in the file. */
static bool find_moved(struct trim *trim)
{
    for (size_t i = 0; i < trim->header.e_shnum; i++) {
        const Elf64_Shdr *section = &trim->sections[i];

        if (!is_read(trim, i))
            continue;
        if (!is_inside(trim, section->sh_offset, section->sh_size))
            return false;
        if (section->sh_offset + section->sh_size > trim->end)
            trim->moved[trim->nr_moved++] =
                (struct moved){.from = section->sh_offset, .size = section->sh_size, .index = i};
    }
    qsort(trim->moved, trim->nr_moved, sizeof(*trim->moved), compare);
    return true;
}

/* Give everything its place; false: it would have to move down, or what is left would not be shorter. */
static bool place(struct trim *trim)
{
    uint64_t notes = 0;

    for (size_t i = 0; i < trim->nr_moved; i++) {
        struct moved *moved = &trim->moved[i];

        moved->to = align(trim->end);
        if (moved->to > moved->from)
            return false;
        trim->end = moved->to + moved->size;
    }
    trim->end = align(trim->end);
    if (trim->end + trim->header.e_shnum * sizeof(Elf64_Shdr) >= trim->size)
        return false;
    /* Of notes in sections the hypervisor reads no more than the file has bytes. */
    for (size_t i = 0; i < trim->header.e_shnum; i++) {
        if (trim->sections[i].sh_type != SHT_NOTE)
            continue;
        if (trim->sections[i].sh_size > trim->end - notes)
            return false;
        notes += trim->sections[i].sh_size;
    }
    return true;
}

static void forget_others(struct trim *trim)
{
    for (size_t i = 1; i < trim->header.e_shnum; i++) {
        if (!is_read(trim, i))
            trim->sections[i] = (Elf64_Shdr){.sh_type = SHT_NULL};
    }
}

static void move(struct trim *trim)
{
    size_t table_size = trim->header.e_shnum * sizeof(Elf64_Shdr);

    forget_others(trim);
    for (size_t i = 0; i < trim->nr_moved; i++) {
        const struct moved *moved = &trim->moved[i];

        memmove(trim->data + moved->to, trim->data + moved->from, moved->size);
        trim->sections[moved->index].sh_offset = moved->to;
    }
    memcpy(trim->data + trim->end, trim->sections, table_size);
    trim->header.e_shoff = trim->end;
    memcpy(trim->data, &trim->header, sizeof(trim->header));
}

void trim_kernel(struct bytes *elf, bool with_symbols)
{
    struct trim trim = {.data = NULL};
    bool is_good = open_file(&trim, elf);

    trim.symbols = is_good && with_symbols ? find_symbols(&trim) : trim.header.e_shnum;
    if (is_good && find_end(&trim) && find_moved(&trim) && place(&trim)) {
        move(&trim);
        elf->size = trim.end + trim.header.e_shnum * sizeof(Elf64_Shdr);
    }
    free(trim.sections);
    free(trim.moved);
}
