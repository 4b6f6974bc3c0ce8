/* SPDX-License-Identifier: MIT */
/* The table of notes, by number, and how the value of each is printed. */
#include <ctype.h>
#include <stdio.h>

#include <cli/note.h>

#define NAME_WIDTH 20

typedef unsigned long long ull;

enum shape { SHAPE_TEXT, SHAPE_NUMBER, SHAPE_ADDRESS, SHAPE_PAIRS };

static const struct {
    const char *name;
    enum shape shape;
} kinds[] = {
    [XEN_ELFNOTE_INFO] = {"INFO", SHAPE_TEXT},
    [XEN_ELFNOTE_ENTRY] = {"ENTRY", SHAPE_ADDRESS},
    [XEN_ELFNOTE_HYPERCALL_PAGE] = {"HYPERCALL_PAGE", SHAPE_ADDRESS},
    [XEN_ELFNOTE_VIRT_BASE] = {"VIRT_BASE", SHAPE_ADDRESS},
    [XEN_ELFNOTE_PADDR_OFFSET] = {"PADDR_OFFSET", SHAPE_ADDRESS},
    [XEN_ELFNOTE_XEN_VERSION] = {"XEN_VERSION", SHAPE_TEXT},
    [XEN_ELFNOTE_GUEST_OS] = {"GUEST_OS", SHAPE_TEXT},
    [XEN_ELFNOTE_GUEST_VERSION] = {"GUEST_VERSION", SHAPE_TEXT},
    [XEN_ELFNOTE_LOADER] = {"LOADER", SHAPE_TEXT},
    [XEN_ELFNOTE_PAE_MODE] = {"PAE_MODE", SHAPE_TEXT},
    [XEN_ELFNOTE_FEATURES] = {"FEATURES", SHAPE_TEXT},
    [XEN_ELFNOTE_BSD_SYMTAB] = {"BSD_SYMTAB", SHAPE_TEXT},
    [XEN_ELFNOTE_HV_START_LOW] = {"HV_START_LOW", SHAPE_ADDRESS},
    [XEN_ELFNOTE_L1_MFN_VALID] = {"L1_MFN_VALID", SHAPE_PAIRS},
    [XEN_ELFNOTE_SUSPEND_CANCEL] = {"SUSPEND_CANCEL", SHAPE_NUMBER},
    [XEN_ELFNOTE_INIT_P2M] = {"INIT_P2M", SHAPE_ADDRESS},
    [XEN_ELFNOTE_MOD_START_PFN] = {"MOD_START_PFN", SHAPE_NUMBER},
    [XEN_ELFNOTE_SUPPORTED_FEATURES] = {"SUPPORTED_FEATURES", SHAPE_ADDRESS},
    [XEN_ELFNOTE_PHYS32_ENTRY] = {"PHYS32_ENTRY", SHAPE_ADDRESS},
};

const char *note_name(unsigned type)
{
    return type < ARRAY_SIZE(kinds) ? kinds[type].name : NULL;
}

/* Text out of the file: what a terminal would take for a command is not let through. */
static void print_text(struct blob text)
{
    for (uint64_t i = 0; i < text.size; i++)
        putchar(isprint(text.bytes[i]) ? text.bytes[i] : '?');
}

static void print_pairs(enum notes_origin origin, struct blob value)
{
    struct blob number;

    for (uint64_t at = 0; blob_slice(value, at, sizeof(uint64_t), &number); at += sizeof(uint64_t))
        printf("%s0x%llx", at ? " " : "", (ull)notes_read_number(origin, number));
}

void note_print(enum notes_origin origin, const struct note *note)
{
    const char *name = note_name(note->type);

    if (!name) {
        printf("    type %-*u%llu bytes, not known\n", NAME_WIDTH - 5, note->type, (ull)note->value.size);
        return;
    }
    printf("    %-*s", NAME_WIDTH, name);
    if (kinds[note->type].shape == SHAPE_TEXT || origin == NOTES_LEGACY)
        print_text(blob_until(note->value, 0));
    else if (kinds[note->type].shape == SHAPE_PAIRS)
        print_pairs(origin, note->value);
    else
        printf(kinds[note->type].shape == SHAPE_NUMBER ? "%llu" : "0x%llx",
               (ull)notes_read_number(origin, note->value));
    printf("%s\n", note->is_whole ? "" : "   (cut off by the end of its segment)");
}
