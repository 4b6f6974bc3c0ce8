/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: how a domain lets another one use a frame of it.
 */
#ifndef ABI_GRANT_H
#define ABI_GRANT_H

#include "types.h"

/*
 * `incontents 520 grant_table Grant tables
 * `
 * ` A domain's grant table is an array of grant_entry_v1, 512 to a page, in frames of the hypervisor that
 * ` GNTTABOP_setup_table names and the guest maps writable.  A grant reference is an index into it. {table}
 * `
 * ` To grant, write domid and frame, then, last, flags with GTF_permit_access. {grant}
 * ` To take a grant back, replace flags by 0 in one atomic step (compare and exchange), while GTF_reading and
 * ` GTF_writing are clear; they are set by the hypervisor as long as the frame is mapped. {in-use}
 * `
 * ` Entries 0 to 7 are set aside, enum reserved_grants; in a new guest GNTTAB_RESERVED_CONSOLE and
 * ` GNTTAB_RESERVED_XENSTORE grant the two ring pages to the domain at their other end. {reserved}
 * `
 * ` What is lent in this way: the rings of [blkif] and [netif], and those of [9pfs].
 */
typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t;

struct grant_entry_v1 {
    uint16_t flags; /* => enum grant_flags */
    uint16_t domid; /* who may use the frame; => enum domid */
    uint32_t frame; /* machine frame; for GTF_accept_transfer a pfn before and the machine frame after */
};

/* ` enum reserved_grants { */
#define GNTTAB_NR_RESERVED_ENTRIES      8
#define GNTTAB_RESERVED_CONSOLE         0
#define GNTTAB_RESERVED_XENSTORE        1
/* ` } */

/* ` enum grant_flags { */
#define GTF_invalid             (0U << 0) /* types, bits 0-1: no grant */
#define GTF_permit_access       (1U << 0) /* the frame may be mapped and copied */
#define GTF_accept_transfer     (2U << 0) /* a frame may be given to this domain */
#define GTF_type_mask           (3U << 0)
#define GTF_readonly            (1U << 2) /* permit_access: read only */
#define GTF_reading             (1U << 3) /* permit_access, by the hypervisor: in use */
#define GTF_writing             (1U << 4) /* permit_access, by the hypervisor: in use, writable */
#define GTF_PWT                 (1U << 5) /* permit_access: cache bits of each mapping; not looked at */
#define GTF_PCD                 (1U << 6)
#define GTF_PAT                 (1U << 7)
#define GTF_transfer_committed  (1U << 2) /* accept_transfer, by the hypervisor: will be done */
#define GTF_transfer_completed  (1U << 3) /* accept_transfer, by the hypervisor: frame is valid */
/* ` } */

