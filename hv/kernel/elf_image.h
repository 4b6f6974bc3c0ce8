/* SPDX-License-Identifier: MIT */
/*
 * An ELF file (System V ABI, generic part, chapters 4 and 5), of either class, as far as a loader of kernels needs it.
 * Nothing that the file says is believed: what these functions give lies inside it.
 */
#pragma once

#include <engine/machine.h>
#include <hv/base/blob.h>
#include <hv/kernel/findings.h>

#define ELF_SEGMENT_LOAD 1u
#define ELF_SEGMENT_NOTE 4u

/* Of a segment. */
#define ELF_FLAGS_EXECUTE 1u
#define ELF_FLAGS_WRITE   2u
#define ELF_FLAGS_READ    4u
#define ELF_FLAGS_ACCESS  (ELF_FLAGS_EXECUTE | ELF_FLAGS_WRITE | ELF_FLAGS_READ)

#define ELF_SECTION_SYMBOLS 2u
#define ELF_SECTION_STRINGS 3u
#define ELF_SECTION_NOTE    7u

#define ELF_SEGMENTS_MAX 64u

struct elf_image {
    struct blob file;
    enum width width;       /* WIDTH_PAE for 32 bits */
    unsigned type, machine; /* as it says */
    uint64_t entry;         /* where it wants to be entered, a virtual address */
    uint64_t segments_at, sections_at;
    unsigned nr_segments, nr_sections;
    unsigned names_section; /* index of the section with the names of the sections */
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset; /* in the file */
    uint64_t paddr;
    uint64_t file_size, memory_size;
    uint64_t align; /* as it says: any number */
};

struct elf_section {
    uint32_t name; /* offset in the section of names */
    uint32_t type;
    uint64_t offset, size; /* in the file */
    uint32_t link;         /* index of a section that belongs to it */
    uint64_t align;        /* as it says: any number */
};

/*
 * 0: @image is for the functions below, and needs @file; it may be for another processor all the same, or a table of it
 * be missing.  -XEN_EINVAL: nothing can be read.  @findings has been told what is wrong.
 */
int __must_check elf_open(struct blob file, struct elf_image *image, struct findings *findings);

/* Segment or section @index; behind the last one there are more, all zero. */
struct elf_segment elf_segment(const struct elf_image *image, unsigned index);
struct elf_section elf_section(const struct elf_image *image, unsigned index);

/* Does it count as part of the kernel?  Not what has no room in memory, or no access to it. */
static inline bool elf_segment_is_loaded(const struct elf_segment *segment)
{
    return segment->type == ELF_SEGMENT_LOAD && (segment->flags & ELF_FLAGS_ACCESS) && segment->memory_size > 0;
}

/* Is @section called @name? */
bool elf_section_is_named(const struct elf_image *image, const struct elf_section *section, const char *name);

/* The section with the symbols, that with their names is linked to it; the number of sections if there is none. */
unsigned elf_find_symbols(const struct elf_image *image);
