/* SPDX-License-Identifier: MIT */
/* The names of places in the code from the symbol table of an ELF file, or from Linux's own, sorted by address. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv/kernel/elf_format.h>
#include <cli/kallsyms.h>
#include <cli/symbols.h>

#define NAME_SHOWN 64 /* of a name that may be anything, characters */

#define SELECTOR_DIGITS 4
#define ADDRESS_DIGITS  16

static int compare(const void *one, const void *other)
{
    const struct symbol *a = one, *b = other;

    return a->address < b->address ? -1 : a->address > b->address;
}

/*
 * What a terminal would take for a command, or a program for the end of a string, is not let through; the last name
 * ends as well.
 */
static void make_printable(char *names, size_t size)
{
    for (size_t i = 0; i < size; i++)
        names[i] = !names[i] || (isgraph((unsigned char)names[i]) && !strchr("\"\\", names[i])) ? names[i] : '?';
    names[size - 1] = '\0';
}

/* Is it the name of a place in the code?  What assembly calls a place has no type. */
static bool is_place(const struct elf_symbol_64 *symbol)
{
    unsigned type = symbol->info & ELF_SYMBOL_TYPE;

    return (type == ELF_SYMBOL_FUNCTION || type == ELF_SYMBOL_UNTYPED) && symbol->section != ELF_SYMBOL_UNDEFINED &&
           symbol->section != ELF_SYMBOL_ABSOLUTE;
}

/* Take the first one off @table, of either class, in the form of the wider one.  False: there is none. */
static bool read_symbol(enum width width, struct blob *table, struct elf_symbol_64 *symbol)
{
    struct elf_symbol_32 narrow;
    bool found;

    if (width == WIDTH_64) {
        found = blob_read(*table, 0, symbol, sizeof(*symbol));
        *table = blob_skip(*table, sizeof(*symbol));
        return found;
    }
    found = blob_read(*table, 0, &narrow, sizeof(narrow));
    *table = blob_skip(*table, sizeof(narrow));
    if (found)
        *symbol =
            (struct elf_symbol_64){narrow.name, narrow.info, narrow.other, narrow.section, narrow.value, narrow.size};
    return found;
}

static void read_table(const struct kernel *kernel, struct symbols *symbols)
{
    struct blob table = kernel->symbols, names = kernel->symbol_names;
    struct elf_symbol_64 symbol;

    symbols->names = malloc(names.size);
    symbols->list = malloc((table.size / sizeof(struct elf_symbol_32) + 1) * sizeof(*symbols->list));
    if (!symbols->names || !symbols->list)
        return;
    symbols->names_size = names.size;
    memcpy(symbols->names, names.bytes, names.size);
    make_printable(symbols->names, names.size);
    while (read_symbol(kernel->image.width, &table, &symbol)) {
        if (is_place(&symbol) && symbol.name < names.size && symbols->names[symbol.name])
            symbols->list[symbols->count++] = (struct symbol){symbol.value, symbol.size, symbols->names + symbol.name};
    }
    qsort(symbols->list, symbols->count, sizeof(*symbols->list), compare);
}

void symbols_read(const struct kernel *kernel, struct symbols *symbols)
{
    *symbols = (struct symbols){.count = 0};
    if (kernel->has_symbols && kernel->symbol_names.size) {
        read_table(kernel, symbols);
        return;
    }
    kallsyms_read(kernel, symbols);
    if (symbols->count)
        make_printable(symbols->names, symbols->names_size);
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

/* The words of a stack are in lines that begin so; some of them are where calls return to. */
#define STACK "stack "

/* How places are told: what stands in front of the digits, behind them, and around a name that is added there. */
static const struct place_form {
    const char *before;
    bool has_selector;
    const char *end, *name_before, *name_after;
} forms[] = {
    {"rip ", true, "", " <", ">"},
    {"at rip ", false, "", " <", ">"},
    {"called from ", false, "", " <", ">"},
    {"\"rip\":\"", false, "\"", ",\"rip_symbol\":\"", "\""},
    {"\"caller\":\"", false, "\"", ",\"caller_symbol\":\"", "\""},
    {" ", false, "", " <", ">"},
};
#define FORMS_ALL   (sizeof(forms) / sizeof(forms[0]))
#define FORMS_USUAL (FORMS_ALL - 1) /* without the words of a stack */

/* Does @at tell a place in that form?  The end of it. */
static const char *read_place(const struct place_form *form, const char *at, uint64_t *address)
{
    size_t length = strlen(form->before);
    const char *digits = at + length, *colon;
    char *end;

    if (strncmp(at, form->before, length) != 0)
        return NULL;
    if (form->has_selector) {
        colon = strchr(digits, ':');
        if (!colon || colon > digits + SELECTOR_DIGITS)
            return NULL;
        digits = colon + 1;
    }
    *address = strtoull(digits, &end, 16);
    if (end != digits + ADDRESS_DIGITS || strncmp(end, form->end, strlen(form->end)) != 0)
        return NULL;
    return end + strlen(form->end);
}

/* The next place in @line, of the first @nr_forms, and its end; NULL: there is no more. */
static const char *next_place(const char *line, size_t nr_forms, const struct place_form **form, uint64_t *address)
{
    for (; *line; line++) {
        for (size_t i = 0; i < nr_forms; i++) {
            const char *end = read_place(&forms[i], line, address);

            *form = &forms[i];
            if (end)
                return end;
        }
    }
    return NULL;
}

bool symbols_add(const struct symbols *symbols, const char *line, char *to, size_t size)
{
    const struct place_form *form;
    const char *done = line, *end = line;
    size_t length = 0, nr_forms = strncmp(line, STACK, strlen(STACK)) ? FORMS_USUAL : FORMS_ALL;
    uint64_t address, offset;

    while ((end = next_place(end, nr_forms, &form, &address))) {
        const char *name = symbols_find(symbols, address, &offset);

        if (!name || length >= size)
            continue;
        length += (size_t)snprintf(to + length, size - length, "%.*s%s%.*s+0x%llx%s", (int)(end - done), done,
                                   form->name_before, NAME_SHOWN, name, (unsigned long long)offset, form->name_after);
        done = end;
    }
    if (done == line)
        return false;
    if (length < size)
        snprintf(to + length, size - length, "%s", done);
    return true;
}