/*
 * `incontents 530 grant_table_op Using grants: grant_table_op
 * `
 * ` long
 * ` HYPERVISOR_grant_table_op(enum grant_table_cmd cmd, void *uop, unsigned int count)
 * `
 * ` @cmd: What to do.
 * ` @uop: An array of the structure that goes with the command.
 * ` @count: Number of elements.  Commands other than map, unmap, transfer, copy and swap take one; set_version,
 * `         get_version and cache_flush do not look at it.
 * `
 * ` The call gives 0 when it could look at each element; how an element fared stands in its status. {statuses}
 * `
 * ` Errors of the call, in the order of the checks:
 * `   -EINVAL  @count is negative as an int {negative} {ELEMENT_COUNT}
 * `   -ENOSYS  unknown command, or grants are not offered: then Linux does without {unknown-command} {UNKNOWN_COMMAND}
 * `   -EINVAL  @count is not 1 where one element is taken {one-element} {ELEMENT_COUNT}
 * `   -EFAULT  an element cannot be read or written; those before it are done {unreadable} {GUEST_FAULT}
 * `
 * ` GNTTABOP_map_grant_ref: map a granted frame, see [grant_table].  With GNTMAP_host_map at host_addr, a virtual
 * ` address, {map}
 * ` or with GNTMAP_contains_pte the machine address of an L1 entry. {map-entry}
 * ` This is the only way to write an entry that maps a frame of another domain, see [pte].  Such an entry is replaced
 * ` like any other, but it can be given no other rights. {map-rights}
 * ` While there is a mapping the entry of the table says so, and its frame stays what it was when the first one was
 * ` made. {map-in-use}
 * `   GNTST_bad_gntref  neither GNTMAP_host_map nor GNTMAP_device_map {map-flags} {GRANT_FLAGS}
 * `   GNTST_bad_domain  no such domain, or DOMID_SELF {map-domain} {NO_SUCH_DOMAIN}
 * `   GNTST_no_space  too many mappings {map-full} {GRANT_HANDLES_EXHAUSTED}
 * `   GNTST_bad_domain  one of the two is being torn down {map-dying} {DYING}
 * `   GNTST_bad_gntref  beyond the table {map-reference} {GRANT_REFERENCE}
 * `   GNTST_general_error  not granted to the caller, or not so; in use otherwise {map-not-granted}
 * `            {GRANT_ENTRY GRANT_IN_USE}
 * `   GNTST_bad_page  the frame is not the granter's, or has more references than can be counted {map-frame}
 * `            {GRANT_FRAME REFERENCES_EXHAUSTED}
 * `   GNTST_general_error  a table is to be written, or there are as many uses as can be counted {map-table}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `   GNTST_general_error  only a part of the page is granted {map-part} {GRANT_PART}
 * `   GNTST_general_error  host_addr leads to no L1 entry of the caller's {map-nowhere} {NO_L1_ENTRY}
 * `   GNTST_general_error  there are as many references as can be counted {map-references}
 * `            {REFERENCES_EXHAUSTED}
 * ` GNTTABOP_unmap_grant_ref: undo that, for the guest where host_addr is given, for devices where dev_bus_addr
 * ` is. {unmap}
 * `   GNTST_general_error  the domain is being torn down {unmap-dying} {DYING}
 * `   GNTST_bad_handle  no such mapping {unmap-handle} {GRANT_HANDLE}
 * `   GNTST_bad_dev_addr  not that of the mapping {unmap-device} {GRANT_NOT_THERE}
 * `   GNTST_general_error  host_addr does not lead to the entry that the mapping has made {unmap-elsewhere}
 * `            {NO_L1_ENTRY GRANT_NOT_THERE}
 * ` GNTTABOP_unmap_and_replace: the same, and the entry then maps what new_addr did, whose own entry is
 * ` cleared. {replace}
 * ` GNTTABOP_setup_table: make the table at least nr_frames pages long, and list its frames. {setup}
 * `   GNTST_bad_domain  another domain than the caller {setup-domain} {NO_SUCH_DOMAIN}
 * `   GNTST_general_error  more frames than allowed, or than there is memory for; the domain is being torn
 * `            down {setup-frames} {TABLE_LIMIT NO_MEMORY DYING}
 * `   GNTST_bad_virt_addr  the list cannot be written {setup-list} {GUEST_FAULT}
 * ` GNTTABOP_query_size: how many frames the table has and may have. {query}
 * `   GNTST_bad_domain  another domain than the caller {query-domain} {NO_SUCH_DOMAIN}
 * ` GNTTABOP_transfer: give a frame away, to a domain that accepts it with GTF_accept_transfer.  Paravane refuses each
 * ` of them. {transfer}
 * `   GNTST_bad_domain  to another domain {transfer-domain} {NO_SUCH_DOMAIN}
 * `   GNTST_general_error  to oneself {transfer-self}
 * ` GNTTABOP_copy: copy bytes from one page to another, each either granted or the caller's own. {copy}
 * ` A granted page is its granter's, which may be the caller itself; one that is named by frame is the caller's own
 * ` and called DOMID_SELF. {copy-pages}
 * `   GNTST_bad_domain  no such granter, or one that is being torn down {copy-no-domain} {NO_SUCH_DOMAIN DYING}
 * `   GNTST_bad_gntref  beyond the table {copy-reference} {GRANT_REFERENCE}
 * `   GNTST_general_error  not granted, or not so {copy-not-granted} {GRANT_ENTRY GRANT_IN_USE}
 * `   GNTST_permission_denied  a frame of another domain, or of the caller by its number {copy-domain} {NOT_PRIVILEGED}
 * `   GNTST_bad_page  a frame that is not that domain's, or has more references than can be counted {copy-frame}
 * `            {GRANT_FRAME REFERENCES_EXHAUSTED}
 * `   GNTST_general_error  a page is written that is used as something else, such as a table {copy-table}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `   GNTST_bad_copy_arg  over the end of a page {copy-end} {GRANT_COPY}
 * `   GNTST_general_error  over the end of the part of it that is granted {copy-part} {GRANT_COPY}
 * ` GNTTABOP_swap_grant_ref: exchange two entries of the caller's table. {swap}
 * `   GNTST_general_error  the domain is being torn down {swap-dying} {DYING}
 * `   GNTST_bad_gntref  one lies beyond the table {swap-reference} {GRANT_REFERENCE}
 * `   GNTST_eagain  one is in use {swap-in-use} {GRANT_IN_USE}
 * ` GNTTABOP_dump_table: print the table to the hypervisor's console; optional, and -ENOSYS here. {dump}
 * ` GNTTABOP_set_version: choose the form of the entries; the result tells the one in force, on errors as
 * ` well. {set-version}
 * `   -EINVAL  neither 1 nor 2 {no-version} {GRANT_VERSION}
 * `   -ESRCH   the domain is being torn down {version-dying} {DYING}
 * `   -EINVAL  the domain has no table {version-without-table} {GRANT_VERSION}
 * `   -EBUSY   entries are in use, or the caller maps a status frame {version-in-use} {GRANT_IN_USE}
 * `   -ENOMEM  no memory for the status frames of version 2 {version-no-memory} {NO_MEMORY}
 * ` GNTTABOP_get_version: the one in force. {get-version}
 * `   -ESRCH   another domain than the caller {get-version-domain} {NO_SUCH_DOMAIN}
 * ` GNTTABOP_get_status_frames: list the frames of statuses; for version 2 only. {status-frames}
 * `   GNTST_bad_domain  another domain than the caller {status-domain} {NO_SUCH_DOMAIN}
 * `   GNTST_general_error  version 1, or more than there are {status-number} {GRANT_VERSION TABLE_LIMIT}
 * `   GNTST_bad_virt_addr  the list cannot be written {status-list} {GUEST_FAULT}
 * ` GNTTABOP_cache_flush: for other processors; never of use here.
 * `   -EINVAL  its argument can be read {cache-flush} {UNKNOWN_COMMAND}
 */
