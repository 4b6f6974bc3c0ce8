/* SPDX-License-Identifier: MIT */
/*
 * Direct paging as a guest sees it: the rules of page-table entries, the calls that change entries, and the
 * numbers that name domains.  Pinning, base pointers and flushes are in mmuext.h.
 */
#ifndef ABI_MMU_H
#define ABI_MMU_H

#include "mmuext.h"
#include "types.h"

/*
 * `incontents 90 types What a frame is in use as
 * `
 * ` The tables of a guest are the ones that the processor walks: there are no others behind them. {no-shadow}
 * ` So each change of them goes through the hypervisor, which accepts what leaves these true:
 * `   1. no mapping of a page table or of a part of a GDT or LDT can be written through {no-writable-table}
 * `   2. nothing of the hypervisor's is mapped but what [layout] says, and no slot of its own is written {hypervisor}
 * `   3. a guest maps its own frames, and others only with a right to them {own-frames}
 * `
 * ` For that it knows at each moment what each frame is in use as.  That is one of: L1, L2, L3 or L4 table in a
 * ` 64-bit guest; L1, L2 or L3 table, or the L2 with the hypervisor's slots, in a 32-bit one; part of a GDT or LDT;
 * ` writable memory; nothing. {one-use}
 * ` The uses are counted: each entry that maps the frame writable is one, each entry that leads to the table, each base
 * ` pointer and pin of it, each descriptor table that it is part of. {counted}
 * ` What it is in use as changes only while that count is 0; {changes-unused}
 * ` before it becomes a table or part of a GDT or LDT all of it is checked, tables below included. {checked}
 * ` While that goes on, who needs it as the same thing waits, and who needs it as another is refused at once.
 * ` {converting}
 * ` What processors still remember of a use that has ended is flushed before another one begins. {flushed}
 * ` That a frame can be read, and is mapped read-only, does not matter to any of this.
 */

