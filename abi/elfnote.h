/* SPDX-License-Identifier: MIT */
/*
 * What a kernel image says about itself.  Usable from assembly.
 */
#ifndef ABI_ELFNOTE_H
#define ABI_ELFNOTE_H

/*
 * `incontents 170 elfnote ELF notes of a kernel image
 * `
 * ` An image carries notes with the name "Xen" in its PT_NOTE segments, or without such segments in its note
 * ` sections. {places}
 * ` Name and contents are padded to 4 bytes each, or where p_align or sh_addralign is 8 such that
 * ` contents and notes begin at multiples of 8, if that makes whole notes up to the end. {padding}
 * ` The type is one of enum elfnote.  A number may have 1, 2, 4 or 8 bytes; a text need not end with a zero byte, its
 * ` length is that of the note. {numbers}
 * ` Unknown notes are ignored. {unknown}
 * ` The last note may claim to reach beyond the end of the segment. {overrun}
 * `
 * ` An image is accepted if LOADER starts with "generic" or GUEST_OS with "linux", and XEN_VERSION starts with
 * ` "xen-3.0". {accepted}
 * ` ELFCLASS64 makes a 64-bit guest, ELFCLASS32 a 32-bit one. {widths}
 * `
 * ` Where things go.  A segment is copied to the virtual address p_paddr - PADDR_OFFSET + VIRT_BASE, whatever
 * ` p_vaddr says; what it has in memory beyond the file is zero. {segments}
 * ` The pfn of a virtual address is its distance from VIRT_BASE in pages.  See [startofday] for what follows the image.
 * ` An image is refused if its entry point lies outside it, if it starts below VIRT_BASE, if INIT_P2M lies inside it,
 * ` or if it has a PADDR_OFFSET without a VIRT_BASE. {refused}
 * `
 * ` An older image has no notes, but a section __xen_guest with a text KEY=VALUE,KEY=VALUE,... ended by a zero
 * ` byte.  Its keys are named with the notes below. {legacy}
 */
/* ` enum elfnote { */
#define XEN_ELFNOTE_INFO                     0 /* a text for people */
#define XEN_ELFNOTE_ENTRY                    1 /* virtual address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE           2 /* virtual address of a page of the image */
#define XEN_ELFNOTE_VIRT_BASE                3 /* virtual address of pfn 0 */
#define XEN_ELFNOTE_PADDR_OFFSET             4 /* to be subtracted from p_paddr */
#define XEN_ELFNOTE_XEN_VERSION              5 /* "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS                 6 /* its name */
#define XEN_ELFNOTE_GUEST_VERSION            7 /* its version */
#define XEN_ELFNOTE_LOADER                   8 /* "generic" */
#define XEN_ELFNOTE_PAE_MODE                 9 /* "yes", "no" or "bimodal" */
#define XEN_ELFNOTE_FEATURES                10 /* a list of names */
#define XEN_ELFNOTE_BSD_SYMTAB              11 /* "yes" */
#define XEN_ELFNOTE_HV_START_LOW            12 /* lowest address that the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID            13 /* pairs of mask and value */
#define XEN_ELFNOTE_SUSPEND_CANCEL          14 /* 1: a suspend may return without having happened */
#define XEN_ELFNOTE_INIT_P2M                15 /* virtual address for the P2M */
#define XEN_ELFNOTE_MOD_START_PFN           16 /* not 0: the ramdisk need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES      17 /* a bitmap */
#define XEN_ELFNOTE_PHYS32_ENTRY            18 /* entry point of another kind of start */
#define XEN_ELFNOTE_MAX                     XEN_ELFNOTE_PHYS32_ENTRY
/* ` } */

/*
 * ` ENTRY (key VIRT_ENTRY): default the image's own entry address. {entry}
 * `
 * ` HYPERCALL_PAGE (key of the same name, which gives a pfn instead): the page is overwritten with the entry
 * ` points of [hypercall]. {hypercall-page}
 * `
 * ` VIRT_BASE (key of the same name): default 0.
 * `
 * ` PADDR_OFFSET (key ELF_PADDR_OFFSET): default 0; in the older form, default VIRT_BASE. {paddr-offset}
 * `
 * ` FEATURES (key of the same name): names of [features], without XENFEAT_, separated by "|".  With "!" in front,
 * ` the kernel cannot do without; one that is not known then refuses the image, {features-unknown}
 * ` one that is known but not offered does not, since nothing of the start depends on it. {features-absent}
 * ` Linux's "!writable_page_tables" means that the kernel can live with read-only tables, not that it wants others.
 * `
 * ` SUPPORTED_FEATURES: the same by bit number, without demands.  Bit XENFEAT_dom0 says that the kernel can be
 * ` the initial domain. {initial}
 * `
 * ` PAE_MODE (key PAE): needed for a 32-bit guest, with any text but "no". {pae}
 * ` As a note it also switches on VMASST_TYPE_pae_extended_cr3; as a key only with the text "yes[extended-cr3]" or
 * ` "bimodal".
 * `
 * ` BSD_SYMTAB (key of the same name): behind the image come a length of 4 bytes, an ELF header with three
 * ` sections (none, symbols, names), the symbols and the names.  The image counts as that much longer. {symbols}
 * `
 * ` INIT_P2M, 64-bit guests only: a page-aligned address below VIRT_BASE, in an L4 slot that nothing else uses.
 * ` The P2M is mapped there and not behind the image. {init-p2m}
 * `
 * ` MOD_START_PFN: the ramdisk is named by its first pfn, see SIF_MOD_START_PFN of [start_info]. {mod-start-pfn}
 * `
 * ` HV_START_LOW: how far down a 32-bit guest lets the hypervisor's addresses begin.  They begin at
 * ` COMPAT_HYPERVISOR_VIRT_START of [layout] however low that is; an image whose note is higher is refused. {hv-start-low}
 * `
 * ` L1_MFN_VALID, SUSPEND_CANCEL and GUEST_VERSION do not matter for the start; PHYS32_ENTRY is not for PV guests.
 * `
 * ` A kernel with a GUEST_OS that starts with "NetBSD" is given linear tables, see [pte]. {linear-tables}
 */

#endif /* ABI_ELFNOTE_H */
