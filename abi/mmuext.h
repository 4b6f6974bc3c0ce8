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
 * ` @uops: The operations, carried out in order; the first that fails ends the call.
 * ` @count: Number of operations, as in [mmu_update].
 * ` @pdone: Receives the number of operations carried out, as done_out in [mmu_update], but is left alone
 * `         where the call itself is refused.
 * ` @foreigndom: Owner of the frames named by the operations, see [domid]: DOMID_SELF, or a domain that the
 * `              caller may control.  An operation where it counts says so.
 * `
 * ` Errors of the call, in the order of the checks: -EFAULT @uops does not lie in guest memory; -ESRCH no
 * ` such domain; -EPERM no right to it.  Errors of one operation stand with it below; an unknown command
 * ` gives -ENOSYS, an operation that cannot be read -EFAULT.
 * `
 * ` cmd: MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` The frame, and all that it refers to, is checked as a table of that level, and stays one until it is
 * ` unpinned, whether in use or not; loading it later as a base pointer is then cheap.  At that moment it
 * ` must not be mapped writable anywhere.  Pin late, after the table has been filled through an ordinary
 * ` writable mapping; unpin early, before it is taken apart.  The top level is L4 in a 64-bit guest and L3
 * ` in a 32-bit one, where MMUEXT_PIN_L4_TABLE is ignored and the L3 must have its slot 3 present, or the
 * ` result is -EINVAL.
 * `   -EINVAL: no such frame, or another owner; used or mapped in a way that excludes this type; pinned
 * `   already.  Otherwise the first error of [pte] met in the tables, such as -EBUSY where they map a page
 * `   table writable.  -ERANGE: a 32-bit L3 at 4 GiB or above without VMASST_TYPE_pae_extended_cr3.
 * `
 * ` cmd: MMUEXT_UNPIN_TABLE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` Takes the pin back.  The frame stays a table as long as something else refers to it as one.
 * `   -EINVAL: no such frame, another owner, or not pinned.
 * `
 * ` cmd: MMUEXT_NEW_BASEPTR
 * `   mfn: top-level table to run on; in a 64-bit guest, that of kernel mode.
 * ` What writing cr3 does on bare hardware, TLB flush included.  The frame need not be pinned; if it is not
 * ` a top-level table yet it is checked as one.  The table loaded before is released.
 * `   0: also if the table is loaded already.  -EPERM: @foreigndom is not the caller.  -EINVAL, or an error
 * `   of [pte]: not acceptable as a table; the old one stays loaded.
 * `
 * ` cmd: MMUEXT_NEW_USER_BASEPTR, 64-bit guests only
 * `   mfn: L4 to run user mode on; 0 for none, and then a return to user mode destroys the domain.
 * ` It may be the kernel's own L4.  Takes effect at the next return to user mode.
 * `   0: also if the table is loaded already.  -EPERM: @foreigndom is not the caller.  -EINVAL: a 32-bit guest.
 * `   -EINVAL, or an error of [pte]: not acceptable as a table; the old one stays loaded.
 * `
 * ` cmd: MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_ALL
 * ` Flush the TLB of the calling vCPU, of all vCPUs.  Global entries go too.  Of the flushes, this one and
 * ` those below, each gives -EPERM if @foreigndom is not the caller, before any other error.
 * `
 * ` cmd: MMUEXT_TLB_FLUSH_MULTI
 * `   vcpumask: virtual address of a bitmap of vCPUs, laid out as in [update_va_mapping].
 * ` Flush the TLBs of these vCPUs.  Bits of vCPUs that do not exist are ignored.
 * `   -EINVAL: the bitmap cannot be read.
 * `
 * ` cmd: MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL
 * `   linear_addr: a virtual address.
 * ` Flush the entry for one address on the calling vCPU, on all vCPUs.  An address that a guest cannot map
 * ` is ignored.
 * `
 * ` cmd: MMUEXT_INVLPG_MULTI
 * `   linear_addr: a virtual address.
 * `   vcpumask: as for MMUEXT_TLB_FLUSH_MULTI.
 * ` Flush the entry for one address on these vCPUs.
 * `   -EINVAL: the bitmap cannot be read.
 * `
 * ` cmd: MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL
 * ` Write back and empty the caches of the processor, of all processors.  Only for domains with device
 * ` memory.
 * `   -EACCES (MMUEXT_FLUSH_CACHE), -EINVAL (MMUEXT_FLUSH_CACHE_GLOBAL): the domain has none.
 * `
 * ` cmd: MMUEXT_SET_LDT
 * `   linear_addr: virtual address of the table, a multiple of the page size.
 * `   nr_ents: number of descriptors, 0 to 8192; 0 means no LDT.
 * ` Loads the local descriptor table, which may be up to 16 pages long; that many descriptors are its limit
 * ` for the processor, too.  Its pages are not looked at now:
 * ` each is checked, and from then on must not be mapped writable, when the processor first needs a
 * ` descriptor in it.  If one then fails the check, the guest gets a page fault at its own address of the
 * ` descriptor.  See [segdesc] for what a descriptor may say.
 * `   -EPERM: @foreigndom is not the caller.  -EINVAL: more than 8192 descriptors, or an address that is
 * `   not page aligned, not canonical or the hypervisor's.
 * `
 * ` cmd: MMUEXT_CLEAR_PAGE
 * `   mfn: a frame of the domain in @foreigndom.
 * ` Fills the frame with zeroes.
 * `   -EINVAL: no such frame, another owner, or the frame cannot be written at present.
 * `
 * ` cmd: MMUEXT_COPY_PAGE
 * `   mfn: destination, a frame of the domain in @foreigndom.
 * `   src_mfn: source, a frame of the same domain.
 * ` Copies one frame.
 * `   -EINVAL: as for MMUEXT_CLEAR_PAGE, for either frame.
 * `
 * ` cmd: MMUEXT_MARK_SUPER, MMUEXT_UNMARK_SUPER
 * ` Withdrawn.  Both give -EOPNOTSUPP.
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