/*
 * `incontents 100 pte What a page-table entry may hold
 * `
 * ` What the frames that entries name are in use as stands in [types].
 * `
 * ` Entries hold machine frame numbers (mfn), never the guest's own pseudo-physical ones (pfn). {machine-frames}
 * ` A guest turns a pfn into an mfn with its own table (P2M) and an mfn back into a pfn with the one of the
 * ` hypervisor (M2P), see [layout].
 * `
 * ` An entry without the present bit may hold anything, unless the processor has the L1TF flaw (XSA-273). {absent}
 * ` Such a processor reads what an entry names even where it is not present.  There the frame number of an absent
 * ` entry is 0, with whatever flags, or above the end of the machine's RAM, and PSE is clear in L2 to L4; else
 * ` -EINVAL. {absent-l1tf}
 * ` (A guest that keeps numbers of its own in absent entries stores them inverted, as for bare hardware.)
 * `
 * ` In a present entry:
 * `   always allowed  P, RW, USER, A, D, bits 9-11, bits 52-62, NX {flags-allowed}
 * `   L1 only         G; it is meant for user pages {flag-global}
 * `   L1 only         PWT, PCD, PAT, and only where the owner of the table has been given device memory;
 * `                   else -EINVAL.  They choose the memory type of the page, see below {flags-cache}
 * `   never           PSE; in L2 to L4 also PWT, PCD, PAT and G.  A 32-bit L3 entry must have PWT, PCD, PSE,
 * `                   G and bits 52-63 clear, which includes NX {flags-never}
 * ` A bit that is not allowed gives -EINVAL. {flags-refused}
 * ` Accessed and dirty bits are kept by the processor as ever. {accessed-dirty}
 * `
 * ` For a 64-bit guest the hypervisor adjusts a present entry as it stores it, and the guest reads back the
 * ` adjusted one: an L1 entry without USER, a page of the kernel, gets USER and bit 52; an L1 entry that has
 * ` USER but not bit 52, a page of the user, gets G; {adjusted-leaf}
 * ` L2 and L3 entries get USER, L4 entries USER and A. {adjusted-upper}
 * ` Kernel and user both run in ring 3, so USER does not protect the kernel: its pages are absent from the tables that
 * ` user mode runs on, see MMUEXT_NEW_USER_BASEPTR in [mmuext_op]. {user-bit}
 * ` What the TLB has of a page with G may outlast a change between user and kernel mode, and then counts in both, whatever
 * ` the tables of the other one say of its address. {global-modes}
 * ` So a page of the kernel should not have it; and a page of the user is to be the same in both.
 * ` For a 32-bit guest USER means what it means on bare hardware; a present L3 entry gets USER and RW. {adjusted-32}
 * `
 * ` PAT, PCD and PWT are a number, PAT its highest bit, and the memory type is what this number has in the PAT,
 * ` which is the same for all guests and cannot be changed: 0 write-back, 1 write-through, 2 uncached unless an
 * ` MTRR says write-combining (UC-), 3 uncached, 4 write-combining, 5 write-protected, 6 and 7 uncached. {memory-types}
 * ` An entry for what is not RAM that asks for a cached type (0, 1, 5) gets 3. {device-uncached}
 * `
 * ` What a present L1 entry may map:
 * `   a frame of the guest, read-only         always, whatever the frame is used for {map-readonly}
 * `   a frame of the guest, writable          only if the frame is not a page table or descriptor table at
 * `                                           this moment; else -EBUSY {map-writable}
 * `   a frame that the hypervisor shares with the guest (shared_info, grant table)
 * `                                           read-only or writable; -EACCES if PWT, PCD or PAT are set {map-shared}
 * `   a frame of another domain               -EBUSY; granted frames are mapped by [grant_table_op] {map-foreign}
 * `   what is not RAM                         -EPERM without a right to it; -EINVAL if the mfn is all ones {map-device}
 * ` What a present entry of L2, L3 or L4 may refer to: a frame of the same guest, which is a table of the
 * ` next lower level already, or has no use yet and is then checked as one, recursively; {refer-child}
 * ` the first error found inside it is the result. {refer-error}
 * ` A frame with another use gives -EINVAL. {refer-other-use}
 * ` More references or uses of a frame than can be counted (67 million uses) give -EBUSY in L1, -EINVAL above.
 * ` {exhausted}
 * `
 * ` An entry that refers to a table of its own level (a "linear" or recursive table) is refused with -EINVAL, read-only
 * ` or not, but in a domain that was started with linear tables; see also [elfnote]. {refer-linear}
 * ` There a guest finds its tables by such entries: where the processor takes one on its walk, what it takes for the page
 * ` in the end is a table, which can be read there, and not written.  update_va_mapping, grants and emulated writes
 * ` find no L1 entry behind it. {linear-window}
 * ` In such a domain, an entry of L2, L3 or L4 without RW may refer to the table that it stands in, also while this is
 * ` checked; that is no use of the table, and does not keep it one. {linear-self}
 * ` Or to another table of the guest's, which is one of the entry's level already: a use like any other. {linear-other}
 * ` -EINVAL, and nothing changes:
 * `   an entry for a table of its level with RW, at once or by changing one that is there {linear-readonly}
 * `   one for another table, from a table that others refer to so, or to one that refers to others so {linear-chain}
 * `   one for a table of another domain {linear-owner}
 * `   in a 32-bit guest, one from L3, where every entry allows writing, or from another L2 to the one in slot 3
 * `   of the L3 {linear-32}
 * ` What calls are given, and frames of handlers and of iret, cannot lie behind an entry of an L4 that refers to an L4,
 * ` nor where one has ever stood in any L4 of the domain: the hypervisor touches nothing there. {linear-arguments}
 * ` A table that 4095 entries of others have referred to at once counts as one that others refer to until it is a table
 * ` no more. {linear-many}
 * `
 * ` Entries that belong to the hypervisor, see [layout], cannot be written, not even with zero: L4 slots 256
 * ` to 271 give -EINVAL; {slots-64}
 * ` the hypervisor's part of the L2 that a 32-bit guest has in L3 slot 3 gives -EPERM, and that L3 slot itself and
 * ` those above it -EINVAL. {slots-32}
 */

