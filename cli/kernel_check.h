/* SPDX-License-Identifier: MIT */
/*
 * Whether and how a kernel can be started: the rules for an image ([elfnote] of the reference) and for what it needs.
 * The hypervisor applies the same rules once more; here they are put into words.
 */
#ifndef CLI_KERNEL_CHECK_H
#define CLI_KERNEL_CHECK_H

#include <cli/kernel.h>

enum finding_id {
    FINDING_MACHINE,        /* not for x86 */
    FINDING_TYPE,           /* not an executable: an object file, a core dump */
    FINDING_TRUNCATED,      /* headers or segments lie outside the file */
    FINDING_NO_SEGMENTS,    /* nothing to load */
    FINDING_SEGMENTS,       /* too many, or one that contradicts itself */
    FINDING_OVERLAP,        /* two segments want the same place */
    FINDING_NO_NOTES,       /* not a Xen guest */
    FINDING_PVH_ONLY,       /* a guest, but not a PV guest */
    FINDING_LOADER,         /* wants a loader that is not known */
    FINDING_VERSION,        /* for another version of the interface */
    FINDING_FEATURE,        /* cannot do without something that is not known */
    FINDING_NOT_OFFERED,    /* a remark: cannot do without something that is known, but not there */
    FINDING_PADDR_OFFSET,   /* a PADDR_OFFSET without VIRT_BASE */
    FINDING_EXTENT,         /* the image wraps around, or begins below VIRT_BASE */
    FINDING_RESERVED,       /* the image lies where the hypervisor is, or where no address can be */
    FINDING_ENTRY,          /* begins outside the image */
    FINDING_HYPERCALL_PAGE, /* outside the image */
    FINDING_INIT_P2M,       /* where it must not be */
    FINDING_PAE,            /* a 32-bit guest without PAE */
    FINDING_WIDTH,          /* a 32-bit guest: cannot be run yet */
    FINDING_MEMORY,         /* needs more */
    FINDING_CLIPPED_NOTE,   /* a remark */
    FINDING_NOT_PRIVILEGED, /* cannot be the initial domain; a remark where it does not say */
};

struct finding {
    enum finding_id id;
    bool refuses; /* the kernel cannot be started; otherwise a remark */
    char text[320];
};

#define FINDINGS_MAX 24u

struct findings {
    unsigned count;
    struct finding list[FINDINGS_MAX];
};

/* What the guest would get. */
struct start_request {
    uint64_t memory_kib; /* 0: not said, as much as it needs */
    uint64_t ramdisk_size;
    bool privileged;
};

/* Where the image goes; virtual addresses. */
struct placement {
    bool is_known; /* the notes and segments were good enough to compute what follows */
    uint64_t virt_base, paddr_offset;
    bool is_below_base;  /* a segment's p_paddr is less than paddr_offset: @start has wrapped around */
    bool is_beyond;      /* the end of the image is further from virt_base than memory goes, or has wrapped around */
    uint64_t start, end; /* of the image */
    uint64_t entry;
    bool has_hypercall_page, has_init_p2m, ramdisk_is_mapped;
    uint64_t hypercall_page, init_p2m;
    uint64_t needed_mib; /* the least memory with which it can be started, the ramdisk included */
};

/* Judge the kernel.  Each problem is found, as far as it can be judged beside the others. */
void kernel_check(const struct kernel *kernel, const struct start_request *request, struct placement *placement,
                  struct findings *findings);

/* Is there a finding that refuses the kernel? */
bool findings_refuse(const struct findings *findings);

#endif /* CLI_KERNEL_CHECK_H */
