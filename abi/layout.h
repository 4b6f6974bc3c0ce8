/* SPDX-License-Identifier: MIT */
/*
 * The address space of a guest: what is its own, what is the hypervisor's, where the M2P lies, and how
 * everything is laid out when the first instruction runs.  Usable from assembly.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

/*
 * `incontents 190 layout The virtual address space
 * `
 * ` 64-bit guests, enum address_space:
 * `   0x0000000000000000-0x00007fffffffffff  the guest's; L4 slots 0-255 {low-64}
 * `   0x0000800000000000-0xffff7fffffffffff  not canonical, no memory can be here {hole-64}
 * `   0xffff800000000000-0xffff807fffffffff  readable by the guest; L4 slot 256.  The M2P is here {m2p-64}
 * `   0xffff808000000000-0xffff87ffffffffff  the hypervisor's; L4 slots 257-271 {hypervisor-64}
 * `   0xffff880000000000-0xffffffffffffffff  the guest's; L4 slots 272-511 {high-64}
 * `
 * ` 32-bit guests, enum compat_address_space:
 * `   0x00000000-0xf57fffff  the guest's {low-32}
 * `   0xf5800000-0xffdfffff  readable by the guest: the M2P, as far as there is RAM for it to describe {m2p-32}
 * `   0xffe00000-0xffffffff  the hypervisor's {hypervisor-32}
 * ` The boundary is that of L2 slot HYPERVISOR_COMPAT_L2_SLOT under L3 slot 3. {boundary-32}
 * `
 * ` The hypervisor fills its entries in each top-level table while the table is in use. {own-entries}
 * ` A guest cannot write them, see [pte], and should not rely on what it reads there.  An access to the hypervisor's
 * ` addresses is an ordinary page fault of the guest. {access-fault}
 * `
 * ` The M2P (machine to pseudo-physical) is an array of frame numbers, indexed by machine frame number: 8
 * ` bytes each for a 64-bit guest, 4 bytes for a 32-bit one. {m2p}
 * ` It covers the RAM of the whole machine. {m2p-whole}
 * ` A guest reads it directly and cannot write it; {m2p-readonly}
 * ` it changes the entries of its own frames with MMU_MACHPHYS_UPDATE, see [mmu_update].
 * ` For a frame that is not the guest's, the entry is of no use and may be MACH2PHYS_INVALID, of enum m2p_entry; check
 * ` that the P2M leads back to the machine frame before trusting a number from it.  64-bit user mode can read it too
 * ` unless VMASST_TYPE_m2p_strict is on, see [vm_assist]. {m2p-user}
 * ` Where it lies can also be asked with XENMEM_machphys_mapping, see [memory_op].
 * `
 * ` The other direction, pseudo-physical to machine (P2M), is an array that the guest keeps in its own
 * ` memory; the first one is provided at start of day. {p2m}
 */
/* ` enum address_space { */
#define HYPERVISOR_VIRT_START           0xffff800000000000
#define HYPERVISOR_VIRT_END             0xffff880000000000
#define MACH2PHYS_VIRT_START            0xffff800000000000
#define MACH2PHYS_VIRT_END              0xffff804000000000
#define MACH2PHYS_NR_ENTRIES            ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)

/* The same as L4 slots, first and last; the M2P has the first one. */
#define HYPERVISOR_L4_SLOT              256
#define HYPERVISOR_L4_SLOT_LAST         271
#define MACH2PHYS_L4_SLOT               256
/* ` } */

/* ` enum compat_address_space { */
#define COMPAT_HYPERVISOR_VIRT_START    0xf5800000
#define COMPAT_MACH2PHYS_VIRT_START     0xf5800000
#define COMPAT_MACH2PHYS_VIRT_END       0xffe00000
#define COMPAT_MACH2PHYS_NR_ENTRIES     ((COMPAT_MACH2PHYS_VIRT_END - COMPAT_MACH2PHYS_VIRT_START) >> 2)

/* The L3 slot of the boundary, and the hypervisor's slots in the L2 that it refers to. */
#define HYPERVISOR_COMPAT_L3_SLOT       3
#define HYPERVISOR_COMPAT_L2_SLOT       428
#define HYPERVISOR_COMPAT_L2_SLOT_LAST  511
/* ` } */

/*
 * M2P entries that are no pfn: no such RAM, or not this guest's; a frame that more than one domain uses.
 */