/* ` enum grant_table_cmd { // GNTTABOP_* => struct gnttab_* */
#define GNTTABOP_map_grant_ref           0
#define GNTTABOP_unmap_grant_ref         1
#define GNTTABOP_setup_table             2
#define GNTTABOP_dump_table              3
#define GNTTABOP_transfer                4
#define GNTTABOP_copy                    5
#define GNTTABOP_query_size              6
#define GNTTABOP_unmap_and_replace       7
#define GNTTABOP_set_version             8
#define GNTTABOP_get_status_frames       9
#define GNTTABOP_get_version            10
#define GNTTABOP_swap_grant_ref         11
#define GNTTABOP_cache_flush            12 /* for other processors: -EINVAL; => nothing */
/* ` } */

/*
 * The same in both widths, unless a compat_ structure follows.
 */
struct gnttab_map_grant_ref {
    uint64_t host_addr; /* where to map it, see the call */
    uint32_t flags;     /* => enum grant_map_flags */
    grant_ref_t ref;
    uint16_t dom;          /* whose reference; => enum domid */
    int16_t status;        /* result: => enum grant_status */
    grant_handle_t handle; /* result: names the mapping */
    uint64_t dev_bus_addr; /* result: machine address of the frame */
};

/* ` enum grant_map_flags { */
#define GNTMAP_device_map       (1 << 0) /* for devices: dev_bus_addr is meant */
#define GNTMAP_host_map         (1 << 1) /* for the guest: host_addr is meant */
#define GNTMAP_readonly         (1 << 2)
#define GNTMAP_application_map  (1 << 3) /* user mode may use it */
#define GNTMAP_contains_pte     (1 << 4) /* host_addr is the machine address of an L1 entry */
#define GNTMAP_guest_avail_mask 0xffff0000U /* bits for the entry's bits 9 to 11, from bit 16 on */
/* ` } */

struct gnttab_unmap_grant_ref {
    uint64_t host_addr;    /* as when mapped, or 0 */
    uint64_t dev_bus_addr; /* as when mapped, or 0 */
    grant_handle_t handle;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap0;
};

struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr; /* virtual address of the mapping that moves */
    grant_handle_t handle;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap0;
};

struct gnttab_setup_table {
    uint16_t dom; /* => enum domid */
    uint16_t _gap0;
    uint32_t nr_frames;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap1[3];
    uint64_t frame_list; /* address of an array of nr_frames xen_pfn_t, receives machine frames */
};

