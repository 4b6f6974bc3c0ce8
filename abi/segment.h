/* SPDX-License-Identifier: MIT */
/*
 * Segments: the selectors that the hypervisor provides, the calls that set the GDT, change a descriptor and
 * set a segment base.  Usable from assembly.
 */
#ifndef ABI_SEGMENT_H
#define ABI_SEGMENT_H

/*
 * `incontents 200 segdesc Segment descriptor tables
 * `
 * ` A guest has a GDT of up to 14 pages (7168 descriptors) of its own and an LDT of up to 16 pages (8192
 * ` descriptors). {sizes}
 * ` The GDT is set with [set_gdt], as a list of machine frames; the LDT with MMUEXT_SET_LDT of
 * ` [mmuext_op], as a virtual address.  While a frame is part of either it cannot be mapped writable, and it
 * ` cannot be a page table; {not-writable}
 * ` descriptors are then changed with [update_descriptor].
 * `
 * ` What a descriptor may say.  One without the present bit may say anything. {absent}
 * ` A present one:
 * `   code or data  allowed.  Its privilege level is raised to 3 for a 64-bit guest, and to at least 1 for a
 * `                 32-bit one. {segment}
 * `                 A 32-bit guest cannot have 64-bit code segments (L), and a segment with base
 * `                 0 that reaches above the guest's addresses is made to end at 4 GiB {segment-32}
 * `   type 0        allowed: the second half of a 16-byte gate {type-0}
 * `   call gate     allowed if its target selector is one of the guest's GDT or LDT, or a code selector below,
 * `                 and its reserved bits are 0. {call-gate}
 * `                 The gate is stored with privilege 0, so that using it traps
 * `                 and the hypervisor carries it out; the level asked for, raised as for code and data, is
 * `                 kept in the selector's low bits.  Of a gate with privilege 0 those bits are taken for the
 * `                 level asked for, so that one that was read back can be written again {gate-privilege}
 * `   other         refused: a guest has no TSS, LDT, interrupt, trap or task gate {other-types}
 * ` The guest reads back the descriptor as it was adjusted. {read-back}
 * `
 * ` What a far call or jump does through a call gate.  In a 64-bit guest it is #GP with the gate's selector. {gate-64}
 * ` In a 32-bit one the hypervisor carries it out, or raises the exception that a processor would:
 * `   level       the ring that uses it and the privilege bits of the selector used are at most the gate's level;
 * `               else #GP with that selector {gate-level}
 * `   target      a present code segment with the caller's rights, or for a call with more, and an offset within its
 * `               limit; else #GP or #NP with the target's selector, or #GP(0) {gate-target}
 * `   jump        stays in its ring, and leaves nothing on the stack {gate-jump}
 * `   call        of a ring with more rights changes to the stack of [stack_switch].  From the new esp upwards, 4 bytes
 * `               each: eip, cs, the parameters, esp, ss; {gate-inner}
 * `               within a ring eip and cs are pushed on the stack in use {gate-same}
 * `   parameters  as many words as the gate says, of the stack that was in use {gate-parameters}
 * `   stack       its segment is a present, writable one of the ring that is entered, and has room; else #TS or #SS
 * `               with its selector.  Ring 2 has no stack {gate-stack}
 * ` What cannot be read or written on the way is a page fault, with nothing changed. {gate-memory}
 */

/*
 * `incontents 210 set_gdt Loading the GDT: set_gdt
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_gdt(const xen_pfn_t frame_list[], unsigned int entries)
 * `
 * ` @frame_list: Machine frame numbers (not virtual addresses, not pseudo-physical frames) of the pages of
 * `              the table, one for each 512 descriptors.  32-bit numbers for a 32-bit guest. {frames}
 * ` @entries: Number of descriptors, at most FIRST_RESERVED_GDT_ENTRY of enum reserved_gdt.  0 removes the
 * `           table. {entries}
 * `
 * ` The table is that of the calling vCPU. {own-vcpu}
 * ` The hypervisor maps the frames at an address of its own and loads GDTR. {loaded}
 * ` Every descriptor of every frame is checked, also those beyond @entries in the last frame. {all-checked}
 * ` The limit of the table does not depend on @entries: selectors of the guest's frames and those of the
 * ` hypervisor are always reachable, and those between are as any beyond the limit of a table. {limit}
 * `
 * ` Errors, in the order of the checks; on each the old table stays: {old-stays}
 * `   -EINVAL  @entries is too large {too-many} {TABLE_LIMIT}
 * `   -EFAULT  @frame_list cannot be read {unreadable} {GUEST_FAULT}
 * `   -ESRCH   the domain is being torn down {dying} {DYING}
 * `   -EINVAL  a frame does not exist, has another owner, or more references than can be counted {not-owned}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED}
 * `   -EINVAL  a frame is a page table or is mapped writable {in-use}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `   -EINVAL  a frame holds a descriptor that is refused {bad-descriptor} {DESCRIPTOR}
 */
/*
 * The first page, byte and descriptor of the GDT that belong to the hypervisor.
 */
/* ` enum reserved_gdt { */
#define FIRST_RESERVED_GDT_PAGE         14
#define FIRST_RESERVED_GDT_BYTE         (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY        (FIRST_RESERVED_GDT_BYTE / 8)
/* ` } */

