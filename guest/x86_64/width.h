/* SPDX-License-Identifier: MIT */
/* What is so in a kernel of 64 bits.  Usable from assembly and from the linker script. */
#pragma once

/* The image, and an address in one of its notes. */
#define IMAGE_FORMAT "elf64-x86-64"
#define NOTE_ADDRESS .quad

/* Virtual address of pfn 0. */
#define VIRT_BASE 0xffffffff80000000

/* As much as the L2 behind VIRT_BASE can map; what lies behind is for region.h. */
#define MAPPED_PAGES_MAX 0x40000

/*
 * Levels of page tables, and the slots of a root: how many there are, the first ones, which are a program's, and from
 * where on they are the kernel's, the same in all roots.  The table behind one of them each root has for itself.
 */
#define TOP_LEVEL     4
#define ROOT_SLOTS    512
#define USER_SLOTS    256
#define KERNEL_SLOTS  272
#define ROOT_OWN_SLOT ROOT_SLOTS /* none */

/* Flags of an entry of a root. */
#define PTE_ROOT PTE_TABLE

/* User mode under a hypervisor has a root of its own. */
#define USER_ROOT 1

/* An address of the hypervisor's, behind its M2P. */
#define HYPERVISOR_INSIDE 0xffff830000000000

/* How a device of this width has its ring, by abi/blkif.h. */
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64

/* What start_info.magic begins with. */
#define START_MAGIC "xen-3.0-x86_64"

/* The ring of a kernel under a hypervisor. */
#define KERNEL_RING 3

/* The vector of the instruction by which a program calls its kernel: syscall. */
#define VECTOR_PROGRAM_CALL VECTOR_SYSCALL

/* The kernel's selectors on bare hardware. */
#define NATIVE_CS 0xe008
#define NATIVE_SS 0xe010

#ifndef __ASSEMBLER__
#include <abi/layout.h>
#include <abi/shared.h>

typedef struct shared_info shared_info_t;
typedef struct vcpu_info vcpu_info_t;

/* A word of evtchn_pending and evtchn_mask. */
typedef uint64_t event_word_t;

/* How print() is told of uint64_t. */
#define PRId64 "ld"
#define PRIu64 "lu"
#define PRIx64 "lx"

/* The same for what is as wide as an address: uintptr_t, words and registers of the ABI. */
#define PRIuPTR "lu"
#define PRIxPTR "lx"

/*
 * For assembly: the instruction by which a program calls its kernel, those that save and restore all of the FPU,
 * registers, what stands behind an instruction that is as wide as one, and how many bytes that is.
 */
#define REGISTER_AX  "rax"
#define REGISTER_DX  "rdx"
#define REGISTER_DI  "rdi"
#define REGISTER_SP  "rsp"
#define PROGRAM_CALL "syscall"
#define FXSAVE       "fxsave64"
#define FXRSTOR      "fxrstor64"
#define WORD_SUFFIX  "q"
#define WORD_SIZE    "8"

/* The instruction by which a kernel calls the hypervisor. */
#define HYPERCALL_INSTRUCTION "syscall"
#endif
