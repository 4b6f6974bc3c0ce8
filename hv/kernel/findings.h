/* SPDX-License-Identifier: MIT */
/*
 * What the judge of kernels has found, as codes: whoever reads them puts them into words.  A refusal means that the
 * kernel cannot be started; a remark, that there may be more to say about it.
 */
#pragma once

#include <stdbool.h>

#include <hv/base/blob.h>

/* name, REFUSAL or REMARK, a sentence for whoever cannot say more */
#define KERNEL_FINDINGS(FINDING)                                                                                       \
    /* The file (elf_image.c). */                                                                                      \
    FINDING(NOT_ELF, REFUSAL, "the kernel is not an ELF file; a compressed kernel (bzImage) has to be unpacked first") \
    FINDING(HEADER, REFUSAL, "the kernel is an ELF file that is cut short, or its header makes no sense")              \
    FINDING(CLASS, REFUSAL, "the kernel is an ELF file of neither 32 nor 64 bits")                                     \
    FINDING(MACHINE, REFUSAL, "the kernel is an ELF file for another processor")                                       \
    FINDING(TYPE, REFUSAL, "the kernel is an ELF file that is not linked to run")                                      \
    FINDING(HEADERS, REFUSAL, "the kernel has more program headers than a kernel has")                                 \
    FINDING(SEGMENT_TABLE, REFUSAL, "the kernel's table of segments is damaged, or lies beyond the end of the file")   \
    FINDING(SECTION_TABLE, REFUSAL, "the kernel's table of sections is damaged, or lies beyond the end of the file")   \
    /* What it says about itself (judge.c). */                                                                         \
    FINDING(NO_NOTES, REFUSAL, "the kernel has no Xen notes: it was built without support for Xen PV guests")          \
    FINDING(PVH_ONLY, REFUSAL,                                                                                         \
            "the kernel is a PVH-only kernel: it has the note PHYS32_ENTRY and none of a PV kernel")                   \
    FINDING(LOADER, REFUSAL, "the kernel's note LOADER is not \"generic\", so it wants a loader of its own")           \
    FINDING(VERSION, REFUSAL, "the kernel's note XEN_VERSION is not \"xen-3.0\", so it is for another interface")      \
    FINDING(NOTE_CLIPPED, REMARK, "a note of the kernel's claims to be longer than what it lies in")                   \
    FINDING(FEATURE, REFUSAL, "the kernel cannot do without a feature that is not known here (note FEATURES)")         \
    FINDING(FEATURE_ABSENT, REMARK, "the kernel says that it cannot do without a feature that is not offered")         \
    FINDING(NO_PAE, REFUSAL, "the kernel is a 32-bit kernel without PAE, which no guest can do without")               \
    /* Its segments, and where they and everything else go (placement.c). */                                           \
    FINDING(NO_SEGMENTS, REFUSAL, "the kernel has nothing to load")                                                    \
    FINDING(SEGMENTS, REFUSAL, "the kernel has more segments to load than a kernel has")                               \
    FINDING(SEGMENT_CUT, REFUSAL, "a segment of the kernel lies beyond the end of the file, which may be cut short")   \
    FINDING(SEGMENT_LARGER, REFUSAL, "a segment of the kernel is larger in the file than in memory")                   \
    FINDING(SEGMENT_WRAPS, REFUSAL, "a segment of the kernel leads beyond the last address that there is")             \
    FINDING(SEGMENTS_OVERLAP, REFUSAL, "two segments of the kernel overlap")                                           \
    FINDING(PADDR_OFFSET, REFUSAL, "the kernel has the note PADDR_OFFSET, which needs VIRT_BASE")                      \
    FINDING(BELOW_BASE, REFUSAL, "a segment of the kernel lies below the start of its memory (VIRT_BASE)")             \
    FINDING(EXTENT, REFUSAL, "the kernel leads from VIRT_BASE to beyond the last address that there is")               \
    FINDING(VIRT_BASE, REFUSAL, "the kernel's VIRT_BASE is not the address of a page")                                 \
    FINDING(RESERVED, REFUSAL, "the kernel wants addresses that are the hypervisor's, or that do not exist")           \
    FINDING(ENTRY, REFUSAL, "the kernel's entry point lies outside the kernel")                                        \
    FINDING(HYPERCALL_PAGE, REFUSAL, "the kernel's hypercall page lies outside the kernel")                            \
    FINDING(HYPERCALL_PAGE_UNALIGNED, REFUSAL, "the kernel's hypercall page does not begin where a page begins")       \
    FINDING(INIT_P2M, REFUSAL, "the kernel's INIT_P2M does not lie below VIRT_BASE")                                   \
    FINDING(INIT_P2M_UNALIGNED, REFUSAL, "the kernel's INIT_P2M is not the address of a page")                         \
    FINDING(INIT_P2M_RESERVED, REFUSAL,                                                                                \
            "the kernel's INIT_P2M is an address of the hypervisor's, or one that does not exist")                     \
    FINDING(INIT_P2M_SHARED, REFUSAL, "the kernel's INIT_P2M lies in the 512 GiB of addresses that VIRT_BASE is in")   \
    FINDING(HV_START, REFUSAL, "the kernel's HV_START_LOW lies above where the hypervisor's addresses begin")          \
    /* Its start as a domain (judge.c, start_layout.c). */                                                             \
    FINDING(ONLY_INITIAL, REFUSAL, "the kernel can only be the initial domain: make it domain 0, and privileged")      \
    FINDING(NEVER_INITIAL, REFUSAL, "the kernel cannot be the initial domain: do not make it privileged")              \
    FINDING(PERHAPS_INITIAL, REMARK, "the kernel does not say that it can be the initial domain")                      \
    FINDING(RAMDISK, REFUSAL, "the ramdisk is larger than the address space")                                          \
    FINDING(ADDRESSES, REFUSAL, "kernel, ramdisk and page tables do not fit in the addresses behind VIRT_BASE")        \
    FINDING(P2M_ADDRESSES, REFUSAL, "the P2M does not fit between the kernel's INIT_P2M and its VIRT_BASE")            \
    FINDING(TOO_LITTLE, REFUSAL, "the domain has too little memory for its kernel, ramdisk and page tables")           \
    FINDING(TOO_MUCH, REFUSAL, "the domain has more memory than its kernel has addresses for: give it less")           \
    FINDING(NO_ROOM, REFUSAL, "the domain's P2M leaves no room for its kernel: give it more memory")

#define FINDING_ID(name, kind, sentence) FINDING_##name,
enum finding_id { KERNEL_FINDINGS(FINDING_ID) NR_FINDINGS };

struct finding {
    enum finding_id id;
    unsigned index;   /* of the segment that it is about, in the table of the file; or the type of the note */
    unsigned other;   /* of another segment */
    struct blob text; /* the name of the feature */
};

/* How many remarks a kernel draws is up to its author: where there is no room, one of them goes for a refusal. */
#define FINDINGS_MAX 24u

struct findings {
    unsigned count;
    struct finding list[FINDINGS_MAX];
};

void findings_put(struct findings *findings, struct finding finding);

/* One that there is nothing more to say about. */
static inline void findings_add(struct findings *findings, enum finding_id id)
{
    findings_put(findings, (struct finding){.id = id});
}

bool finding_refuses(enum finding_id id);

/* The first refusal; NULL: there is none. */
const struct finding *findings_refusal(const struct findings *findings);