struct compat_gnttab_setup_table {
    uint16_t dom; /* => enum domid */
    uint16_t _gap0;
    uint32_t nr_frames;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap1;
    uint32_t frame_list; /* address of an array of nr_frames compat_pfn_t */
};

struct gnttab_dump_table {
    uint16_t dom;   /* => enum domid */
    int16_t status; /* result: => enum grant_status */
};

struct gnttab_transfer {
    xen_pfn_t mfn;  /* the frame to give away */
    uint16_t domid; /* to whom; => enum domid */
    uint16_t _gap0;
    grant_ref_t ref; /* the entry of that domain that accepts it */
    int16_t status;  /* result: => enum grant_status */
    uint16_t _gap1[3];
};

struct compat_gnttab_transfer {
    compat_pfn_t mfn;
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    grant_ref_t ref;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap1;
};

/*
 * One side of a copy, and the copy.  Neither side may cross the end of its page.
 */
struct gnttab_copy_ptr {
    union {
        grant_ref_t ref; /* a reference of domid, if flags says so */
        xen_pfn_t gmfn;  /* else a frame of the caller, which domid must name then */
    } u;
    uint16_t domid;  /* => enum domid */
    uint16_t offset; /* of the first byte in the page */
    uint32_t _gap0;
};

struct gnttab_copy {
    struct gnttab_copy_ptr source;
    struct gnttab_copy_ptr dest;
    uint16_t len;   /* bytes */
    uint16_t flags; /* => enum grant_copy_flags */
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap0;
};

struct compat_gnttab_copy_ptr {
    union {
        grant_ref_t ref;
        compat_pfn_t gmfn;
    } u;
    uint16_t domid; /* => enum domid */
    uint16_t offset;
};

struct compat_gnttab_copy {
    struct compat_gnttab_copy_ptr source;
    struct compat_gnttab_copy_ptr dest;
    uint16_t len;
    uint16_t flags; /* => enum grant_copy_flags */
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap0;
};

/* ` enum grant_copy_flags { */
#define GNTCOPY_source_gref     (1 << 0) /* source.u is a reference */
#define GNTCOPY_dest_gref       (1 << 1) /* dest.u is a reference */
/* ` } */

struct gnttab_query_size {
    uint16_t dom; /* => enum domid */
    uint16_t _gap0;
    uint32_t nr_frames;     /* result */
    uint32_t max_nr_frames; /* result */
    int16_t status;         /* result: => enum grant_status */
    uint16_t _gap1;
};

struct gnttab_set_version {
    uint32_t version; /* wished for; result: in force */
};

struct gnttab_get_status_frames {
    uint32_t nr_frames;
    uint16_t dom;        /* => enum domid */
    int16_t status;      /* result: => enum grant_status */
    uint64_t frame_list; /* address of an array of nr_frames uint64_t, receives machine frames */
};

struct compat_gnttab_get_status_frames {
    uint32_t nr_frames;
    uint16_t dom;        /* => enum domid */
    int16_t status;      /* result: => enum grant_status */
    uint32_t frame_list; /* address of an array of nr_frames uint64_t */
};

struct gnttab_get_version {
    uint16_t dom; /* => enum domid */
    uint16_t pad;
    uint32_t version; /* result */
};

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    int16_t status; /* result: => enum grant_status */
    uint16_t _gap0;
};

/* ` enum grant_status { */
#define GNTST_okay              (0)
#define GNTST_general_error     (-1)  /* none of the below */
#define GNTST_bad_domain        (-2)  /* no such domain */
#define GNTST_bad_gntref        (-3)  /* no such reference, or not granted so */
#define GNTST_bad_handle        (-4)  /* no such mapping */
#define GNTST_bad_virt_addr     (-5)  /* host_addr cannot be mapped */
#define GNTST_bad_dev_addr      (-6)  /* dev_bus_addr is not that of the mapping */
#define GNTST_no_device_space   (-7)  /* devices cannot be given access */
#define GNTST_permission_denied (-8)  /* not for this caller */
#define GNTST_bad_page          (-9)  /* the frame cannot be granted or given away */
#define GNTST_bad_copy_arg      (-10) /* a copy that crosses the end of a page */
#define GNTST_address_too_big   (-11) /* the frame number does not fit the receiver */
#define GNTST_eagain            (-12) /* not now: ask again */
#define GNTST_no_space          (-13) /* no free handle */
/* ` } */

#endif /* ABI_GRANT_H */
