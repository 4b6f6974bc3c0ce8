/* SPDX-License-Identifier: MIT */
/*
 * How much memory a guest has, which frames, and where the machine keeps RAM: memory_op.
 */
#ifndef ABI_MEMORY_H
#define ABI_MEMORY_H

#include "types.h"

/*
 * `incontents 150 memory_op Memory reservation and maps: memory_op
 * `
 * ` long
 * ` HYPERVISOR_memory_op(enum memory_cmd cmd, void *arg)
 * `
 * ` @cmd: What to do, in bits 0-5.  The bits above belong to the hypervisor, which counts in them what an
 * `       interrupted call has done; guests leave them clear.
 * ` @arg: The structure that goes with the command.
 * `
 * ` The result is that of the command: a number of extents, a number of frames, or 0. {result}
 * `
 * ` Errors of all commands, in the order of the checks; those that change the reservation give 0 extents in place of
 * ` the last two:
 * `   -ENOSYS  unknown command, or one that is not offered {unknown-command} {NO_COMMAND NO_PHYSMAP}
 * `   -EFAULT  @arg cannot be read or written {unreadable} {GUEST_FAULT ARGUMENT_FAULT}
 * `   -ESRCH   the structure names a domain that does not exist {no-domain} {NO_SUCH_DOMAIN NO_DOMAIN}
 * `   -EPERM   the structure names another domain, without a right to it {no-right} {NOT_PRIVILEGED NO_RIGHT}
 */
/* ` enum memory_cmd { // XENMEM_* => struct xen_* */
#define XENMEM_increase_reservation      0 /* => struct xen_memory_reservation */
#define XENMEM_decrease_reservation      1 /* => struct xen_memory_reservation */
#define XENMEM_maximum_ram_page          2 /* => nothing */
#define XENMEM_current_reservation       3 /* => struct xen_memory_domain */
#define XENMEM_maximum_reservation       4 /* => struct xen_memory_domain */
#define XENMEM_machphys_mfn_list         5
#define XENMEM_populate_physmap          6 /* => struct xen_memory_reservation */
#define XENMEM_add_to_physmap            7
#define XENMEM_memory_map                9
#define XENMEM_machine_memory_map       10 /* => struct xen_memory_map */
#define XENMEM_exchange                 11 /* => struct xen_memory_exchange */
#define XENMEM_machphys_mapping         12
#define XENMEM_set_memory_map           13 /* => struct xen_foreign_memory_map */
#define XENMEM_maximum_gpfn             14 /* => struct xen_memory_domain */
#define XENMEM_remove_from_physmap      15
#define XENMEM_machphys_compat_mfn_list 25 /* => struct xen_machphys_mfn_list */
/* ` } */

/*
 * ` XENMEM_increase_reservation, XENMEM_decrease_reservation, XENMEM_populate_physmap: add frames; give frames back;
 * ` add frames at given pseudo-physical numbers.  They work on extents of 1 << extent_order frames each, contiguous and
 * ` aligned to their size in machine memory. {extents}
 * `
 * `   increase  extent_start: receives the first mfn of each extent; may be NULL {increase}
 * `   decrease  extent_start: the first mfn of each extent to give back {decrease}
 * `   populate  extent_start: the first pfn of each extent, replaced by its first mfn.  The M2P is set to these
 * `             pfns; the P2M is for the guest to update {populate}
 * `
 * ` Result: the number of extents done, which is less than nr_extents where memory, or the limit of
 * ` XENMEM_maximum_reservation, ran out, or an extent was not acceptable. {partial}
 * ` The number is never an error: a reservation that makes no sense gives 0. {senseless}
 * ` An extent comes and goes wholly or not at all. {whole-extents}
 * ` A frame given back leaves the guest when nothing refers to it any more: unmap it first. {in-use}
 * ` What a frame held before is not to be seen by who gets it. {wiped}
 */
struct xen_memory_reservation {
    uint64_t extent_start; /* address of an array of xen_pfn_t */
    uint64_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags; /* => enum memory_flags */
    uint16_t domid;     /* => enum domid */
    uint16_t _gap0[3];
};

struct compat_xen_memory_reservation {
    uint32_t extent_start; /* address of an array of compat_pfn_t */
    uint32_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags; /* => enum memory_flags */
    uint16_t domid;     /* => enum domid */
    uint16_t _gap0;
};