/*
 * ` The hypervisor keeps its descriptors in the pages above the guest's 14, so that a guest is free in the
 * ` selectors that its programs may know by number.  These flat segments are there from the first
 * ` instruction on, whatever the guest's GDT holds. {flat-segments}
 * ` Their selectors are those of enum flat_selector in a 64-bit guest, and those of enum compat_flat_selector in a
 * ` 32-bit one, whose kernel runs in ring 1.
 */
/* ` enum flat_selector { */
#define FLAT_RING3_CS32         0xe023
#define FLAT_RING3_CS64         0xe033
#define FLAT_RING3_DS32         0xe02b
#define FLAT_RING3_DS64         0x0000 /* the null selector */
#define FLAT_RING3_SS32         0xe02b
#define FLAT_RING3_SS64         0xe02b

#define FLAT_KERNEL_CS32        FLAT_RING3_CS32
#define FLAT_KERNEL_CS64        FLAT_RING3_CS64
#define FLAT_KERNEL_CS          FLAT_KERNEL_CS64
#define FLAT_KERNEL_DS32        FLAT_RING3_DS32
#define FLAT_KERNEL_DS64        FLAT_RING3_DS64
#define FLAT_KERNEL_DS          FLAT_KERNEL_DS64
#define FLAT_KERNEL_SS32        FLAT_RING3_SS32
#define FLAT_KERNEL_SS64        FLAT_RING3_SS64
#define FLAT_KERNEL_SS          FLAT_KERNEL_SS64

#define FLAT_USER_CS32          FLAT_RING3_CS32
#define FLAT_USER_CS64          FLAT_RING3_CS64
#define FLAT_USER_CS            FLAT_USER_CS64
#define FLAT_USER_DS32          FLAT_RING3_DS32
#define FLAT_USER_DS64          FLAT_RING3_DS64
#define FLAT_USER_DS            FLAT_USER_DS64
#define FLAT_USER_SS32          FLAT_RING3_SS32
#define FLAT_USER_SS64          FLAT_RING3_SS64
#define FLAT_USER_SS            FLAT_USER_SS64
/* ` } */

/* ` enum compat_flat_selector { */
#define FLAT_RING1_CS           0xe019
#define FLAT_RING1_DS           0xe021
#define FLAT_RING1_SS           0xe021
#define FLAT_RING3_CS           0xe02b
#define FLAT_RING3_DS           0xe033
#define FLAT_RING3_SS           0xe033

#define COMPAT_FLAT_KERNEL_CS   FLAT_RING1_CS
#define COMPAT_FLAT_KERNEL_DS   FLAT_RING1_DS
#define COMPAT_FLAT_KERNEL_SS   FLAT_RING1_SS
#define COMPAT_FLAT_USER_CS     FLAT_RING3_CS
#define COMPAT_FLAT_USER_DS     FLAT_RING3_DS
#define COMPAT_FLAT_USER_SS     FLAT_RING3_SS
/* ` } */

/*
 * `incontents 220 update_descriptor Changing one descriptor: update_descriptor
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_update_descriptor(uint64_t pa, uint64_t desc)
 * `
 * ` @pa: Machine address of the descriptor, a multiple of 8.
 * ` @desc: The new descriptor, in the processor's own format.
 * `
 * ` The frame may be part of a descriptor table, {in-table}
 * ` or be ordinary writable memory of the guest, or have no use yet; so a table can be filled by the same call before
 * ` it is loaded. {in-memory}
 * ` A descriptor that a processor holds in a segment register may stay in force there until the register is loaded
 * ` again, as on bare hardware.
 * `
 * ` Errors, in the order of the checks:
 * `   -EINVAL  @pa is misaligned {misaligned} {MISALIGNED}
 * `   -EINVAL  @desc is refused by the rules of [segdesc] {refused} {DESCRIPTOR}
 * `   -ESRCH   the domain is being torn down {dying} {DYING}
 * `   -EINVAL  the frame does not exist, has another owner, or more references than can be counted {not-owned}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED}
 * `   -EINVAL  the frame is in use as something else, such as a page table {in-use}
 * `            {TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 */

/*
 * `incontents 230 set_segment_base Setting a segment base: set_segment_base
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_segment_base(enum segment_base which, unsigned long base)
 * `
 * ` @which: The base to set. {bases}
 * ` @base: The new base address; for SEGBASE_GS_USER_SEL a selector. {selector}
 * `
 * ` 64-bit guests only.  The same bases can be written with wrmsr, which the hypervisor emulates; the call
 * ` is cheaper. {wrmsr}
 * `
 * ` Errors:
 * `   -ENOSYS  the caller is a 32-bit guest {narrow} {NARROW}
 * `   -EINVAL  unknown @which, or a base that is not canonical or is the hypervisor's {refused} {SEGMENT SEGMENT_BASE}
 * ` SEGBASE_GS_USER_SEL cannot fail: a selector that the processor refuses becomes the null selector. {null-selector}
 */
/* ` enum segment_base { // SEGBASE_* => HYPERVISOR_set_segment_base() */
#define SEGBASE_FS              0 /* the base of fs */
#define SEGBASE_GS_USER         1 /* the base that gs has in user mode, inactive while the kernel calls */
#define SEGBASE_GS_KERNEL       2 /* the base that gs has in kernel mode, the active one */
#define SEGBASE_GS_USER_SEL     3 /* load the user's gs with a selector of the GDT or LDT */
/* ` } */

#endif /* ABI_SEGMENT_H */