/*
 * `incontents 110 mmu_update Updating page tables by machine address: mmu_update
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_mmu_update(const struct mmu_update reqs[],
 * `                       unsigned int count,
 * `                       unsigned int *done_out,
 * `                       unsigned int foreigndom)
 * `
 * ` @reqs: The requests.  They are carried out in order, each complete before the next one starts. {order}
 * ` @count: Number of requests.  0 does nothing. {count}
 * `         Bit 31 belongs to the hypervisor, see MMU_UPDATE_PREEMPTED of enum mmu_update_count.
 * ` @done_out: Receives the number of requests carried out completely, also when the call fails: the request
 * `            at this index is the one that failed. {done}
 * `            May be NULL.  A fault while storing it is ignored. {done-nowhere}
 * ` @foreigndom: Bits 0-15, => enum domid, name the owner of the frames that the new entries map or that
 * `              MMU_MACHPHYS_UPDATE describes: DOMID_SELF, DOMID_IO, or a domain that the caller may control; the
 * `              caller's own number is not accepted. {page-owner}
 * `              Bits 16-31 name the domain whose tables are changed: 0 for the caller, else the domain's number plus
 * `              one. {table-owner}
 * `
 * ` The first request that fails ends the call; the earlier ones stay done. {first-failure}
 * `
 * ` A page-table request may aim at any frame of the guest.  What happens depends on the use of the frame at
 * ` that moment: an entry of a table of any level is checked by the rules of [pte] and stored with one atomic
 * ` write; {table-entry}
 * ` in a frame that is in use as ordinary writable memory, or has no use yet, the eight bytes are simply
 * ` written. {plain-memory}
 * ` So the same code serves tables that are pinned and tables that are still being built.
 * ` Replacing an entry of L2, L3 or L4 also flushes the TLB of each processor that the domain runs on; {flush-upper}
 * ` after an L1 request it is for the guest to flush. {no-flush-leaf}
 * `
 * ` Errors of the call, in the order of the checks:
 * `   -EFAULT  @reqs does not lie in guest memory; @done_out is not written {reqs-nowhere} {GUEST_ADDRESS}
 * `   -ESRCH   no such domain in bits 16-31 of @foreigndom; @done_out is not written {no-table-owner} {NO_SUCH_DOMAIN}
 * `   -EINVAL  that domain has no vCPU; @done_out is not written {table-owner-without-vcpu} {NO_SUCH_DOMAIN}
 * `   -ESRCH   no such domain in bits 0-15, or the caller's own number; @done_out receives 0 {no-page-owner}
 * `            {NO_SUCH_DOMAIN}
 * `   -ESRCH   one of the domains is being torn down, maybe only since the requests before this one {dying} {DYING}
 * ` Errors of one request, in the order of the checks:
 * `   -EFAULT  the request cannot be read {unreadable} {GUEST_FAULT}
 * `   -ENOSYS  unknown command {unknown-command} {UNKNOWN_COMMAND}
 * `   -EPERM   no right to the other domain, or MMU_MACHPHYS_UPDATE with tables of another domain.  DOMID_IO
 * `            needs no right here; the rights to a device are checked with the new entry {no-right} {NOT_PRIVILEGED}
 * `   -EINVAL  the frame in ptr does not exist or has another owner {not-owned} {NOT_OWNED}
 * `   -EINVAL  the frame is a descriptor table, see [segdesc] {descriptor-table} {NOT_A_TABLE}
 * `   -EINVAL  it is a table of L2 or above; @foreigndom names two different domains {upper-foreign} {FOREIGN_TABLE}
 * `   -EINVAL  it is such a table, and has as many references or uses as can be counted {upper-exhausted}
 * `            {REFERENCES_EXHAUSTED TYPE_COUNT_EXHAUSTED}
 * `   -EBUSY   it is ordinary memory with as many uses as can be counted {plain-exhausted} {TYPE_COUNT_EXHAUSTED}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES  the new entry breaks a rule of [pte] {entry-refused}
 * `            {HYPERVISOR_SLOT SLOT_OUTSIDE_TABLE SLOT_FIXED L1TF BAD_FLAGS CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM}
 * `            {NO_SUCH_FRAME NOT_OWNED REFERENCES_EXHAUSTED TYPE_CONFLICT SELF_MAP TYPE_UNDER_CONVERSION}
 * `            {TYPE_COUNT_EXHAUSTED TABLE_SHARED LINEAR_WRITABLE LINEAR_CHAIN}
 */
struct mmu_update {
    uint64_t ptr; /* machine address, a multiple of 8; bits 0-2: => enum mmu_update_cmd */
    uint64_t val; /* new contents of the entry, or a pfn for MMU_MACHPHYS_UPDATE */
};

/*
 * ` MMU_NORMAL_PT_UPDATE: ptr is the machine address of an entry, val its new contents. {normal}
 * `
 * ` MMU_MACHPHYS_UPDATE: ptr is the machine address of any byte of a frame of the domain in bits 0-15 of
 * ` @foreigndom, val the pfn that the M2P shall give for it. {machphys}
 * ` The hypervisor stores val unchecked: the M2P is a help for the guest, and a wrong number in it harms nobody
 * ` else. {machphys-unchecked}
 * `
 * ` MMU_PT_UPDATE_PRESERVE_AD: as MMU_NORMAL_PT_UPDATE, but accessed and dirty bits that are set in the old
 * ` entry stay set in the new one, even those that the processor sets at the very moment of the update. {preserve-ad}
 * ` Offered if XENFEAT_mmu_pt_update_preserve_ad is set, see [features].
 * `
 * ` MMU_PT_UPDATE_NO_TRANSLATE: for guests that do not use direct paging; the same as MMU_NORMAL_PT_UPDATE
 * ` for those that do. {no-translate}
 */
/* ` enum mmu_update_cmd { // MMU_* => struct mmu_update */
#define MMU_NORMAL_PT_UPDATE            0
#define MMU_MACHPHYS_UPDATE             1
#define MMU_PT_UPDATE_PRESERVE_AD       2
#define MMU_PT_UPDATE_NO_TRANSLATE      3
/* ` } */

