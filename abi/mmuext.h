/* SPDX-License-Identifier: MIT */
/*
 * What a guest kernel cannot do for itself beside changing entries: pin tables, load base pointers, flush
 * TLBs and caches, load the LDT, clear and copy frames.
 */
#ifndef ABI_MMUEXT_H
#define ABI_MMUEXT_H

#include "types.h"

/*
 * `incontents 130 mmuext_op Pinning, base pointers, flushes, LDT: mmuext_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_mmuext_op(struct mmuext_op uops[],
 * `                      unsigned int count,
 * `                      unsigned int *pdone,
 * `                      enum domid foreigndom)
 * `
 * ` @uops: The operations, carried out in order; the first that fails ends the call. {order}
 * ` @count: Number of operations, as in [mmu_update]. {count}
 * ` @pdone: Receives the number of operations carried out, as done_out in [mmu_update], but is left alone
 * `         where the call itself is refused. {done}
 * ` @foreigndom: Owner of the frames named by the operations, see [domid]: DOMID_SELF, or a domain that the
 * `              caller may control.  An operation where it counts says so. {foreign}
 * `
 * ` Errors of the call, in the order of the checks:
 * `   -EFAULT  @uops does not lie in guest memory {uops-nowhere} {GUEST_ADDRESS}
 * `   -ESRCH   no such domain, or the caller's own number {no-domain} {NO_SUCH_DOMAIN}
 * `   -EPERM   no right to it {no-right} {NOT_PRIVILEGED}
 * ` Errors of one operation, in the order of the checks; others stand with it below:
 * `   -ESRCH   the domain is being torn down {dying} {DYING}
 * `   -EFAULT  the operation cannot be read {unreadable} {GUEST_FAULT}
 * `   -ENOSYS  unknown command {unknown-command} {UNKNOWN_COMMAND}
 * `   -EPERM   a base pointer, a flush of TLBs or caches, the LDT: @foreigndom is not the caller {own-only}
 * `            {NOT_PRIVILEGED}
 * `
 * ` cmd: MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` The frame, and all that it refers to, is checked as a table of that level, {pin}
 * ` and stays one until it is unpinned, whether in use or not; {pin-stays}
 * ` loading it later as a base pointer is then cheap. {pin-cheap}
 * ` At that moment it must not be mapped writable anywhere. {pin-not-writable}
 * ` Pin late, after the table has been filled through an ordinary writable mapping; unpin early, before it is taken
 * ` apart. {pin-late}
 * ` The top level is L4 in a 64-bit guest and L3 in a 32-bit one, where MMUEXT_PIN_L4_TABLE is ignored. {pin-l4-32}
 * ` An L2 that serves in slot 3 of a 32-bit guest's L3 is no ordinary one: it serves one L3 only, and is not pinned by
 * ` itself. {pin-top-l2}
 * `   -EINVAL  no such frame, or another owner {pin-not-owned} {NOT_OWNED}
 * `   -EINVAL  used or mapped in a way that excludes this type, or more references than can be counted {pin-conflict}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION REFERENCES_EXHAUSTED TYPE_COUNT_EXHAUSTED}
 * `   -ERANGE  a 32-bit L3 at 4 GiB or above without VMASST_TYPE_pae_extended_cr3 {pin-above-4g} {ROOT_ABOVE_4G}
 * `   -EINVAL  a 32-bit L3 without slot 3 {pin-slot-missing} {SLOT_MISSING}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES  the first error of [pte] met in the tables, such as -EBUSY where they map a
 * `            page table writable {pin-bad-entry}
 * `            {L1TF BAD_FLAGS CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM NO_SUCH_FRAME NOT_OWNED REFERENCES_EXHAUSTED}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED SELF_MAP TABLE_SHARED LINEAR_WRITABLE}
 * `            {LINEAR_CHAIN}
 * `   -EINVAL  pinned already {pin-twice} {ALREADY_PINNED}
 * `
 * ` cmd: MMUEXT_UNPIN_TABLE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` Takes the pin back. {unpin}
 * ` The frame stays a table as long as something else refers to it as one. {unpin-in-use}
 * `   -EINVAL  no such frame, or another owner {unpin-not-owned} {NOT_OWNED}
 * `   -EINVAL  not pinned {unpin-not-pinned} {NOT_PINNED}
 * `
 * ` cmd: MMUEXT_NEW_BASEPTR
 * `   mfn: top-level table to run on; in a 64-bit guest, that of kernel mode.
 * ` What writing cr3 does on bare hardware, TLB flush included. {baseptr}
 * ` The frame need not be pinned; if it is not a top-level table yet it is checked as one. {baseptr-unpinned}
 * ` The table loaded before is released. {baseptr-released}
 * ` To load the table that is loaded already gives 0. {baseptr-same}
 * `   -EINVAL  no such frame, or another owner {baseptr-not-owned} {NOT_OWNED}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES, -ERANGE  not acceptable as a table, as for pinning; the old one stays loaded
 * `            {baseptr-refused} {TYPE_CONFLICT TYPE_UNDER_CONVERSION REFERENCES_EXHAUSTED TYPE_COUNT_EXHAUSTED}
 * `            {ROOT_ABOVE_4G SLOT_MISSING L1TF BAD_FLAGS CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM NO_SUCH_FRAME}
 * `            {NOT_OWNED SELF_MAP TABLE_SHARED LINEAR_WRITABLE LINEAR_CHAIN}
 * `
 * ` cmd: MMUEXT_NEW_USER_BASEPTR, 64-bit guests only
 * `   mfn: L4 to run user mode on; 0 for none, and then a return to user mode destroys the domain. {user-none}
 * ` It may be the kernel's own L4. {user-kernels}
 * ` Takes effect at the next return to user mode. {user-later}
 * ` What the TLB has of the table loaded before is forgotten, global entries too. {user-flush}
 * ` To load the table that is loaded already gives 0. {user-same}
 * `   -EINVAL  a 32-bit guest {user-32} {WIDTH}
 * `   -EINVAL  no such frame, or another owner {user-not-owned} {NOT_OWNED}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES  not acceptable as a table, as for pinning; the old one stays loaded
 * `            {user-refused} {TYPE_CONFLICT TYPE_UNDER_CONVERSION REFERENCES_EXHAUSTED TYPE_COUNT_EXHAUSTED}
 * `            {L1TF BAD_FLAGS CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM NO_SUCH_FRAME NOT_OWNED SELF_MAP}
 * `            {LINEAR_WRITABLE LINEAR_CHAIN}
 * `
 * ` cmd: MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_ALL
 * ` Flush the TLB of the calling vCPU, of all vCPUs. {flush-all}
 * ` Global entries go too. {flush-global}
 * `
 * ` cmd: MMUEXT_TLB_FLUSH_MULTI
 * `   vcpumask: virtual address of a bitmap of vCPUs, laid out as in [update_va_mapping].
 * ` Flush the TLBs of these vCPUs.  Bits of vCPUs that do not exist are ignored. {flush-multi}
 * `   -EINVAL  the bitmap cannot be read {flush-mask} {VCPU_MASK}
 * `
 * ` cmd: MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL
 * `   linear_addr: a virtual address.
 * ` Flush the entry for one address on the calling vCPU, on all vCPUs. {invlpg}
 * ` An address that a guest cannot map is ignored. {invlpg-nowhere}
 * `
 * ` cmd: MMUEXT_INVLPG_MULTI
 * `   linear_addr: a virtual address.
 * `   vcpumask: as for MMUEXT_TLB_FLUSH_MULTI.
 * ` Flush the entry for one address on these vCPUs. {invlpg-multi}
 * `   -EINVAL  the bitmap cannot be read {invlpg-mask} {VCPU_MASK}
 * `
 * ` cmd: MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL
 * ` Write back and empty the caches of the domain's processors, of all processors.  Only for domains with device
 * ` memory. {flush-cache}
 * `   -EACCES  (MMUEXT_FLUSH_CACHE) the domain has none {flush-cache-refused} {CACHE_RIGHTS}
 * `   -EINVAL  (MMUEXT_FLUSH_CACHE_GLOBAL) the domain has none {flush-cache-global-refused} {CACHE_RIGHTS}
 * `
 * ` cmd: MMUEXT_SET_LDT
 * `   linear_addr: virtual address of the table, a multiple of the page size.
 * `   nr_ents: number of descriptors, 0 to 8192; 0 means no LDT. {ldt-none}
 * ` Loads the local descriptor table, which may be up to 16 pages long; that many descriptors are its limit
 * ` for the processor, too. {ldt}
 * ` Its pages are not looked at now: each is checked, and from then on must not be mapped writable, when the processor
 * ` first needs a descriptor in it. {ldt-on-demand}
 * ` If one then fails the check, the guest gets a page fault at its own address of the descriptor. {ldt-fault}
 * ` A new base pointer, and a new LDT, let go of the pages; they are found anew when they are needed. {ldt-dropped}
 * ` See [segdesc] for what a descriptor may say.
 * `   -EINVAL  more than 8192 descriptors {ldt-limit} {TABLE_LIMIT}
 * `   -EINVAL  an address that is not page aligned {ldt-misaligned} {MISALIGNED}
 * `   -EINVAL  an address that is not canonical or is the hypervisor's {ldt-nowhere} {NOT_CANONICAL}
 * `
 * ` cmd: MMUEXT_CLEAR_PAGE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` Fills the frame with zeroes. {clear}
 * `   -EINVAL  no such frame, or another owner, or more references than can be counted {clear-not-owned}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED}
 * `   -EINVAL  the frame cannot be written at present {clear-in-use}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `
 * ` cmd: MMUEXT_COPY_PAGE
 * `   mfn: destination, a frame of the domain in @foreigndom.
 * `   src_mfn: source, a frame of the same domain.
 * ` Copies one frame.  The source may be in use as anything. {copy}
 * `   -EINVAL  the same of either frame, the source first {copy-not-owned}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED}
 * `   -EINVAL  the destination cannot be written at present {copy-in-use}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `
 * ` cmd: MMUEXT_MARK_SUPER, MMUEXT_UNMARK_SUPER
 * ` Withdrawn.
 * `   -EOPNOTSUPP  always {superpages} {SUPERPAGE}
 */
