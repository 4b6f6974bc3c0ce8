/* SPDX-License-Identifier: MIT */
/* The bundle of guests that the hypervisor is given: a cpio archive (newc, not compressed). */
#pragma once

#include <cli/file.h>

#define BUNDLE_CMDLINE_MAX     1023u /* characters; the guest's start_info holds no more */
#define BUNDLE_NAME_MAX_LENGTH 31
#define BUNDLE_PROCESSORS      64u

/* A device of a domain's: hv/kernel/bundle.h says what a key and a value may be.  Nothing here is owned. */
struct bundle_node {
    const char *key, *value;
    bool back; /* it is for the back end's directory */
};

struct bundle_device {
    const char *type;
    unsigned id;
    unsigned backend; /* the number of the domain that serves it */
    const struct bundle_node *nodes;
    unsigned nr_nodes;
};

/* One domain.  Nothing here is owned. */
struct bundle_domain {
    unsigned number; /* 0: the initial domain's */
    const char *name;
    uint64_t memory_kib;
    uint64_t most_kib; /* that it may come to have; not more than that, or 0: it stays at that */
    unsigned vcpus, weight;
    unsigned most_vcpus;   /* as most_kib, of vcpus */
    uint64_t pinned;       /* bit n: its vCPUs may run on processor n; 0: on any */
    unsigned extent_order; /* its pages lie in a row by 2 to that many; 0: each where it may */
    const char *uuid;      /* as the bundle has it; NULL: none has been chosen */
    bool privileged, linear_tables;
    bool ends_by_reboot;
    bool is_back_end;        /* it serves others */
    unsigned pci_vendor;     /* the machine's PCI functions of that one are its own; 0: none are */
    const char *virtio_mmio; /* where there are virtio devices of its own, as hv/kernel/bundle.h says; NULL: nowhere */
    const char *rights;      /* to other parts of the machine, as lines of settings; NULL: none */
    const struct bundle_device *devices;
    unsigned nr_devices;
    const struct bytes *kernel;  /* an ELF file */
    const struct bytes *ramdisk; /* NULL: none */
    const char *cmdline;         /* NULL: none */
};

/* The name of a domain as the bundle has it: its first characters, those that are not printable as "_". */
void bundle_clean_name(const char *name, char clean[static BUNDLE_NAME_MAX_LENGTH + 1]);

/*
 * Write the bundle of @count domains, each with a number of its own, to a new file; *size is how large it has become.
 * STATUS_FAILED: the file could not be written; what there is of it stays.
 */
enum status __must_check bundle_write(const char *path, const struct bundle_domain *domains, unsigned count,
                                      uint64_t *size);
