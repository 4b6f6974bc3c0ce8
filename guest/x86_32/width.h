/* SPDX-License-Identifier: MIT */
/*
 * What is so in a kernel of 32 bits, which has PAE.  Usable from assembly and from the linker script.
 *
 * The kernel lies in the third of the four parts of the address space, so that its L2 is one that all roots share: that
 * of the last part, where the hypervisor has addresses too, cannot be.
 */
#pragma once

/* The image, and an address in one of its notes. */
#define IMAGE_FORMAT "elf32-i386"
#define NOTE_ADDRESS .long

#define VIRT_BASE 0x80000000

/* The region of region.h has a place in the same L2. */
#define MAPPED_PAGES_MAX 0x3c000

#define TOP_LEVEL     3
#define ROOT_SLOTS    4
#define USER_SLOTS    2
#define KERNEL_SLOTS  2
#define ROOT_OWN_SLOT 3 /* the hypervisor's addresses are there, the guest's own below them are not used */

/* The processor allows no others; a hypervisor adds some. */
#define PTE_ROOT PTE_P

/* One root serves both modes: the kernel's pages lack PTE_USER, as on bare hardware. */
#define USER_ROOT 0

/* An address of the hypervisor's, behind its M2P. */
#define HYPERVISOR_INSIDE 0xfff00000

/* How a device of this width has its ring, by abi/blkif.h. */
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_32

/* What start_info.magic begins with. */
#define START_MAGIC "xen-3.0-x86_32p"

/* The ring of a kernel under a hypervisor. */
#define KERNEL_RING 1

/* The vector of the instruction by which a program calls its kernel: int $0x80. */
#define VECTOR_PROGRAM_CALL 0x80

/* The kernel's selectors on bare hardware. */
#define NATIVE_CS 0xe018
#define NATIVE_SS 0xe020

#ifndef __ASSEMBLER__
#include <guest/x86_32/names.h>

typedef struct compat_shared_info shared_info_t;
typedef struct compat_vcpu_info vcpu_info_t;

typedef uint32_t event_word_t;

#define PRId64 "lld"
#define PRIu64 "llu"
#define PRIx64 "llx"

/* The same for what is as wide as an address: uintptr_t, words and registers of the ABI. */
#define PRIuPTR "u"
#define PRIxPTR "x"

/*
 * For assembly: the instruction by which a program calls its kernel, those that save and restore all of the FPU,
 * registers, what stands behind an instruction that is as wide as one, and how many bytes that is.
 */
#define REGISTER_AX  "eax"
#define REGISTER_DX  "edx"
#define REGISTER_DI  "edi"
#define REGISTER_SP  "esp"
#define PROGRAM_CALL "int $0x80"
#define FXSAVE       "fxsave"
#define FXRSTOR      "fxrstor"
#define WORD_SUFFIX  "l"
#define WORD_SIZE    "4"

/* The instruction by which a kernel calls the hypervisor. */
#define HYPERCALL_INSTRUCTION "int $0x82"
#endif