/* ` enum mmuext_cmd { // MMUEXT_* => struct mmuext_op */
#define MMUEXT_PIN_L1_TABLE              0
#define MMUEXT_PIN_L2_TABLE              1
#define MMUEXT_PIN_L3_TABLE              2
#define MMUEXT_PIN_L4_TABLE              3
#define MMUEXT_UNPIN_TABLE               4
#define MMUEXT_NEW_BASEPTR               5
#define MMUEXT_TLB_FLUSH_LOCAL           6
#define MMUEXT_INVLPG_LOCAL              7
#define MMUEXT_TLB_FLUSH_MULTI           8
#define MMUEXT_INVLPG_MULTI              9
#define MMUEXT_TLB_FLUSH_ALL            10
#define MMUEXT_INVLPG_ALL               11
#define MMUEXT_FLUSH_CACHE              12
#define MMUEXT_SET_LDT                  13
#define MMUEXT_NEW_USER_BASEPTR         15
#define MMUEXT_CLEAR_PAGE               16
#define MMUEXT_COPY_PAGE                17
#define MMUEXT_FLUSH_CACHE_GLOBAL       18
#define MMUEXT_MARK_SUPER               19
#define MMUEXT_UNMARK_SUPER             20
/* ` } */

struct mmuext_op {
    uint32_t cmd; /* => enum mmuext_cmd */
    uint32_t _gap0;
    union {
        xen_pfn_t mfn;        /* PIN_*, UNPIN_TABLE, NEW_*BASEPTR, CLEAR_PAGE, COPY_PAGE */
        uint64_t linear_addr; /* INVLPG_*, SET_LDT */
    } arg1;
    union {
        uint32_t nr_ents;  /* SET_LDT */
        uint64_t vcpumask; /* TLB_FLUSH_MULTI, INVLPG_MULTI: address of a bitmap */
        xen_pfn_t src_mfn; /* COPY_PAGE */
    } arg2;
};

struct compat_mmuext_op {
    uint32_t cmd; /* => enum mmuext_cmd */
    union {
        compat_pfn_t mfn;
        uint32_t linear_addr;
    } arg1;
    union {
        uint32_t nr_ents;
        uint32_t vcpumask;
        compat_pfn_t src_mfn;
    } arg2;
};

#endif /* ABI_MMUEXT_H */
