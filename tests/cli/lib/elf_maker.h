/* SPDX-License-Identifier: MIT */
/* ELF files made by hand, good ones and others. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MADE_SEGMENTS_MAX 24
#define MADE_SIZE_MAX     65536

struct made_segment {
    uint32_t type, flags;
    uint64_t offset, file_size, paddr, memory_size;
};

struct made_section {
    uint32_t type;
    const char *name;
    uint64_t offset, size;
    uint32_t link;
};

/* What to make.  Data goes where @put_at says; headers are made by elf_make(). */
struct elf_maker {
    unsigned width, machine, type, data_order;
    uint64_t entry;
    unsigned nr_segments, nr_sections;
    struct made_segment segments[MADE_SEGMENTS_MAX];
    struct made_section sections[MADE_SEGMENTS_MAX];
    size_t put_at;      /* where the next note goes */
    unsigned unit;      /* values and notes begin at multiples of it */
    uint64_t alignment; /* of segments and sections, as the file says */
    size_t size;        /* of the file */
    uint8_t data[MADE_SIZE_MAX];
};

/* A kernel that boots: one segment of a page at 1 MiB with notes in it, VIRT_BASE 0xffffffff80000000. */
void elf_maker_init(struct elf_maker *maker);

/* Forget the notes. */
void elf_maker_drop_notes(struct elf_maker *maker);

/* The notes once more, padded to @unit bytes, in a segment or section that says that it is aligned to @alignment. */
void elf_maker_pad_notes(struct elf_maker *maker, unsigned unit, uint64_t alignment);

/* Add a note, with the name @name, its data of @size bytes; @claimed: the size that it claims to have. */
void elf_maker_add_note(struct elf_maker *maker, const char *name, uint32_t type, const void *data, size_t size,
                        size_t claimed);
void elf_maker_add_text(struct elf_maker *maker, uint32_t type, const char *text);
void elf_maker_add_number(struct elf_maker *maker, uint32_t type, uint64_t number);

/* Put the notes into a segment (PT_NOTE), or a section (SHT_NOTE). */
void elf_maker_end_notes(struct elf_maker *maker);
void elf_maker_end_notes_in_section(struct elf_maker *maker);

/* A section __xen_guest with that text. */
void elf_maker_add_legacy(struct elf_maker *maker, const char *text);

/* Write the headers.  The file is then @maker->data, @maker->size bytes. */
void elf_make(struct elf_maker *maker);
