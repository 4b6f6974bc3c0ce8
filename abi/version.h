/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor is and what it offers: xen_version.
 */
#ifndef ABI_VERSION_H
#define ABI_VERSION_H

#include "types.h"

/*
 * `incontents 450 xen_version Version and features: xen_version
 * `
 * ` long
 * ` HYPERVISOR_xen_version(enum version_cmd cmd, void *arg)
 * `
 * ` @cmd: What to ask.
 * ` @arg: Where to store the answer; its type goes with the command.
 * `
 * ` Errors of all commands, in the order of the checks:
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 * `   -EFAULT  @arg cannot be read or written {unreadable} {ARGUMENT_FAULT}
 * ` Texts are ended by a zero byte; enum version_text_lengths says how long they can be.
 * `
 * ` XENVER_version: the result is the major number times 65536 plus the minor one; @arg is not used.  Cheap, so
 * ` that kernels use it as the call that does nothing, see [shared_info]. {version}
 * ` XENVER_extraversion, XENVER_compile_info, XENVER_changeset, XENVER_commandline: texts about the hypervisor's
 * ` own build and start; the result is 0.  The command line is shown to nobody: it is empty. {texts}
 * ` XENVER_capabilities: the kinds of guest that can run, as words such as xen-3.0-x86_64; gives 0. {capabilities}
 * ` XENVER_platform_parameters: where the hypervisor's addresses begin; the result is 0. {platform-parameters}
 * ` XENVER_get_features: one word of [features]; the result is 0. {features}
 * `   -EINVAL  submap_idx is XENFEAT_NR_SUBMAPS or more {no-submap} {FEATURE_MAP}
 * ` XENVER_pagesize: the result is the page size in bytes. {pagesize}
 * `   -EINVAL  @arg is not NULL {pagesize-argument} {VERSION_ARGUMENT}
 * ` XENVER_guest_handle: 16 bytes that name the domain, as the xenstore has them for a uuid; the result is 0.  Where none
 * ` was given to the domain, all of them are 0 but for the last two, its number. {guest-handle}
 * ` XENVER_build_id: the result is the length of the build's identity, which is stored in buf.  There is none.
 * `   -EPERM   the caller is not the initial domain {build-id-right} {NO_BUILD_ID}
 * `   -ENODATA  there is none {build-id-none} {NO_BUILD_ID}
 */
/* ` enum version_cmd { // XENVER_* => struct xen_* */
#define XENVER_version                   0 /* => nothing */
#define XENVER_extraversion              1 /* => xen_extraversion_t */
#define XENVER_compile_info              2
#define XENVER_capabilities              3 /* => xen_capabilities_info_t */
#define XENVER_changeset                 4 /* => xen_changeset_info_t */
#define XENVER_platform_parameters       5
#define XENVER_get_features              6 /* => struct xen_feature_info */
#define XENVER_pagesize                  7 /* => nothing */
#define XENVER_guest_handle              8 /* => xen_domain_handle_t */
#define XENVER_commandline               9 /* => xen_commandline_t */
#define XENVER_build_id                 10
/* ` } */

typedef char xen_extraversion_t[16];
typedef char xen_capabilities_info_t[1024];
typedef char xen_changeset_info_t[64];
typedef char xen_commandline_t[1024];
typedef uint8_t xen_domain_handle_t[16];

/* ` enum version_text_lengths { */
#define XEN_EXTRAVERSION_LEN            (sizeof(xen_extraversion_t))
#define XEN_CAPABILITIES_INFO_LEN       (sizeof(xen_capabilities_info_t))
#define XEN_CHANGESET_INFO_LEN          (sizeof(xen_changeset_info_t))
/* ` } */

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};

struct xen_platform_parameters {
    uint64_t virt_start; /* HYPERVISOR_VIRT_START */
};

/*
 * A 32-bit guest is told COMPAT_HYPERVISOR_VIRT_START, whatever HV_START_LOW of [elfnote] allows.
 */
struct compat_xen_platform_parameters {
    uint32_t virt_start;
};

struct xen_feature_info {
    uint32_t submap_idx; /* which word is asked for, below that of enum feature_words */
    uint32_t submap;     /* result: bit n for feature 32 * submap_idx + n; => enum features */
};

struct xen_build_id {
    uint32_t len; /* room in buf */
    uint8_t buf[];
};

/*
 * `incontents 460 features Features
 * `
 * ` The bits of the word that XENVER_get_features of [xen_version] stores, {offered}
 * ` and by the same numbers and names those that a kernel image lists, see [elfnote].  A kernel that uses direct paging
 * ` needs XENFEAT_mmu_pt_update_preserve_ad and XENFEAT_gnttab_map_avail_bits; Linux does not start without both.
 * `
 * ` Each PV guest is offered these two, XENFEAT_highmem_assist, XENFEAT_memory_op_vnode_supported and
 * ` XENFEAT_direct_mapped; the initial domain XENFEAT_dom0, too; one with
 * ` VMASST_TYPE_pae_extended_cr3 switched on, see [vm_assist], XENFEAT_pae_pgdir_above_4gb. {which}
 */
/* ` enum features { */
#define XENFEAT_writable_page_tables        0 /* page tables may be mapped writable */
#define XENFEAT_writable_descriptor_tables  1 /* descriptor tables may be mapped writable */
#define XENFEAT_auto_translated_physmap     2 /* no direct paging: pfns stand in for mfns */
#define XENFEAT_supervisor_mode_kernel      3 /* the kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb         4 /* a 32-bit top-level table may lie anywhere */
#define XENFEAT_mmu_pt_update_preserve_ad   5 /* MMU_PT_UPDATE_PRESERVE_AD, see [mmu_update] */
#define XENFEAT_highmem_assist              6 /* help for 32-bit kernels with much memory */
#define XENFEAT_gnttab_map_avail_bits       7 /* a grant mapping can carry bits for the guest's own use */
#define XENFEAT_hvm_callback_vector         8 /* not for PV guests */
#define XENFEAT_hvm_safe_pvclock            9 /* not for PV guests */
#define XENFEAT_hvm_pirqs                   10 /* not for PV guests */
#define XENFEAT_dom0                        11 /* runs as, or can run as, the initial domain */
#define XENFEAT_memory_op_vnode_supported   13 /* XENMEMF_vnode, see [memory_op] */
#define XENFEAT_ARM_SMCCC_supported         14 /* not for x86 */
#define XENFEAT_linux_rsdp_unrestricted     15 /* Linux takes the address of ACPI tables from anywhere */
#define XENFEAT_not_direct_mapped           16 /* pseudo-physical and machine addresses differ */
#define XENFEAT_direct_mapped               17 /* pseudo-physical addresses are machine addresses */
/* ` } */
/*
 * ` The last two are about the addresses that the hypervisor deals with.  A PV guest gives it machine addresses
 * ` only, and so may be shown XENFEAT_direct_mapped; it says nothing about the guest's own P2M.
 */
/* ` enum feature_words { */
#define XENFEAT_NR_SUBMAPS 1
/* ` } */

#endif /* ABI_VERSION_H */
