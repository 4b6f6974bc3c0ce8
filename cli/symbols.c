/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include <cli/symbols.h>

#define NAME_SHOWN 64 /* of a name that may be anything, characters */

static int compare(const void *one, const void *other)
{
    const struct symbol *a = one, *b = other;

    return a->address < b->address ? -1 : a->address > b->address;
}

/* From the table in @symbols, with the names in @names: whole bytes of the file. */
static void take(const Elf_Data *table, const Elf_Data *names, struct symbols *symbols)
{
    size_t count = table->d_size / sizeof(Elf64_Sym);

    symbols->names = malloc(names->d_size);
    symbols->list = malloc(count * sizeof(*symbols->list));
    if (!symbols->names || !symbols->list)
        return;
    memcpy(symbols->names, names->d_buf, names->d_size);
    symbols->names[names->d_size - 1] = '\0';
    /* What a terminal would take for a command is not let through. */
    for (char *letter = symbols->names; letter < symbols->names + names->d_size; letter++)
        *letter = !*letter || isgraph((unsigned char)*letter) ? *letter : '?';
    for (size_t i = 0; i < count && i <= INT32_MAX; i++) {
        union {
            const Elf_Data *given;
            Elf_Data *taken; /* gelf_getsym() changes nothing */
        } data = {table};
        GElf_Sym symbol;

        /* What assembly calls a place has no type. */
        if (!gelf_getsym(data.taken, (int)i, &symbol) || symbol.st_name >= names->d_size ||
            (GELF_ST_TYPE(symbol.st_info) != STT_FUNC && GELF_ST_TYPE(symbol.st_info) != STT_NOTYPE) ||
            symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || !symbols->names[symbol.st_name])
            continue;
        symbols->list[symbols->count++] =
            (struct symbol){symbol.st_value, symbol.st_size, symbols->names + symbol.st_name};
    }
    qsort(symbols->list, symbols->count, sizeof(*symbols->list), compare);
}

void symbols_read(const struct bytes *elf, struct symbols *symbols)
{
    union {
        const uint8_t *data;
        char *image; /* libelf takes a pointer to data that it does not change */
    } file = {elf->data};
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    Elf *read;

    *symbols = (struct symbols){.count = 0};
    elf_version(EV_CURRENT);
    read = elf_memory(file.image, elf->size);
    while (read && gelf_getclass(read) == ELFCLASS64 && (section = elf_nextscn(read, section))) {
        const Elf_Data *table, *names;

        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        table = elf_getdata(section, NULL);
        names = elf_getdata(elf_getscn(read, header.sh_link), NULL);
        if (table && table->d_buf && names && names->d_buf && names->d_size)
            take(table, names, symbols);
        break;
    }
    elf_end(read);
}

void symbols_free(struct symbols *symbols)
{
    free(symbols->list);
    free(symbols->names);
    *symbols = (struct symbols){.count = 0};
}

/* The last one that begins at or before @address counts; one that has a size has to reach as far. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *offset)
{
    size_t low = 0, high = symbols->count;
    const struct symbol *found;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (symbols->list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    found = &symbols->list[low - 1];
    *offset = address - found->address;
    /* The last one of all has no neighbour to end it. */
    if (found->size ? *offset >= found->size : low == symbols->count)
        return NULL;
    return found->name;
}

bool symbols_add(const struct symbols *symbols, const char *line, char *to, size_t size)
{
    const char *place = strstr(line, "rip "), *colon = place ? strchr(place, ':') : NULL, *name;
    char *end;
    uint64_t address, offset;

    if (!colon || colon > place + strlen("rip ") + 4)
        return false;
    address = strtoull(colon + 1, &end, 16);
    if (end != colon + 1 + 16)
        return false;
    name = symbols_find(symbols, address, &offset);
    if (!name)
        return false;
    snprintf(to, size, "%.*s <%.*s+0x%llx>%s", (int)(end - line), line, NAME_SHOWN, name, (unsigned long long)offset,
             end);
    return true;
}
