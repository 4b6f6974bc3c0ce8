/* SPDX-License-Identifier: MIT */
/*
 * The same kernel on bare hardware: start of day without a hypervisor (a PVH loader, such as QEMU's -kernel), its
 * processor tables, its console, its end.
 *
 * A kernel that wants to be startable so names native_start as its PHYS32_ENTRY note.  Then guest.native is set,
 * guest.start points to a struct start_info with nr_pages and cmd_line, and nothing may be called through the hypercall
 * page.  The kernel's image and all RAM below NATIVE_MEMORY_MAX are mapped at VIRT_BASE + physical address, writable;
 * a pfn is a physical frame number.  Interrupts stay off in kernel mode, and are masked at the interrupt controllers.
 *
 * The selectors of user mode are those of a PV guest: FLAT_USER_CS64, FLAT_USER_SS64.
 */
#pragma once

#include <guest/layout.h>

/* As much as one L2 maps. */
#define NATIVE_MEMORY_MAX 0x40000000

/* Selectors; those of user mode lie where a hypervisor has them.  In order of their entries in the table. */
#define NATIVE_GDT_FIRST 0xe000
#define NATIVE_CS        0xe008
#define NATIVE_SS        0xe010
#define NATIVE_TSS       0xe038
#define NATIVE_GDT_SLOTS 9

/* Where the stack for entries from user mode stands in the TSS. */
#define NATIVE_TSS_RSP0 4

#ifndef __ASSEMBLER__
#include <guest/trap.h>
#include <guest/types.h>

/* As console_write(), on the serial line at 0x3f8. */
void native_console_write(const char *text, size_t length);

/*
 * End the run: @reason 0 is written as 0x10 to QEMU's isa-debug-exit device at port 0xf4, another as 0x15; QEMU then
 * exits with 33 or 43.  Without the device the processor is reset by a triple fault.
 */
_Noreturn void native_shutdown(unsigned reason);

/* The L4 that the start of day made; its slot 511 maps the kernel. */
uint64_t *native_root(void);

/* The first pfn behind the image. */
uint64_t native_first_free_pfn(void);

/* For user.c: as user_switch() of trap_entry.S. */
void native_user_switch(struct regs *regs, uint64_t *kernel_stack);
#endif
