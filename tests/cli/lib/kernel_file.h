/* SPDX-License-Identifier: MIT */
/*
 * Kernels as ELF files of one layout, good ones and others.  They are made of the C library's structures, and share
 * nothing with what judges them; tests/hv/lib/elf_maker.h makes files of any layout, of the hypervisor's structures.
 */
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

/* What to make.  Data goes where @put_at says; headers are made by kernel_file_make(). */
struct kernel_file {
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
void kernel_file_init(struct kernel_file *file);

/* Forget the notes. */
void kernel_file_drop_notes(struct kernel_file *file);

/* The notes once more, padded to @unit bytes, in a segment or section that says that it is aligned to @alignment. */
void kernel_file_pad_notes(struct kernel_file *file, unsigned unit, uint64_t alignment);

/* Add a note, with the name @name, its data of @size bytes; @claimed: the size that it claims to have. */
void kernel_file_add_note(struct kernel_file *file, const char *name, uint32_t type, const void *data, size_t size,
                          size_t claimed);
void kernel_file_add_text(struct kernel_file *file, uint32_t type, const char *text);
void kernel_file_add_number(struct kernel_file *file, uint32_t type, uint64_t number);

/* Put the notes into a segment (PT_NOTE), or a section (SHT_NOTE). */
void kernel_file_end_notes(struct kernel_file *file);
void kernel_file_end_notes_in_section(struct kernel_file *file);

/* A section __xen_guest with that text. */
void kernel_file_add_legacy(struct kernel_file *file, const char *text);

/* Write the headers.  The file is then @file->data, @file->size bytes. */
void kernel_file_make(struct kernel_file *file);
