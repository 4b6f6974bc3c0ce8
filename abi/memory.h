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
 * ` The result is that of the command: a number of extents, a number of frames, or 0.
 * `
 * ` Errors of all commands, in the order of the checks:
 * `   -ENOSYS  unknown command
 * `   -EFAULT  @arg cannot be read or written
 * `   -ESRCH   the structure names a domain that does not exist
 * `   -EPERM   the structure names another domain, without a right to it
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
 * ` XENMEM_increase_reservation adds frames; XENMEM_decrease_reservation gives frames back;
 * ` XENMEM_populate_physmap adds frames at given pseudo-physical numbers.  They work on extents of
 * ` 1 << extent_order frames each, contiguous and aligned to their size in machine memory.
 * `
 * `   increase  extent_start: receives the first mfn of each extent; may be NULL
 * `   decrease  extent_start: the first mfn of each extent to give back
 * `   populate  extent_start: the first pfn of each extent, replaced by its first mfn.  The M2P is set to these
 * `             pfns; the P2M is for the guest to update
 * `
 * ` Result: the number of extents done, which is less than nr_extents where memory, or the limit of
 * ` XENMEM_maximum_reservation, ran out, or an extent was not acceptable.  The number is never an error.
 * ` A frame given back leaves the guest when nothing refers to it any more: unmap it first.
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
 * ` Bits 0-7 of mem_flags: number of machine address bits that the frames may use, 0 for any.  Bits 8-15: one
 * ` more than the number of the memory node wished for, 0 for any.
 */
/* ` enum memory_flags { */
#define XENMEMF_address_bits(n)         (n)
#define XENMEMF_get_address_bits(flags) ((flags) & 0xffU)
#define XENMEMF_node(n)                 (((n) + 1U) << 8)
#define XENMEMF_get_node(flags)         ((((flags) >> 8) - 1U) & 0xffU)
#define XENMEMF_populate_on_demand      (1U << 16) /* not for PV guests */
#define XENMEMF_exact_node_request      (1U << 17) /* that node or none */
#define XENMEMF_exact_node(n)           (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode                   (1U << 18) /* the node number is a virtual one */
/* ` } */

/*
 * ` XENMEM_exchange trades frames for others: contiguous ones, or ones with small machine addresses.
 * `
 * `   in.extent_start  the first mfn of each extent given
 * `   out.extent_start the first pfn of each extent wanted, replaced by its first mfn.  The M2P is set
 * `   nr_exchanged     0 before the call; after it the number of extents of in that have been traded
 * `
 * ` Result 0, or an error; what nr_exchanged counts is done even then.  In the order of the checks:
 * `   -EFAULT  the structure cannot be read
 * `   -EPERM   extents larger than the caller may ask for
 * `   -EINVAL  in and out differ in size or in domid; nr_exchanged makes no sense
 * `   -EFAULT  an array does not lie in guest memory
 * `   -ESRCH   a domain other than the caller, which may name itself by number, too
 * `   -ENOMEM  no such frames to be had
 * `   -EFAULT  an array, or the structure, cannot be read or written
 * `   -EINVAL  a frame is not the guest's, or is mapped, pinned or otherwise in use
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
 * ` XENMEM_current_reservation: the number of frames that the domain has.  XENMEM_maximum_reservation: the
 * ` number that it may have.  XENMEM_maximum_gpfn: the highest pfn that it uses.  XENMEM_maximum_ram_page: a
 * ` number that is above the mfn of all RAM of the machine; it cannot fail.
 */
struct xen_memory_domain {
    uint16_t domid; /* => enum domid */
};

/*
 * ` XENMEM_machphys_mapping: where the M2P lies in the caller's address space.  A guest that gets an error may
 * ` assume the addresses of [layout].
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
 * ` for tools that map the M2P of the whole machine.  XENMEM_machphys_compat_mfn_list gives those of the M2P of
 * ` 32-bit guests.
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
 * ` from the firmware of a bare machine.  It describes all of 0 to nr_pages frames as RAM.  -ENOSYS if the guest
 * ` has been given none; it may then assume one area of RAM.
 * ` XENMEM_machine_memory_map: the map of the machine, in machine addresses; for the initial domain, others
 * ` get -EPERM.
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
 * ` XENMEM_set_memory_map: give a domain its map, before it runs.
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
 * ` XENMEM_add_to_physmap and XENMEM_remove_from_physmap change the P2M that the hypervisor keeps for guests
 * ` without direct paging.  A PV guest keeps its own, and gets an error.
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
