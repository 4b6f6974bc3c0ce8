/* SPDX-License-Identifier: MIT */
/*
 * The bundle: a cpio archive (newc, uncompressed) with a directory for each domain, named by its number in decimal:
 *
 *   N/settings   lines of key=value: name, memory (KiB), vcpus, weight (1 to 65535), privileged (0 or 1), on_reboot
 *                (restart, which is so without it, or destroy), iomem (START,COUNT: that many machine frames of device
 *                memory from this one on, both in hexadecimal; 16 such lines at most)
 *   N/kernel     an ELF file
 *   N/ramdisk    if there is one
 *   N/cmdline    text of at most 1023 bytes, if there is any
 *
 * Parsing needs nothing of the rest of the hypervisor and believes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/start.h>
#include <engine/types.h>
#include <hv/base/blob.h>

#define BUNDLE_NAME_MAX    31u
#define BUNDLE_DOMAINS_MAX 16u
#define BUNDLE_IOMEM_MAX   16u
#define BUNDLE_WEIGHT      256u /* of a domain that names none: hv/domain/fair.h */
#define BUNDLE_WEIGHT_MAX  65535u

struct bundle_frames {
    uint64_t first, count;
};

struct bundle_domain {
    unsigned id;
    char name[BUNDLE_NAME_MAX + 1];
    uint64_t memory_kib;
    unsigned nr_vcpus;
    unsigned weight;
    bool privileged;
    bool ends_by_reboot; /* on_reboot=destroy */
    struct bundle_frames iomem[BUNDLE_IOMEM_MAX];
    unsigned nr_iomem;
    struct blob kernel, ramdisk; /* ramdisk: size 0 for none */
    char command_line[MAX_GUEST_CMDLINE];
};

struct bundle {
    unsigned nr_domains;
    struct bundle_domain domains[BUNDLE_DOMAINS_MAX];
};

/* 0, or -XEN_EINVAL: *@problem says what is wrong with the archive. */
int __must_check bundle_parse(const uint8_t *bytes, uint64_t size, struct bundle *bundle, const char **problem);