/* ` enum m2p_entry { */
#define MACH2PHYS_INVALID               0xffffffffffffffff
#define MACH2PHYS_SHARED                0xfffffffffffffffe
#define COMPAT_MACH2PHYS_INVALID        0xffffffff
#define COMPAT_MACH2PHYS_SHARED         0xfffffffe
/* ` } */

/*
 * `incontents 195 startofday Start-of-day memory layout
 * `
 * ` The guest starts with paging on, in one contiguous virtual region.  VIRT_BASE of [elfnote] is its start
 * ` and the address of pfn 0; pfns rise with the addresses. {region}
 * ` The elements come in this order:
 * `   1. what lies between VIRT_BASE and the image
 * `   2. the kernel image, then its symbol table if BSD_SYMTAB asks for it {image}
 * `   3. the ramdisk, unless MOD_START_PFN is set {ramdisk}
 * `   4. the P2M: an array of machine frame numbers, one for each pfn, 8 bytes each (32-bit: 4 bytes), filled
 * `      up to whole pages with all ones; unless INIT_P2M is given {p2m}
 * `   5. the start_info page
 * `   6. the xenstore ring page
 * `   7. the console ring page {rings}
 * `   8. the page tables: the top level first, then those of each lower level {tables}
 * `   9. the boot stack, one page {stack}
 * `   10. free memory: at least 512 KiB, up to the next multiple of 4 MiB, where the mapped region ends {end}
 * `   11. the ramdisk if MOD_START_PFN is set: not mapped, named by its first pfn {ramdisk-unmapped}
 * `   12. with INIT_P2M, the pages of the P2M, mapped at that address, and the tables that map them, which are
 * `       not among nr_pt_frames {p2m-apart}
 * ` Each element begins on a page boundary. {page-boundaries}
 * ` A guest finds them through start_info, see [start_info], and should rely on the order in two points only:
 * ` start_info lies behind the image, and what follows the page tables and the stack is free.  The initial domain has
 * ` no pages 6 and 7; {initial}
 * ` its start_info page may also hold a dom0_vga_console_info: Paravane knows of no screen, and has none there.
 * `
 * ` All of the region is mapped with 4 KiB pages, executable, and writable except the page tables; the P2M
 * ` is writable. {mapped}
 * ` The machine frames behind it are in no order: only the P2M knows them.  The M2P is valid for all of them. {m2p}
 * `
 * ` The tables are complete and in use: each has its type through the table above it, and the top-level one
 * ` has a reference of cr3.  The top-level table is also pinned, and only that one: {pinned-root}
 * ` a guest that changes to tables of its own unpins the frame of pt_base (MMUEXT_UNPIN_TABLE, see [mmuext_op]) and can
 * ` then use all of the initial tables as ordinary memory. {tables-freed}
 * ` A 32-bit guest finds all four L3 slots present. {slots-32}
 * ` The L3, its start_info page and its shared_info lie in frames below 4 GiB, {below-4g}
 * ` and all its memory in frames that its M2P describes. {described-32}
 * `
 * ` Registers of the first vCPU; the selectors are of enum flat_selector and enum compat_flat_selector: {registers}
 * `                   64-bit guests                32-bit guests
 * `   rip, eip        ENTRY, or the image's own entry address
 * `   rsp, esp        the end of the boot stack page
 * `   rsi, esi        virtual address of start_info
 * `   cs              FLAT_KERNEL_CS               COMPAT_FLAT_KERNEL_CS
 * `   ss              FLAT_KERNEL_SS               COMPAT_FLAT_KERNEL_SS
 * `   ds, es, fs, gs  0, bases 0                   COMPAT_FLAT_KERNEL_DS
 * `   others          0; IF is set in rflags, as always
 * ` Kernel mode. {kernel-mode}
 * ` Events are masked by evtchn_upcall_mask. {events-masked}
 * ` No trap handlers, no callbacks, no GDT frames, no LDT, no user page table, IOPL 0, CR0.TS clear, the FPU as after
 * ` reset. {nothing-set}
 * ` The stack of [stack_switch] is the boot stack. {stack-switch}
 * ` All assists of [vm_assist] are off, but for VMASST_TYPE_pae_extended_cr3 if PAE_MODE of a 32-bit guest asks for
 * ` it. {assists}
 * `
 * ` shared_info is zero but for the evtchn_upcall_mask of each vCPU, which is 1, and the time, which is valid
 * ` from the first instruction on.  So no event channel is masked by its own bit. {shared-info}
 */

#endif /* ABI_LAYOUT_H */
