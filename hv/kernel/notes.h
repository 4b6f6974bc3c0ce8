/* SPDX-License-Identifier: MIT */
/* What a kernel image says about itself: the notes of abi/elfnote.h, or the section __xen_guest of older images. */
#pragma once

#include <abi/elfnote.h>
#include <hv/kernel/elf_image.h>

#define ELFNOTE_COUNT (XEN_ELFNOTE_MAX + 1u)

struct elfnotes {
    bool legacy; /* texts of __xen_guest; with that a hypercall page is given as a pfn, see abi/elfnote.h */
    unsigned count;
    bool present[ELFNOTE_COUNT];
    struct blob values[ELFNOTE_COUNT];
};

/* Find them.  There may be none: @count is 0.  Of several with the same number the last one counts. */
void elfnotes_find(const struct elf_image *image, struct elfnotes *notes);

/* The value of note @type as a number; @otherwise if there is none.  What is not a number reads as 0. */
uint64_t elfnotes_number(const struct elfnotes *notes, unsigned type, uint64_t otherwise);
