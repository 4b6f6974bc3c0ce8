/* SPDX-License-Identifier: MIT */
/*
 * An ELF file (System V ABI, generic part, chapters 4 and 5), of either class, as far as a loader of kernels needs it.
 * Nothing that the file says is believed: what these functions give lies inside it.
 */
#pragma once

#include <engine/machine.h>
#include <hv/base/blob.h>

#define ELF_SEGMENT_LOAD 1u
#define ELF_SEGMENT_NOTE 4u

#define ELF_FLAGS_ACCESS 7u /* of a segment: execute, write, read */

#define ELF_SECTION_SYMBOLS 2u
#define ELF_SECTION_STRINGS 3u
#define ELF_SECTION_NOTE    7u

struct elf_image {
    struct blob file;
    enum width width; /* WIDTH_PAE for 32 bits */
    uint64_t entry;   /* where it wants to be entered, a virtual address */
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

/* 0: @image is for the functions below, and needs @file.  -XEN_EINVAL: *@problem says what is wrong. */
int __must_check elf_open(struct blob file, struct elf_image *image, const char **problem);

/* Segment or section @index, which is below their number. */
struct elf_segment elf_segment(const struct elf_image *image, unsigned index);
struct elf_section elf_section(const struct elf_image *image, unsigned index);

/* Is @section called @name? */
bool elf_section_is_named(const struct elf_image *image, const struct elf_section *section, const char *name);
