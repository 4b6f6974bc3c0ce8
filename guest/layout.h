/* SPDX-License-Identifier: MIT */
/* Where a guest kernel lies.  Usable from assembly and from the linker script. */
#pragma once

#include <guest/width.h>

/* The image starts IMAGE_OFFSET bytes above VIRT_BASE, the virtual address of pfn 0. */
#define IMAGE_OFFSET 0x100000

/* Bytes of the kernel's own stack, and of the one that entries from user mode use when no program is run. */
#define STACK_SIZE 0x8000

/* Pseudo vectors of the entry points that are not exceptions, behind those of the exceptions. */
#define VECTOR_EVENT     256
#define VECTOR_FAILSAFE  257
#define VECTOR_SYSCALL   258
#define VECTOR_SYSCALL32 259
#define VECTOR_SYSENTER  260
#define VECTOR_NMI       261
#define NR_VECTORS       262
