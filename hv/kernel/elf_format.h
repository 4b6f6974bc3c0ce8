/* SPDX-License-Identifier: MIT */
/* The structures of an ELF file: System V ABI, generic part, chapters 4 and 5. */
#pragma once

#include <stdint.h>

#define ELF_CLASS_32      1u
#define ELF_CLASS_64      2u
#define ELF_LITTLE_ENDIAN 1u
#define ELF_BIG_ENDIAN    2u
#define ELF_VERSION       1u
#define ELF_TYPE_EXEC     2u
#define ELF_TYPE_DYN      3u /* position-independent, but placed as it says */
#define ELF_MACHINE_386   3u
#define ELF_MACHINE_AMD64 62u

struct elf_ident {
    uint8_t magic[4];
    uint8_t class, data, version;
    uint8_t rest[9];
};
_Static_assert(sizeof(struct elf_ident) == 16, "System V ABI, figure 4-4");

struct elf_header_64 {
    struct elf_ident ident;
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_size, segment_size, nr_segments, section_size, nr_sections, names_section;
};
_Static_assert(sizeof(struct elf_header_64) == 64, "ELF-64 file header");

struct elf_header_32 {
    struct elf_ident ident;
    uint16_t type, machine;
    uint32_t version;
    uint32_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_size, segment_size, nr_segments, section_size, nr_sections, names_section;
};
_Static_assert(sizeof(struct elf_header_32) == 52, "ELF-32 file header");

struct elf_segment_64 {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, file_size, memory_size, align;
};
_Static_assert(sizeof(struct elf_segment_64) == 56, "ELF-64 program header");

struct elf_segment_32 {
    uint32_t type, offset, vaddr, paddr, file_size, memory_size, flags, align;
};
_Static_assert(sizeof(struct elf_segment_32) == 32, "ELF-32 program header");

struct elf_section_64 {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};
_Static_assert(sizeof(struct elf_section_64) == 64, "ELF-64 section header");

struct elf_section_32 {
    uint32_t name, type, flags, address, offset, size, link, info, align, entry_size;
};
_Static_assert(sizeof(struct elf_section_32) == 40, "ELF-32 section header");

struct elf_symbol_64 {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};
_Static_assert(sizeof(struct elf_symbol_64) == 24, "ELF-64 symbol");

struct elf_symbol_32 {
    uint32_t name, value, size;
    uint8_t info, other;
    uint16_t section;
};
_Static_assert(sizeof(struct elf_symbol_32) == 16, "ELF-32 symbol");

/* Of the symbol's info; and sections that are none. */
#define ELF_SYMBOL_TYPE      0xfu
#define ELF_SYMBOL_UNTYPED   0u
#define ELF_SYMBOL_FUNCTION  2u
#define ELF_SYMBOL_UNDEFINED 0u
#define ELF_SYMBOL_ABSOLUTE  0xfff1u