/*
 * ` Bits 0-7 of mem_flags: number of machine address bits that the frames may use, 0 for any.  Where the machine has
 * ` RAM beyond that, nothing is given. {address-bits}
 * ` Bits 8-15: one more than the number of the memory node wished for, 0 for any: any number will do. {nodes}
 */
/* ` enum memory_flags { */
#define XENMEMF_address_bits(n)         (n)
#define XENMEMF_get_address_bits(flags) ((flags) & 0xffU)
#define XENMEMF_node(n)                 (((n) + 1U) << 8)
#define XENMEMF_get_node(flags)         ((((flags) >> 8) - 1U) & 0xffU)
#define XENMEMF_populate_on_demand      (1 << 16) /* not for PV guests */
#define XENMEMF_exact_node_request      (1 << 17) /* that node or none */
#define XENMEMF_exact_node(n)           (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode                   (1 << 18) /* the node number is a virtual one */
/* ` } */

/*
 * ` XENMEM_exchange: trade frames for others: contiguous ones, or ones with small machine addresses. {exchange}
 * `   in.extent_start   the first mfn of each extent given
 * `   out.extent_start  the first pfn of each extent wanted, replaced by its first mfn.  The M2P is set {exchange-out}
 * `   nr_exchanged      0 before the call; after it the number of extents of in that have been traded
 * `                     {exchange-progress}
 * ` Result 0, or an error; what nr_exchanged counts is done even then, and nothing else. {exchange-failure}
 * ` In the order of the checks:
 * `   -EFAULT  the structure cannot be read {exchange-unreadable} {GUEST_FAULT}
 * `   -EPERM   extents larger than the caller may ask for {exchange-order} {EXTENT_ORDER}
 * `   -EINVAL  in and out differ in size or in domid; nr_exchanged makes no sense {exchange-counts} {EXCHANGE_COUNTS}
 * `   -EFAULT  an array does not lie in guest memory {exchange-nowhere} {GUEST_ADDRESS}
 * `   -ESRCH   a domain other than the caller, which may name itself by number, too {exchange-domain} {NO_SUCH_DOMAIN}
 * `   -ENOMEM  the machine has RAM beyond the address bits wished for {exchange-bits} {ADDRESS_BITS}
 * `   -ESRCH   the domain is being torn down {exchange-dying} {DYING}
 * `   -EFAULT  the array of in cannot be read {exchange-array} {GUEST_FAULT}
 * `   -EINVAL  a frame is not the guest's {exchange-not-owned} {NOT_OWNED}
 * `   -EINVAL  a frame is mapped, pinned or otherwise in use {exchange-in-use} {FRAME_IN_USE}
 * `   -EFAULT  the array of out cannot be read {exchange-out-unreadable} {GUEST_FAULT}
 * `   -ENOMEM  no such frames to be had {exchange-no-memory} {NO_MEMORY}
 * `   -EFAULT  the array of out cannot be written {exchange-list} {GUEST_FAULT}
 * `   -EFAULT  the structure cannot be written, when all is done {exchange-unwritable} {GUEST_FAULT}
 */
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    uint64_t nr_exchanged;
};

struct compat_xen_memory_exchange {
    struct compat_xen_memory_reservation in;
    struct compat_xen_memory_reservation out;
    uint32_t nr_exchanged;
};

/*
 * ` XENMEM_current_reservation: the number of frames that the domain has. {current}
 * ` XENMEM_maximum_reservation: the number that it may have. {maximum}
 * ` XENMEM_maximum_gpfn: the highest pfn that it uses, as its arch_shared_info says, or else may use. {maximum-gpfn}
 * ` XENMEM_maximum_ram_page: a number that is above the mfn of all RAM of the machine; it cannot fail.
 * ` {maximum-ram-page}
 */
struct xen_memory_domain {
    uint16_t domid; /* => enum domid */
};

/*
 * ` XENMEM_machphys_mapping: where the M2P lies in the caller's address space. {machphys-mapping}
 * ` A guest that gets an error may assume the addresses of [layout].
 */
struct xen_machphys_mapping {
    uint64_t v_start; /* address of the entry for mfn 0 */
    uint64_t v_end;   /* address of the end of the range */
    uint64_t max_mfn; /* highest mfn that the range has an entry for */
};

