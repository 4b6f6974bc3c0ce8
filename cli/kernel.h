/* SPDX-License-Identifier: MIT */
/* A kernel's ELF file, read: what it is made for, where its segments go, what it says about itself.  No judgement. */
#ifndef CLI_KERNEL_H
#define CLI_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cli/message.h>

#define KERNEL_SEGMENTS_MAX 16u
#define KERNEL_HEADERS_MAX  64u
#define KERNEL_NOTES_MAX    64u

/* A loadable segment: with room in memory and some access, or it does not count.  Sizes in bytes. */
struct segment {
    unsigned index; /* in the table of program headers */
    uint64_t offset, file_size;
    uint64_t paddr, vaddr, memory_size;
    unsigned flags; /* PF_R and so on */
};

enum notes_origin {
    NOTES_NONE,
    NOTES_SEGMENT, /* PT_NOTE segments */
    NOTES_SECTION, /* SHT_NOTE sections */
    NOTES_LEGACY,  /* the text of section __xen_guest: a note's data is the value, as text */
};

/* One thing that the kernel says; the data belongs to the file. */
struct note {
    unsigned type; /* XEN_ELFNOTE_... */
    const uint8_t *data;
    size_t size;
    bool is_clipped; /* it claims to reach beyond the end of its segment; @size is what there is */
};

struct kernel {
    const uint8_t *data; /* the file, not owned */
    size_t size;
    unsigned width; /* 64 or 32 */
    bool is_little_endian;
    unsigned machine, type;                          /* e_machine, e_type */
    uint64_t entry;                                  /* e_entry */
    bool segments_are_outside, sections_are_outside; /* the tables of their headers lie outside the file, or are none */
    unsigned nr_headers;  /* program headers; those behind KERNEL_HEADERS_MAX have not been read */
    unsigned nr_loadable; /* loadable segments, those without room in @segments included */
    unsigned nr_segments;
    struct segment segments[KERNEL_SEGMENTS_MAX];
    enum notes_origin origin;
    unsigned nr_known; /* notes of a type that the ABI has */
    unsigned nr_notes;
    struct note notes[KERNEL_NOTES_MAX];
    uint64_t symbols_size; /* of the symbol table and its names; 0: stripped */
};

/*
 * Read the ELF file of @size bytes at @data, which must stay where it is as long as @kernel is used.
 * -1: not an ELF file, or its header is incomplete; @problem, which is never freed, says what.
 */
int __must_check kernel_read(const uint8_t *data, size_t size, struct kernel *kernel, const char **problem);

/* The note of that type; of several the last; NULL: none. */
const struct note *kernel_find_note(const struct kernel *kernel, unsigned type);

/* Is the kernel to have its symbols in memory (BSD_SYMTAB)? */
bool kernel_wants_symbols(const struct kernel *kernel);

/* A note as a number: 1, 2, 4 or 8 bytes, or the digits of a legacy note; 0 if it is none. */
uint64_t kernel_note_number(const struct kernel *kernel, const struct note *note);

/* Does the text of the note begin with @start?  A text ends at its first zero byte or with the note. */
bool note_starts_with(const struct note *note, const char *start);

/* The length of the note's text. */
size_t note_text_length(const struct note *note);

/* What the documentation calls notes of this type; NULL: not known. */
const char *note_name(unsigned type);

#endif /* CLI_KERNEL_H */
