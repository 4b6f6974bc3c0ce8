/* SPDX-License-Identifier: MIT */
/* What a kernel image says about itself: the notes of abi/elfnote.h, or the section __xen_guest of older images. */
#pragma once

#include <abi/elfnote.h>
#include <hv/kernel/elf_image.h>

#define NOTES_COUNT          (XEN_ELFNOTE_MAX + 1u)
#define NOTES_LEGACY_SECTION "__xen_guest"

enum notes_origin {
    NOTES_NONE,
    NOTES_SEGMENT, /* PT_NOTE segments */
    NOTES_SECTION, /* note sections */
    NOTES_LEGACY,  /* texts of __xen_guest; with that a hypercall page is given as a pfn, see abi/elfnote.h */
};

struct note {
    uint32_t type;
    struct blob name, value;
    bool is_whole; /* or it says that it is longer than what it lies in; @value is what there is */
};

/* Those of types that the ABI has.  Of several of a type the last one counts. */
struct notes {
    enum notes_origin origin;
    bool present[NOTES_COUNT], clipped[NOTES_COUNT];
    struct blob values[NOTES_COUNT];
};

/* Find them.  There may be none. */
void notes_find(const struct elf_image *image, struct notes *notes);

/* The value of note @type as a number; @otherwise if there is none. */
uint64_t notes_number(const struct notes *notes, unsigned type, uint64_t otherwise);

/* A value as a number.  What is not a number reads as 0. */
uint64_t notes_read_number(enum notes_origin origin, struct blob value);

/* A walk over all of Xen's notes of one origin, in the order of the file, those of unknown types as well. */
struct notes_walk {
    const struct elf_image *image;
    enum notes_origin origin;
    unsigned next;    /* the segment or section that has not been looked at */
    uint64_t left;    /* so many bytes of sections are still looked at */
    struct blob list; /* the rest of what is being looked at */
    unsigned unit;    /* notes and values in it begin at multiples of so many bytes */
};

struct notes_walk notes_walk(const struct elf_image *image, enum notes_origin origin);

/* False: that was all. */
bool notes_next(struct notes_walk *walk, struct note *note);