struct compat_xen_machphys_mapping {
    uint32_t v_start;
    uint32_t v_end;
    uint32_t max_mfn;
};

/*
 * ` XENMEM_machphys_mfn_list: the machine frames that the M2P itself lies in, one number for each 2 MiB of it;
 * ` for tools that map the M2P of the whole machine. {mfn-list}
 * ` XENMEM_machphys_compat_mfn_list: those of the M2P of 32-bit guests.
 */
struct xen_machphys_mfn_list {
    uint32_t max_extents; /* room in the array */
    uint32_t _gap0;
    uint64_t extent_start; /* address of an array of xen_pfn_t, receives the numbers */
    uint32_t nr_extents;   /* receives how many were stored */
    uint32_t _gap1;
};

struct compat_xen_machphys_mfn_list {
    uint32_t max_extents;
    uint32_t extent_start; /* address of an array of compat_pfn_t */
    uint32_t nr_extents;
};

/*
 * ` XENMEM_memory_map: the memory map of the guest, in pseudo-physical addresses, which says what it would read
 * ` from the firmware of a bare machine: one area of RAM, of all that the guest may have. {memory-map}
 * ` A guest that gets an error may assume one area of RAM.
 * ` XENMEM_machine_memory_map: the map of the machine, in machine addresses.  The initial domain has no right to
 * ` anything else of the machine, and is shown its own map. {machine-memory-map}
 * `   -EPERM   the caller is another domain {machine-map-right} {NOT_INITIAL}
 * `   -EFAULT  @arg, or the buffer that it names, cannot be read or written {machine-map-unreadable} {ARGUMENT_FAULT}
 */
struct xen_memory_map {
    uint32_t nr_entries; /* room in the buffer; receives how many were stored */
    uint32_t _gap0;
    uint64_t buffer; /* address of an array of struct e820_entry */
};

struct compat_xen_memory_map {
    uint32_t nr_entries;
    uint32_t buffer; /* address of an array of struct e820_entry */
};

/*
 * One area of a memory map, as the BIOS call int 15h, AX=E820h returns it: 20 bytes, in both widths.
 */
struct e820_entry {
    compat_u64 addr;
    compat_u64 size;
    uint32_t type; /* => enum e820_type */
};

/* ` enum e820_type { */
#define E820_RAM                1
#define E820_RESERVED           2
#define E820_ACPI               3
#define E820_NVS                4
#define E820_UNUSABLE           5
/* ` } */

/*
 * ` XENMEM_set_memory_map: give a domain its map, before it runs.  It is not offered, and gives -ENOSYS: the
 * ` domain builder does without. {set-memory-map}
 */
struct xen_foreign_memory_map {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0[3];
    struct xen_memory_map map;
};

struct compat_xen_foreign_memory_map {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    struct compat_xen_memory_map map;
};

/*
 * ` XENMEM_add_to_physmap, XENMEM_remove_from_physmap: change the P2M that the hypervisor keeps for guests
 * ` without direct paging.  A PV guest keeps its own, and gets -ENOSYS. {physmap}
 */
struct xen_add_to_physmap {
    uint16_t domid; /* => enum domid */
    uint16_t size;  /* frames, for XENMAPSPACE_gmfn_range */
    uint32_t space; /* => enum map_space */
    uint64_t idx;
    xen_pfn_t gpfn;
};

struct compat_xen_add_to_physmap {
    uint16_t domid; /* => enum domid */
    uint16_t size;
    uint32_t space; /* => enum map_space */
    uint32_t idx;
    compat_pfn_t gpfn;
};

/* ` enum map_space { */
#define XENMAPSPACE_shared_info         0
#define XENMAPSPACE_grant_table         1
#define XENMAPSPACE_gmfn                2
#define XENMAPSPACE_gmfn_range          3
#define XENMAPSPACE_gmfn_foreign        4
#define XENMAPSPACE_dev_mmio            5
/* ` } */

struct xen_remove_from_physmap {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0[3];
    xen_pfn_t gpfn;
};

struct compat_xen_remove_from_physmap {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    compat_pfn_t gpfn;
};

#endif /* ABI_MEMORY_H */
