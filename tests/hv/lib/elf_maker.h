/* SPDX-License-Identifier: MIT */
/* Small ELF files for tests, right or wrong: nothing here looks at what it is given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hv/base/blob.h>

#define MAKER_SIZE_MAX     (64u << 10)
#define MAKER_SEGMENTS_MAX 24u
#define MAKER_SECTIONS_MAX 8u

struct maker_segment {
    uint32_t type, flags;
    uint64_t offset, paddr, file_size, memory_size;
};

struct maker_section {
    const char *name;
    uint32_t type, link;
    uint64_t offset, size;
};

struct elf_maker {
    bool is_64;
    uint64_t entry, align; /* the latter of segments and sections, as the file says */
    unsigned nr_segments, nr_sections;
    struct maker_segment segments[MAKER_SEGMENTS_MAX];
    struct maker_section sections[MAKER_SECTIONS_MAX]; /* the first is none, the last that of the names */
    uint8_t bytes[MAKER_SIZE_MAX];
    size_t size;
};

/* Values and notes begin at multiples of @unit, or of 4 if it is not set. */
struct note_list {
    unsigned unit;
    uint8_t bytes[1024];
    size_t size;
};

void maker_begin(struct elf_maker *maker, bool is_64, uint64_t entry);

/* Put bytes into the file; returns their offset. */
uint64_t maker_append(struct elf_maker *maker, const void *bytes, size_t size);

/* Describe something; the number of a section is returned. */
void maker_segment(struct elf_maker *maker, struct maker_segment segment);
unsigned maker_section(struct elf_maker *maker, struct maker_section section);

/* A segment of @size bytes of memory that begins with @text. */
void maker_load(struct elf_maker *maker, uint64_t paddr, const char *text, uint64_t size);

/* The list as a PT_NOTE segment. */
void maker_notes(struct elf_maker *maker, const struct note_list *notes);

/* The finished file, in memory of its own size that is the caller's to free(). */
struct blob maker_finish(struct elf_maker *maker);

void note_add(struct note_list *list, const char *name, uint32_t type, const void *value, size_t size);
void note_number(struct note_list *list, uint32_t type, uint64_t value, size_t size);
void note_text(struct note_list *list, uint32_t type, const char *text); /* without a zero byte */

/* LOADER and XEN_VERSION, without which there is no PV kernel. */
void note_kernel(struct note_list *list);
