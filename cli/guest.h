/* SPDX-License-Identifier: MIT */
/* A guest of a run: its files, judged and read. */
#pragma once

#include <limits.h>

#include <cli/bundle_write.h>
#include <cli/device_nodes.h>
#include <cli/image.h>
#include <cli/options.h>
#include <cli/symbols.h>

/* A loader puts the bundle below 4 GiB, where devices take their part of the addresses. */
#define BUNDLE_MAX ((size_t)1536 * MIB)

/* All zero is one without anything. */
struct guest {
    const struct guest_options *options;
    unsigned number;      /* of its domain */
    char found[PATH_MAX]; /* the kernel, if it is the demo or GRUB */
    const char *kernel_path;
    char domain_name[BUNDLE_NAME_MAX_LENGTH + 1]; /* as the hypervisor knows it */
    struct image image;
    struct bytes ramdisk;
    char *cmdline;          /* with what a command takes; NULL: that of the options */
    struct symbols symbols; /* of the kernel */
    struct device_nodes devices;
};

/*
 * Read the files of the guest at @place, from 0 on, and judge its kernel, out of which what nobody needs is taken; with
 * --verbose, remarks on it are shown.  STATUS_REFUSED: it would not boot; otherwise a file is missing or no good.
 * guest_free() in any case.
 */
enum status __must_check guest_read(struct guest *guest, unsigned place, const struct run_options *options);

/* What the bundle has of it; points into @guest and its options. */
struct bundle_domain guest_domain(const struct guest *guest);

/* Its name, or that of its kernel's file, or of the disk that it boots from. */
const char *guest_title(const struct guest *guest);

/* Is the file at @path, which may be NULL, its kernel, its ramdisk or one of its disks? */
bool guest_is_made_of(const struct guest *guest, const char *path);

/* Free its files, once they are in the bundle; and all of it. */
void guest_free_files(struct guest *guest);
void guest_free(struct guest *guest);
