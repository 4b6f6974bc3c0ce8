/* SPDX-License-Identifier: MIT */
/* A kernel as it lies on disk: what is wrapped around the ELF file, and the ELF file. */
#pragma once

#include <cli/file.h>

#define IMAGE_LAYERS_MAX 4

struct image {
    struct bytes elf;
    size_t file_size; /* of the file on disk */
    unsigned nr_layers;
    const char *layers[IMAGE_LAYERS_MAX]; /* the compressions that were unpacked, the outermost first */
    bool is_bzimage;                      /* then: */
    unsigned protocol;                    /* its boot protocol, major << 8 | minor */
    char version[128];                    /* what it says that it is; may be empty */
};

/*
 * Read a kernel and unwrap it.  On STATUS_GOOD the caller frees it by image_free().
 * STATUS_USAGE: unreadable, or no kernel.  STATUS_REFUSED: a kernel, but it cannot be
 * unpacked.
 */
enum status __must_check image_read(const char *path, struct image *image);

void image_free(struct image *image);
