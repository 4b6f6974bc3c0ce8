/* SPDX-License-Identifier: MIT */
/*
 * The symbols of a kernel that asks for them (BSD_SYMTAB), as they lie in its memory: a length of 4 bytes, then an ELF
 * file of nothing but a table of symbols and one of their names.
 */
#pragma once

#include <hv/kernel/elf_format.h>
#include <hv/kernel/judge.h>

/* What comes before the symbols themselves, symbols_head_size() bytes of it. */
struct __attribute__((packed)) symbols_head {
    uint32_t length; /* of what follows it */
    union {
        struct {
            struct elf_header_64 header;
            struct elf_section_64 none, symbols, names;
        } wide;
        struct {
            struct elf_header_32 header;
            struct elf_section_32 none, symbols, names;
        } narrow;
    };
};

/* They lie at a multiple of this, and so do their parts in the ELF file. */
unsigned symbols_align(const struct kernel *kernel);

/* The bytes that they take; 0 if @kernel wants none, or has none. */
uint64_t symbols_size(const struct kernel *kernel);

/* What comes first; behind it the symbols, from a multiple of symbols_align() on the names, and zeroes to the end. */
struct symbols_head symbols_head(const struct kernel *kernel);
size_t symbols_head_size(const struct kernel *kernel);

/* Where the names begin, from the first byte on. */
uint64_t symbols_names_at(const struct kernel *kernel);
