/* SPDX-License-Identifier: MIT */
/*
 * The same kernel on bare hardware: start of day without a hypervisor (a PVH loader, such as QEMU's -kernel), and its
 * processor tables.  Its console and its end are in native_device.h.
 *
 * A kernel that wants to be startable so names native_start as its PHYS32_ENTRY note.  Then guest.native is set,
 * guest.start points to a struct start_info with nr_pages and cmd_line, and nothing may be called through the hypercall
 * page.  The kernel's image and all RAM below NATIVE_MEMORY_MAX are mapped at VIRT_BASE + physical address, writable;
 * a pfn is a physical frame number.  Interrupts stay off in kernel mode, and are masked at the interrupt controllers.
 *
 * The selectors of user mode are those of a PV guest.
 */
#pragma once

#include <guest/layout.h>

/* As much as one L2 maps, and the addresses behind VIRT_BASE allow. */
#define NATIVE_MEMORY_MAX (MAPPED_PAGES_MAX * 4096)

/* Selectors; those of user mode lie where a hypervisor has them, and NATIVE_CS and NATIVE_SS are in guest/width.h. */
#define NATIVE_GDT_FIRST 0xe000
#define NATIVE_TSS       0xe038
#define NATIVE_GDT_SLOTS 9

/* The TSS, and where the stack for entries from user mode stands in it. */
#define NATIVE_TSS_SIZE 104
#define NATIVE_TSS_RSP0 4

#ifndef __ASSEMBLER__
#include <guest/trap.h>
#include <guest/types.h>

/* Processor tables of the kernel's own: from now on exceptions and system calls are as under a hypervisor. */
void native_traps_init(void);

/* The first pfn behind the image. */
uint64_t native_first_free_pfn(void);

/* For user.c: as user_switch() of trap_entry.S. */
void native_user_switch(struct regs *regs, uintptr_t *kernel_stack);
#endif