/*
 * ` MMU_UPDATE_PREEMPTED: with this bit in @count the number in @done_out is added to rather than replaced. {preempted}
 * ` The hypervisor sets it where it resumes a call that it interrupted.  Guests leave it clear.
 */
/* ` enum mmu_update_count { */
#define MMU_UPDATE_PREEMPTED            0x80000000U
/* ` } */

/*
 * `incontents 120 update_va_mapping Updating the entry of a virtual address: update_va_mapping
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_update_va_mapping(unsigned long va, uint64_t val,
 * `                              enum uvm_flags flags)
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_update_va_mapping_otherdomain(unsigned long va, uint64_t val,
 * `                                          enum uvm_flags flags,
 * `                                          enum domid domid)
 * `
 * ` @va: Any address in the page to be mapped anew. {any-address}
 * ` @val: The new L1 entry.  It holds a machine frame number.
 * ` @flags: What to flush afterwards.
 * ` @domid: Owner of the frame that the new entry maps. {page-owner}
 * `
 * ` The entry is found through the tables that the vCPU runs on, as if they were mapped in one linear array
 * ` with @va / 4096 as its index; the L1 table must exist. {found-by-address}
 * ` Then it is replaced as by an MMU_NORMAL_PT_UPDATE of [mmu_update]. {as-update}
 * ` A 32-bit guest gives @val in two arguments, the low half first. {two-halves}
 * `
 * ` Errors, in the order of the checks:
 * `   -ESRCH   (otherdomain) no such domain, or the caller's own number {no-domain} {NO_SUCH_DOMAIN}
 * `   -EPERM   (otherdomain) no right to it {no-right} {NOT_PRIVILEGED}
 * `   -ESRCH   the caller or the other domain is being torn down {dying} {DYING}
 * `   -EINVAL  @va is not canonical, is the hypervisor's, or has no L1 table {nowhere} {NO_L1_ENTRY}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES  the new entry breaks a rule of [pte]; nothing is flushed {entry-refused}
 * `            {L1TF CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM NO_SUCH_FRAME NOT_OWNED REFERENCES_EXHAUSTED}
 * `            {TYPE_CONFLICT SELF_MAP TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `   -EFAULT  the bitmap in @flags cannot be read; the entry has been changed by then {mask-nowhere} {VCPU_MASK}
 * `
 * ` @flags is one of UVMF_NONE, UVMF_TLB_FLUSH (everything) and UVMF_INVLPG (the one address), plus whose
 * ` TLB it concerns. {flush-kinds}
 * ` What is left of @flags without UVMF_FLUSHTYPE_MASK says that: 0 (UVMF_LOCAL) the calling vCPU; UVMF_ALL all vCPUs;
 * ` anything else (UVMF_MULTI) is the virtual address of a bitmap of vCPUs, bit n % 8 of byte n / 8 for vCPU n,
 * ` aligned to 4 bytes at least. {flush-sets}
 * ` Bits of vCPUs that do not exist mean nothing; a bitmap that UVMF_NONE comes with is not read. {flush-unread}
 */
/* ` enum uvm_flags { */
#define UVMF_NONE               0x0UL /* flush nothing */
#define UVMF_TLB_FLUSH          0x1UL /* flush all of the TLB */
#define UVMF_INVLPG             0x2UL /* flush what the TLB holds for va */
#define UVMF_FLUSHTYPE_MASK     0x3UL
#define UVMF_MULTI              0x0UL /* on the vCPUs of a bitmap: add its address */
#define UVMF_LOCAL              0x0UL /* on the calling vCPU */
#define UVMF_ALL                0x4UL /* on all vCPUs of the domain */
/* ` } */

/*
 * `incontents 30 domid Domain numbers
 * `
 * ` A domain number has 16 bits.  Those from DOMID_FIRST_RESERVED on never name a running domain. {reserved}
 */
/* ` enum domid { */
#define DOMID_FIRST_RESERVED    0x7FF0U
#define DOMID_SELF              0x7FF0U /* the caller itself */
#define DOMID_IO                0x7FF1U /* owner of what is not RAM; a mapping needs the right to the device */
#define DOMID_XEN               0x7FF2U /* owner of the hypervisor's own frames; privileged callers only */
#define DOMID_COW               0x7FF3U /* owner of frames shared copy-on-write, which PV guests do not meet */
#define DOMID_INVALID           0x7FF4U /* no domain */
#define DOMID_IDLE              0x7FFFU /* what runs on a processor without work */
#define DOMID_MASK              0x7FFFU
/* ` } */

#endif /* ABI_MMU_H */
