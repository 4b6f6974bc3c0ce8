/* SPDX-License-Identifier: MIT */
/* A kernel image, examined: what the builder has to do for it.  Every number has been checked against the file. */
#pragma once

#include <hv/kernel/elf_image.h>

#define KERNEL_SEGMENTS_MAX 16u

/* Places are in bytes from the virtual address of pfn 0. */
struct kernel_segment {
    uint64_t start, size; /* what the file does not have of it is zero */
    struct blob contents;
};

struct kernel {
    enum width width;
    uint64_t virt_base;  /* page-aligned */
    uint64_t entry;      /* a virtual address inside the image */
    uint64_t start, end; /* of the image: below 2 to the 47, and virt_base + end does not overflow */
    unsigned nr_segments;
    struct kernel_segment segments[KERNEL_SEGMENTS_MAX]; /* they do not overlap */
    bool has_hypercall_page, has_init_p2m;
    uint64_t hypercall_page; /* its place, page-aligned and inside the image */
    uint64_t init_p2m;       /* a virtual address, page-aligned and below virt_base */
    bool ramdisk_unmapped;   /* it takes the ramdisk by its first pfn */
    bool has_symbols;        /* it wants these behind the image: */
    struct blob symbols, symbol_names;
    bool extended_cr3;                   /* 32-bit: it takes a root above 4 GiB */
    bool needs_initial, refuses_initial; /* it can only be the initial domain; it cannot be */
};

/* 0, or -XEN_EINVAL: *@problem says why the kernel cannot be started.  @kernel needs @file. */
int __must_check kernel_parse(struct blob file, struct kernel *kernel, const char **problem);

/* Do the @size bytes from virtual address @start on, at least one, belong to a guest of @width? */
bool kernel_may_use(enum width width, uint64_t start, uint64_t size);
