/* SPDX-License-Identifier: MIT */
/*
 * The one judge of kernels: what the builder has to do for a kernel image, whether it can be started, and if not, each
 * reason.  The hypervisor asks it before it builds a domain, the paravane command before it starts anything.  It reads
 * what it is given and calls nobody.
 */
#pragma once

#include <hv/kernel/notes.h>

#define KERNEL_SEGMENTS_MAX 16u

/* Places are in bytes from the virtual address of pfn 0. */
struct kernel_segment {
    uint64_t start, size; /* what the file does not have of it is zero */
    struct blob contents;
    unsigned index; /* in the table of the file */
};

/* A kernel image, examined.  What a comment promises holds for a kernel that is not refused. */
struct kernel {
    struct elf_image image;
    struct notes notes;
    bool is_placed;        /* the places that follow have been worked out; it may be refused all the same */
    uint64_t virt_base;    /* page-aligned */
    uint64_t paddr_offset; /* addresses of segments are so much too high */
    uint64_t entry;        /* a virtual address inside the image */
    uint64_t start, end;   /* of the image: at most 2 to the 47, and virt_base + end does not overflow */
    unsigned nr_segments;
    struct kernel_segment segments[KERNEL_SEGMENTS_MAX]; /* they do not overlap */
    bool has_hypercall_page, has_init_p2m;
    uint64_t hypercall_page; /* its place, page-aligned and inside the image */
    uint64_t init_p2m;       /* a virtual address, page-aligned and below virt_base */
    bool ramdisk_unmapped;   /* it takes the ramdisk by its first pfn */
    bool has_symbols, wants_symbols;
    struct blob symbols, symbol_names; /* if it wants them, they go behind the image */
    bool has_pae, extended_cr3;        /* 32-bit: it can be run, and it takes a root above 4 GiB */
    bool wants_linear;                 /* it is of a system that cannot do without linear tables */
    bool needs_initial;                /* it can only be the initial domain */
    bool can_be_initial, says_initial; /* it says that it can be that; it says whether it can */
};

/*
 * Examine the kernel in @file, which @kernel needs.  @findings gets all that there is to say, as far as each thing can
 * be judged beside the others: without a refusal among them, the kernel can be started.
 */
void judge_kernel(struct blob file, struct kernel *kernel, struct findings *findings);

#define START_PAGES_ANY UINT64_MAX

/* What a domain is to get. */
struct start_request {
    uint64_t nr_pages; /* or START_PAGES_ANY: as many as it needs */
    uint64_t ramdisk_size;
    bool privileged; /* the initial domain */
};

/*
 * Can @kernel, which judge_kernel() has examined, be started as @request says?  Adds to @findings, and gives in
 * *@minimum how many pages it needs; 0: not known, since something else is wrong.
 */
void judge_start(const struct kernel *kernel, const struct start_request *request, uint64_t *minimum,
                 struct findings *findings);
