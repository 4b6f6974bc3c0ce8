/* SPDX-License-Identifier: MIT */
/*
 * Where the hypervisor keeps what, in the address space that it shares with each guest.  Its slots of the top-level
 * table, abi/layout.h, are used like this:
 *
 *   256      the M2P, read-only and readable by guests
 *   257      the hypervisor stacks of vCPUs: 8 pages each, of which the upper 4 are there
 *   258      the descriptor windows: 32 pages each, 16 of a GDT and 16 of an LDT
 *   259      the image
 *   260      devices
 *   261      objects of the hypervisor, hv/mem/allocate.h
 *   262-271  the direct map of RAM
 *
 * Usable from assembly and from the linker script.
 */
#ifndef HV_LAYOUT_H
#define HV_LAYOUT_H

#define STACKS_BASE 0xffff808000000000
#define WINDOW_BASE 0xffff810000000000
#define IMAGE_BASE  0xffff818000000000
#define DEVICE_BASE 0xffff820000000000     /* a page each: the registers of the local APIC, */
#define IOAPIC_BASE (DEVICE_BASE + 0x1000) /* of two I/O APICs, */
#define DEVICE_PAGE (DEVICE_BASE + 0x3000) /* and of the device at hand */
#define HEAP_BASE   0xffff828000000000
#define DIRECT_BASE 0xffff830000000000
#define DIRECT_END  0xffff880000000000

/* The image is loaded at 1 MiB.  What it contains is at IMAGE_BASE plus its machine address. */
#define IMAGE_START 0x100000

/* While booting, machine memory below this is mapped at IMAGE_BASE, and at its own address. */
#define EARLY_END 0x100000000

#define HEAP_SIZE  0x4000000
#define GUARD_SIZE 0x1000

/* Of every stack of the hypervisor, which is aligned so, and of what says at its end whose it is: stack_owner.h. */
#define STACK_SIZE       0x4000
#define STACK_OWNER_SIZE 16

/* Selectors of the hypervisor's page of each GDT, beside those of abi/segment.h; hv/cpu/cpu_tables.c. */
#define HV_CS  0xe008
#define HV_DS  0xe010
#define HV_TSS 0xe040
#define HV_LDT 0xe050

#ifndef __ASSEMBLER__

#include <stdint.h>

/* Set by the linker script: where the parts of the image begin and end. */
#pragma GCC visibility push(hidden)
extern const uint8_t image_boot_start[], image_text_start[], image_text_end[], image_rodata_start[], image_rodata_end[],
    image_data_start[], image_data_end[], image_guard_start[], image_end[];
#pragma GCC visibility pop

/* The machine address of something in the image. */
static inline uint64_t image_maddr(const void *object)
{
    return (uint64_t)object - IMAGE_BASE;
}

#endif

#endif /* HV_LAYOUT_H */
