/* SPDX-License-Identifier: MIT */
/*
 * The symbols of a kernel that asks for them (BSD_SYMTAB), as they lie in its memory: a length of 4 bytes, then an ELF
 * file of nothing but a table of symbols and one of their names.
 */
#pragma once

#include <hv/kernel/elf_format.h>
#include <hv/kernel/judge.h>

/* What comes before the symbols themselves. */
struct __attribute__((packed)) symbols_head {
    uint32_t length; /* of what follows it */
    struct elf_header_64 header;
    struct elf_section_64 none, symbols, names;
};

/* The bytes that they take, which lie at a multiple of 8; 0 if @kernel wants none, or is not for 64 bits. */
uint64_t symbols_size(const struct kernel *kernel);

/* What comes first; behind it the symbols, from a multiple of 8 on the names, and zeroes to the end. */
struct symbols_head symbols_head(const struct kernel *kernel);

/* Where the names begin, from the first byte on. */
uint64_t symbols_names_at(const struct kernel *kernel);
